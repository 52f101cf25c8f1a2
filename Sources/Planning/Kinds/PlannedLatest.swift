import Arrow
import Base
import Dataflow
import Keys
import Operators
import State
import VolleyPlan

extension Plan.Latest: PlannedStep {
  var kindName: String { "latest" }
  var needsUID: String? { "an operator with state" }
  var keepsRows: Bool { true }
  func arrival(ofInput index: Int) -> Arrival { .keyed }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let input = inputs[0]
    guard input.isChangelog else { return [TypedStream(input.schema)] }
    let fields = Array(input.schema.fields.dropFirst())
    for field in fields {
      if let objection = KeyColumn.objection(to: field.type) {
        throw Failure(
          .usage,
          "rows are taken back by all of their columns, and '\(field.name)' cannot be compared: \(objection); leave it out with select"
        )
      }
    }
    return [TypedStream(try Schema.checked(fields))]
  }

  /// Rows that are taken back are found by all columns. Of new ones, whether there are columns beside the key's decides
  /// which hold.
  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    let input = inputs[0]
    let others = input.schema.fields.indices.filter { !input.keys.contains($0) }.map { input.schema.fields[$0].name }
    guard !input.isChangelog, let other = others.first else { return [nil] }
    return [needed[0].isDisjoint(with: others) ? needed[0].union([other]) : needed[0]]
  }

  func summary(_ outputs: [TypedStream]) -> String { "at the end of the input" }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let (input, output) = (place.inputs[0], place.outputs[0].schema)
    if !input.isChangelog {
      if input.keys.count == input.schema.fields.count { return { _ in PassingOperator() } }
      return { LastRowsOperator(keys: input.keys, input: input.schema, context: $0) }
    }
    let keys = input.keys.map { $0 - 1 }
    return { LatestRowsOperator(keys: keys, output: output, context: $0) }
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] {
    let (input, output) = (place.inputs[0], place.outputs[0].schema)
    if input.isChangelog { return LatestRowsOperator.stateTables(keys: input.keys.map { $0 - 1 }, output: output) }
    if input.keys.count == input.schema.fields.count { return [] }
    return LastRowsOperator.stateTables(keys: input.keys, input: input.schema)
  }
}

/// New rows of which each holds, as often as it comes.
private final class PassingOperator: Operator {
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    try output.emit(batch, output: 0)
  }
}
