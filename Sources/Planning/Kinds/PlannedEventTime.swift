import Arrow
import Base
import Dataflow
import Operators
import State
import VolleyPlan

extension Plan.EventTime: PlannedStep {
  var kindName: String { "eventTime" }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let input = inputs[0]
    try checkTimes()
    if let assigner {
      try input.schema.check(assigner.columns)
      if let period = assigner.period, period <= 0 {
        throw Failure(.usage, "the period is \(period) µs; it is more than 0")
      }
      let schema = try Schema.checked(AssignedTimes.schema(column, input: input.schema).fields)
      return streams(TypedStream(schema, eventTime: EventTimeColumn(column), isChangelog: input.isChangelog), input)
    }
    let index = try input.schema.required(column)
    let field = input.schema.fields[index]
    guard field.type.isTimestamp else {
      throw Failure(
        .usage,
        "the column '\(column)' is \(field.type), and an event time is a timestamp; cast it before, or take another one"
      )
    }
    var fields = input.schema.fields
    fields[index].nullable = false
    let dated = TypedStream(Schema(fields), eventTime: EventTimeColumn(column), isChangelog: input.isChangelog)
    return streams(dated, input)
  }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    [needed.reduce(Set(assigner?.columns.map(\.name) ?? []).union([column])) { $0.union($1) }]
  }

  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? {
    assigner != nil && column == self.column ? nil : column
  }

  private func streams(_ dated: TypedStream, _ input: TypedStream) -> [TypedStream] {
    undated == .route ? [dated, TypedStream(input.schema, isChangelog: input.isChangelog)] : [dated]
  }

  private func checkTimes() throws(Failure) {
    guard outOfOrderness >= 0 else {
      throw Failure(.usage, "rows are \(outOfOrderness) µs out of order at most; that is at least 0")
    }
    if let idleTimeout, idleTimeout <= 0 {
      throw Failure(.usage, "the idle timeout is \(idleTimeout) µs; it is more than 0")
    }
    if let alignment, alignment.maxDrift < 0 || alignment.group.isEmpty {
      throw Failure(
        .usage,
        "it is aligned with the group '\(alignment.group)' within \(alignment.maxDrift) µs; a group has a name, and "
          + "may drift by 0 at least")
    }
  }

  func summary(_ outputs: [TypedStream]) -> String {
    var text = "\(column), out of order by \(microseconds: outOfOrderness)"
    if let assigner {
      text = "\(column), assigned by \(assigner.label)"
      if let period = assigner.period { text += " every \(microseconds: period)" }
    }
    if let idleTimeout { text += ", idle after \(microseconds: idleTimeout)" }
    if let alignment { text += ", at most \(microseconds: alignment.maxDrift) ahead of \(alignment.group)" }
    return text
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] { EventTimeOperator.stateTables }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let (input, output) = (place.inputs[0].schema, place.outputs[0].schema)
    guard let assigner else { return { context in EventTimeOperator(self, input: input, output: output, in: context) } }
    var columns: [Int] = []
    for column in assigner.columns { columns.append(try input.required(column.name)) }
    return { [columns] context throws(Failure) in
      let rows = Schema(columns.map { input.fields[$0] })
      let code = try place.code.makeWatermarkAssigner(
        assigner.function, rows: rows, at: UserCodePlace(uid: place.name, subtask: context))
      return EventTimeOperator(
        self, input: input, output: output,
        assigned: AssignedTimes(code, rows: rows, columns: columns, column: column, input: input), in: context)
    }
  }
}

extension DefaultStringInterpolation {
  /// A time as one would say it: "5s", "1h30m", "250ms".
  mutating func appendInterpolation(microseconds: Int64) {
    let units: [(String, Int64)] = [
      ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1),
    ]
    var text = microseconds < 0 ? "-" : ""
    var rest = microseconds.magnitude
    for (unit, size) in units where rest >= size.magnitude {
      text += "\(rest / size.magnitude)\(unit)"
      rest %= size.magnitude
    }
    appendLiteral(text.isEmpty ? "0s" : text)
  }
}
