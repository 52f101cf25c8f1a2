import Arrow
import Base
import Dataflow
import Operators
import VolleyPlan

/// What the kinds have in common that put rows into windows.
protocol PlannedWindowing {
  var assigner: Plan.WindowAssigner { get }
  var time: Plan.WindowTime { get }
  var allowedLateness: Int64 { get }
  var late: Plan.LateRows { get }
}

extension PlannedWindowing {
  var isOfCount: Bool { if case .count = assigner { true } else { false } }

  func checkTimes() throws(Failure) {
    guard allowedLateness >= 0, allowedLateness <= WindowColumns.longest else {
      throw Failure(.usage, "the allowed lateness is \(allowedLateness) µs; it is at least 0, and at most 9,000 years")
    }
    guard time == .processing else { return }
    if case .inherited = assigner {
      throw Failure(.usage, "inherited windows are of event time; take windows of another kind for processing time")
    }
    if allowedLateness > 0 || late == .route {
      throw Failure(
        .usage, "in processing time no row is late; leave the allowed lateness and the late rows' stream out")
    }
  }

  /// The columns that tell a window.
  func boundFields(_ input: TypedStream) throws(Failure) -> [Field] {
    let bound = DataType.timestamp(.microsecond, timezone: try boundsZone(input))
    return [Field(WindowColumns.start, bound, nullable: false), Field(WindowColumns.end, bound, nullable: false)]
  }

  /// A window's result belongs to its last microsecond.
  var resultTime: EventTimeColumn? { time == .event ? EventTimeColumn(WindowColumns.end, shift: -1) : nil }

  /// The zone in which windows are told, which is that of the times that they come from.
  private func boundsZone(_ input: TypedStream) throws(Failure) -> String? {
    switch time {
    case .processing: return "UTC"
    case .event:
      let column = try input.requireEventTime()
      if case .inherited = assigner { return try inheritedZone(input.schema) }
      guard case .timestamp(_, let zone) = input.schema.fields[column].type else {
        preconditionFailure("an event time is a timestamp")
      }
      return zone
    }
  }

  private func inheritedZone(_ schema: Schema) throws(Failure) -> String? {
    var zone: String?
    for name in [WindowColumns.start, WindowColumns.end] {
      guard let index = schema.index(of: name), case .timestamp(_, let found) = schema.fields[index].type,
        !schema.fields[index].nullable
      else {
        throw Failure(
          .usage,
          "inherited windows are told by the columns '\(WindowColumns.start)' and '\(WindowColumns.end)' of a window's results, timestamps that "
            + "are never null, and the input has \(describe(name, schema)); keep both through select, or take windows of another kind"
        )
      }
      zone = found
    }
    return zone
  }

  private func describe(_ name: String, _ schema: Schema) -> String {
    guard let index = schema.index(of: name) else { return "no '\(name)'" }
    return "'\(name)' of \(schema.fields[index].type)\(schema.fields[index].nullable ? ", which may be null" : "")"
  }

  func rowTime(_ input: TypedStream) -> (SubtaskContext) -> RowTime {
    // Windows of a number of rows ask for no time.
    if time == .processing || isOfCount { return { .processing($0.clock) } }
    if case .inherited = assigner, let start = input.schema.index(of: WindowColumns.start),
      let end = input.schema.index(of: WindowColumns.end)
    {
      return { _ in .bounds(start: start, end: end) }
    }
    guard let eventTime = input.eventTime, let column = input.schema.index(of: eventTime.name) else {
      preconditionFailure("a window of event time was refused without one")
    }
    return { _ in .event(column: column, shift: eventTime.shift) }
  }
}

enum WindowColumns {
  static let start = "window_start"
  static let end = "window_end"
  /// Microseconds.
  static let longest: Int64 = 1 << 58
}

extension TypedStream {
  /// The index of the event-time column, for an operator that cannot do without one.
  func requireEventTime() throws(Failure) -> Int {
    guard let eventTime, let index = schema.index(of: eventTime.name) else {
      throw Failure(
        .usage,
        "its input has no event time; name the column with eventTime(…) before it, and keep that column as it is in every "
          + "select and batch function between them")
    }
    return index
  }
}
