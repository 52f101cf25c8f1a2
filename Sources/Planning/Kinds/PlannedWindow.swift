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
    if let function { return try typed(function, input) }
    let results = try results(of: input, aggregates)
    return late == .route ? [results, lateRows(input)] : [results]
  }

  private func lateRows(_ input: TypedStream) -> TypedStream { TypedStream(input.schema, eventTime: input.eventTime) }

  /// What the windows come to.
  private func results(of input: TypedStream, _ aggregates: [Plan.AggregateCall]) throws(Failure) -> TypedStream {
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
    if !aggregates.isEmpty || function == nil { fields += try aggregates.fields(in: input.schema) }
    // Windows of all rows may have no column but those of a function's.
    let schema = fields.isEmpty ? Schema([]) : try Schema.checked(fields)
    return TypedStream(schema, eventTime: eventTime, isChangelog: emission == .updating)
  }

  /// The outputs of the user's code.
  private func typed(_ function: Plan.WindowFunction, _ input: TypedStream) throws(Failure) -> [TypedStream] {
    guard aggregates.isEmpty else {
      throw Failure(.usage, "it has a function and aggregates; let it have one of them")
    }
    guard emission == .final else {
      throw Failure(
        .usage, "a window function is given the rows of a closed window; take final results, and no trigger")
    }
    guard !function.columns.isEmpty else {
      throw Failure(.usage, "the function takes no column; give it at least one")
    }
    guard !function.outputs.isEmpty else { throw Failure(.usage, "it has no output; declare at least one") }
    try input.schema.check(function.columns)
    if scope == .key { try input.check(key: function.key) }
    _ = try results(of: input, [])
    var streams: [TypedStream] = []
    for fields in function.outputs {
      let schema = try Schema.checked(fields)
      var stream = TypedStream(schema)
      if let end = schema.index(of: WindowColumns.end), schema.fields[end].type == .timestamp,
        !schema.fields[end].nullable, time == .event, !isOfCount
      {
        // As of a window's aggregates.
        stream.eventTime = EventTimeColumn(WindowColumns.end, shift: -1)
      }
      streams.append(stream)
    }
    return late == .route ? streams + [lateRows(input)] : streams
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
    text += ": " + (function?.label ?? aggregates.map(\.text).joined(separator: ", "))
    if emission == .updating { text += ", updating" }
    if let rows = trigger?.everyRows { text += ", every \(rows) rows" }
    if let every = trigger?.every { text += ", every \(microseconds: every)" }
    if allowedLateness > 0 { text += ", lateness \(microseconds: allowedLateness)" }
    return text
  }

  /// Late rows that are handed on are no sums of rows, rows get processing time where they are kept, and sessions
  /// depend on each row.
  var combines: Bool {
    if function != nil { return false }
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
    if let function { return try maker(function, place) }
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

  /// The windows collect the columns that the function takes.
  private func maker(
    _ function: Plan.WindowFunction, _ place: StepPlace
  ) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let input = place.inputs[0]
    var window = self
    window.function = nil
    window.aggregates = WindowFunctionOperator.aggregates(of: function.columns)
    let collected = try window.results(of: input, window.aggregates).schema
    var columns: [Field] = []
    for (column, list) in zip(function.columns, collected.fields.suffix(function.columns.count)) {
      guard case .list(let item) = list.type else { preconditionFailure("what is collected is a list") }
      columns.append(Field(column.name, item.type))
    }
    let (rows, keys) = (Schema(columns), Schema(input.keys.map { input.schema.fields[$0] }))
    let (time, hasBounds) = (rowTime(input), !isOfCount)
    let outputs = place.outputs.prefix(function.outputs.count).map(\.schema)
    return { [window] context throws(Failure) in
      let code = try place.code.makeWindowFunction(
        function.function, rows: rows, keys: keys, outputs: outputs,
        at: UserCodePlace(uid: place.name, subtask: context))
      return WindowFunctionOperator(
        try makeWindowOperator(
          window, input: .records(keys: input.keys, time: time(context)), records: input.schema, output: collected,
          functions: place.functions(in: context), context: context),
        code, keys: keys, hasBounds: hasBounds, rows: rows, outputs: outputs.count)
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
