import Arrow
import Base
import Calendar
import Dataflow
import Operators
import VolleyPlan

extension Plan.Window: PlannedStep {
  var kindName: String { "window" }
  var needsUID: String? { "an operator with state" }
  func arrival(ofInput index: Int) -> Arrival { scope == .key ? .keyed : .gathered }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let input = inputs[0]
    try input.refuseRevisions()
    try assigner.check()
    try checkTimes()
    try checkEmission()
    var fields = input.keys.map { input.schema.fields[$0] }
    let own = [WindowColumns.start, WindowColumns.end, Plan.rowKindColumn]
    if let taken = fields.first(where: { own.contains($0.name) }) {
      throw Failure(
        .usage,
        "the key '\(taken.name)' has the name of a column that windows' results have; rename it with .as(\"…\")")
    }
    var eventTime: EventTimeColumn?
    if !isOfCount {
      let bound = DataType.timestamp(.microsecond, timezone: try boundsZone(input))
      fields.append(Field(WindowColumns.start, bound, nullable: false))
      fields.append(Field(WindowColumns.end, bound, nullable: false))
      // A window's result belongs to its last microsecond.
      if time == .event { eventTime = EventTimeColumn(WindowColumns.end, shift: -1) }
    }
    if emission == .updating { fields.insert(Field(Plan.rowKindColumn, .utf8, nullable: false), at: 0) }
    let schema = try Schema.checked(fields + aggregates.fields(in: input.schema))
    let results = TypedStream(schema, eventTime: eventTime, isChangelog: emission == .updating)
    return late == .route ? [results, TypedStream(input.schema, eventTime: input.eventTime)] : [results]
  }

  private var isOfCount: Bool { if case .count = assigner { true } else { false } }

  private func checkTimes() throws(Failure) {
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

  private func checkEmission() throws(Failure) {
    if isOfCount, emission == .updating || trigger != nil || allowedLateness > 0 || late == .route {
      throw Failure(
        .usage,
        "windows of a number of rows have final results, and no row is late for them; leave updates, trigger, allowed lateness "
          + "and the late rows' stream out")
    }
    guard let trigger else { return }
    guard emission == .updating else {
      throw Failure(.usage, "a trigger tells results that change; take updating results with it, or no trigger")
    }
    guard trigger.everyRows != nil || trigger.every != nil, trigger.everyRows ?? 1 >= 1, trigger.every ?? 1 >= 1 else {
      throw Failure(.usage, "a trigger is every so many rows, at least 1, or every so many microseconds, at least 1")
    }
  }

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

  func summary(_ outputs: [TypedStream]) -> String {
    var text = "\(assigner.text)"
    if time == .processing { text += " of processing time" }
    if scope == .all { text += ", all rows" }
    text += ": " + aggregates.map(\.text).joined(separator: ", ")
    if emission == .updating { text += ", updating" }
    if let rows = trigger?.everyRows { text += ", every \(rows) rows" }
    if let every = trigger?.every { text += ", every \(microseconds: every)" }
    if allowedLateness > 0 { text += ", lateness \(microseconds: allowedLateness)" }
    return text
  }

  /// Late rows that are handed on are no sums of rows, rows get processing time where they are kept, and sessions
  /// depend on each row.
  var combines: Bool {
    switch assigner {
    case .session, .count: return false
    default: return late == .drop && time == .event
    }
  }

  func combiner(_ place: StepPlace) throws(Failure) -> Combiner {
    let (input, keys, time) = (place.inputs[0].schema, place.inputs[0].keys, rowTime(place.inputs[0]))
    return Combiner(
      schema: try WindowCombineOperator.outputSchema(self, keys: keys, input: input), keys: Array(keys.indices)
    ) { context throws(Failure) in
      try WindowCombineOperator(
        self, keys: keys, time: time(context), input: input, functions: place.functions(in: context))
    }
  }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let (records, output) = (place.inputs[0], place.outputs[0].schema)
    let time = rowTime(records)
    return { context throws(Failure) in
      try makeWindowOperator(
        self,
        input: place.isCombined
          ? .partials(keyCount: records.keys.count) : .records(keys: records.keys, time: time(context)),
        records: records.schema, output: output, functions: place.functions(in: context), context: context)
    }
  }

  private func rowTime(_ input: TypedStream) -> (SubtaskContext) -> RowTime {
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
