import Arrow
import Base
import Keys
import VolleyPlan

extension Plan.KeyBy: PlannedOperator {
  var kindName: String { "keyBy" }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let input = inputs[0].schema
    let keys = everyColumn == true ? everyKey(inputs[0]) : keys
    guard !keys.isEmpty else { throw Failure(.usage, "there is no key; name at least one column") }
    if inputs[0].isChangelog, keys.contains(where: { $0.expression == .column(Plan.rowKindColumn) }) {
      throw Failure(
        .usage, "the column '\(Plan.rowKindColumn)' says how rows revise others, and is no key; name another column")
    }
    let computed = keys.filter { !$0.isPlain }
    // A key is read by the aggregates behind it as well: one that took a column's place would change what they compute.
    if let key = computed.first(where: { input.index(of: $0.name) != nil }) {
      throw Failure(
        .usage,
        "the key '\(key.name)' is computed, and the input has a column '\(key.name)' already, which it would replace; give "
          + "the key another name with .as(\"…\")")
    }
    var output = try inputs[0].extended(by: computed)
    for key in keys {
      let index = try output.schema.required(key.name)
      if output.keys.contains(index) { throw Failure(.usage, "the key '\(key.name)' is named twice") }
      if let objection = KeyColumn.objection(to: output.schema.fields[index].type) {
        throw Failure(.usage, "the key '\(key.name)' cannot be one: \(objection)")
      }
      output.keys.append(index)
    }
    return [output]
  }

  /// What rows that revise others say of it is no part of what they are.
  private func everyKey(_ input: TypedStream) -> [NamedExpression] {
    input.schema.fields.dropFirst(input.isChangelog ? 1 : 0).map { NamedExpression($0.name, .column($0.name)) }
  }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    if everyColumn == true { return [nil] }
    return [needed[0].union(keys.columnNames)]
  }

  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? {
    column
  }

  func summary(_ outputs: [TypedStream]) -> String {
    everyColumn == true ? "every column" : keys.map(\.text).joined(separator: ", ")
  }
}
