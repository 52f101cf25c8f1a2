import Arrow
import Base
import Dataflow
import Expressions
import Operators
import VolleyPlan

/// `select`: one column an expression.
struct PlannedSelect: PlannedStep {
  let columns: [NamedExpression]

  var kindName: String { "select" }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let columns = try complete(inputs[0])
    let schema = try Schema.checked(try inputs[0].schema.fields(of: columns))
    return [
      TypedStream(
        schema, eventTime: inputs[0].eventTime.flatMap { $0.kept(by: columns) }, isChangelog: inputs[0].isChangelog)
    ]
  }

  /// Rows that revise others stay what they are, also when nobody selects what they are, and say so in their first
  /// column.
  private func complete(_ input: TypedStream) throws(Failure) -> [NamedExpression] {
    let kind = NamedExpression(Plan.rowKindColumn, .column(Plan.rowKindColumn))
    guard input.isChangelog else { return columns }
    guard columns.allSatisfy({ $0.name != kind.name || $0 == kind }) else {
      throw Failure(
        .usage, "the column '\(kind.name)' says how rows revise others, and cannot be computed; choose another name")
    }
    return [kind] + columns.filter { $0 != kind }
  }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    [columns.columnNames]
  }

  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? {
    columns.first { $0.expression == .column(column) }?.name
  }

  func summary(_ outputs: [TypedStream]) -> String { columns.map(\.text).joined(separator: ", ") }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    projection(try complete(place.inputs[0]), place)
  }
}

/// `extend`: all columns, then one an expression; a name that exists replaces that column in its place.
struct PlannedExtend: PlannedStep {
  let columns: [NamedExpression]

  var kindName: String { "extend" }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    [try inputs[0].extended(by: columns)]
  }

  /// A column that is replaced keeps its place.
  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    [needed[0].union(columns.columnNames).union(columns.map(\.name))]
  }

  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? {
    columns.contains { $0.name == column && !$0.isPlain } ? nil : column
  }

  func summary(_ outputs: [TypedStream]) -> String { columns.map(\.text).joined(separator: ", ") }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    projection(
      place.outputs[0].schema.fields.map { field in
        columns.first { $0.name == field.name } ?? NamedExpression(field.name, .column(field.name))
      }, place)
  }
}

private func projection(
  _ columns: [NamedExpression], _ place: StepPlace
) -> (SubtaskContext) throws(Failure) -> any Operator {
  { context throws(Failure) in
    place.guarded(
      try ProjectOperator(
        columns: columns, input: place.inputs[0].schema, output: place.outputs[0].schema,
        functions: place.functions(in: context)), in: context)
  }
}

extension TypedStream {
  /// The rows with computed columns beside their own, or in their place.
  func extended(by columns: [NamedExpression]) throws(Failure) -> TypedStream {
    if isChangelog, columns.contains(where: { $0.name == Plan.rowKindColumn }) {
      throw Failure(.usage, "the column '\(Plan.rowKindColumn)' says how rows revise others, and cannot be computed")
    }
    let isChanged = columns.contains { $0.name == eventTime?.name && !$0.isPlain }
    return TypedStream(
      try schema.extended(by: columns), eventTime: isChanged ? nil : eventTime, isChangelog: isChangelog)
  }
}

extension EventTimeColumn {
  /// The column behind a `select`: under its new name when it was renamed, nil when it is gone.
  fileprivate func kept(by columns: [NamedExpression]) -> EventTimeColumn? {
    let kept = columns.filter { $0.expression == .column(name) }
    let column = kept.first { $0.name == name } ?? kept.first
    return column.map { EventTimeColumn($0.name, shift: shift) }
  }
}
