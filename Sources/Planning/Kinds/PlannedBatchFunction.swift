import Arrow
import Base
import VolleyPlan

extension Plan.BatchFunction: PlannedOperator {
  var kindName: String { label }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    if let columns {
      try inputs[0].schema.check(columns)
      if inputs[0].isChangelog, !columns.contains(where: { $0.name == Plan.rowKindColumn }) {
        throw Failure(
          .usage,
          "its rows revise former ones, as '\(Plan.rowKindColumn)' says, and the function does not take that column: it would take rows "
            + "that no longer hold for new ones; take it as well, or put latest(by:) before the function")
      }
    }
    if let async {
      guard outputs.count == 1 else {
        throw Failure(
          .usage, "a function that answers later has one output, and \(outputs.count) are declared; declare one")
      }
      guard async.capacity >= 1, async.rowsPerCall >= 1, async.timeout ?? 1 >= 1 else {
        throw Failure(
          .usage,
          "\(async.capacity) rows are under way at the most, \(async.rowsPerCall) in a call, and the timeout is \(async.timeout ?? 1) "
            + "µs; each is at least 1")
      }
      if inputs[0].isChangelog, async.order == .unordered {
        throw Failure(
          .usage,
          "its rows revise former ones, as '\(Plan.rowKindColumn)' says, and its answers leave unordered: one might leave before the row "
            + "that it takes back; take the order 'ordered', or put latest(by:) before the function")
      }
    }
    var streams: [TypedStream] = []
    for fields in outputs {
      let schema = try Schema.checked(fields)
      if inputs[0].isChangelog, let place = schema.index(of: Plan.rowKindColumn), place > 0 {
        throw Failure(
          .usage,
          "'\(Plan.rowKindColumn)' is column \(place + 1) of an output; let it be the first, where what reads it looks for it"
        )
      }
      streams.append(
        TypedStream(
          schema, eventTime: inputs[0].eventTime(keptIn: schema),
          isChangelog: inputs[0].isChangelog && schema.fields[0] == Field(Plan.rowKindColumn, .utf8, nullable: false)))
    }
    return streams
  }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    guard let columns else { return [nil] }
    // What it makes of the time is known by its column.
    return [Set(columns.map(\.name) + [inputs[0].eventTime?.name].compactMap { $0 })]
  }

  func summary(_ outputs: [TypedStream]) -> String { function }
}

extension TypedStream {
  /// The event time of what code makes of these rows: it may give them in any order, but a row's time is still what its
  /// column says.
  func eventTime(keptIn schema: Schema) -> EventTimeColumn? {
    eventTime.flatMap { time in
      schema.fields.contains { $0.name == time.name && $0.type.isTimestamp && !$0.nullable } ? time : nil
    }
  }
}

extension Schema {
  /// The columns that a function takes have to be there, with its types.
  func check(_ columns: [Field]) throws(Failure) {
    for column in columns {
      let found = fields[try required(column.name)]
      guard found.type == column.type else {
        throw Failure(
          .usage,
          "the column '\(column.name)' is \(found.type), and the function takes \(column.type); cast it before, or change "
            + "the function's type")
      }
    }
  }
}

extension DataType {
  var isTimestamp: Bool {
    if case .timestamp = self { true } else { false }
  }
}
