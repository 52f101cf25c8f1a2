import Arrow
import Base
import Calendar
import Dataflow
import Operators
import State
import VolleyPlan

extension Plan.Window: PlannedStep, PlannedWindowing {
  var kindName: String { "window" }
  var needsUID: String? { "an operator with state" }
  var keepsRows: Bool { late == .route }
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

  /// Of a key's windows the results have the key; one of them may have the name of any other column.
  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? {
    function == nil && inputs[index].keyNames.contains(column) ? column : nil
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
      fields += try boundFields(input)
      eventTime = resultTime
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

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    var names = aggregates.columnNames.union(function?.columns.map(\.name) ?? [])
    if time == .event, let column = inputs[0].eventTime?.name { names.insert(column) }
    if case .inherited = assigner { names.formUnion([WindowColumns.start, WindowColumns.end]) }
    // Late rows are handed on as they are.
    if late == .route { names.formUnion(needed[needed.count - 1]) }
    return [names]
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
    let (window, collected) = try collecting(function, input)
    var columns: [Field] = []
    for (column, list) in zip(function.columns, collected.fields.suffix(function.columns.count)) {
      guard case .list(let item) = list.type else { preconditionFailure("what is collected is a list") }
      columns.append(Field(column.name, item.type))
    }
    let (rows, keys) = (Schema(columns), Schema(input.keys.map { input.schema.fields[$0] }))
    let (time, hasBounds) = (rowTime(input), !isOfCount)
    let outputs = place.outputs.prefix(function.outputs.count).map(\.schema)
    return { context throws(Failure) in
      let code = try place.code.makeWindowFunction(
        function.function, rows: rows, keys: keys, outputs: outputs,
        at: UserCodePlace(uid: place.name, subtask: context))
      let windows = try SpillingKeys.around(context) { context throws(Failure) in
        try makeWindowOperator(
          window, input: .records(keys: input.keys, time: time(context)), records: input.schema, output: collected,
          functions: place.functions(in: context), context: context)
      }
      guard let windows = windows as? any StatefulOperator else { preconditionFailure("windows have state") }
      return WindowFunctionOperator(
        windows, code, keys: keys, hasBounds: hasBounds, rows: rows, outputs: outputs.count, context: context)
    }
  }

  /// The windows that collect a function's columns, and the columns of what they give.
  private func collecting(
    _ function: Plan.WindowFunction, _ input: TypedStream
  ) throws(Failure) -> (window: Plan.Window, results: Schema) {
    var window = self
    window.function = nil
    window.aggregates = WindowFunctionOperator.aggregates(of: function.columns)
    return (window, try window.results(of: input, window.aggregates).schema)
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] {
    let records = place.inputs[0]
    guard let function else {
      return try windowStateTables(
        self, keyCount: records.keys.count, records: records.schema, output: place.outputs[0].schema)
    }
    let (window, collected) = try collecting(function, records)
    return WindowFunctionOperator.stateTables(
      try windowStateTables(window, keyCount: records.keys.count, records: records.schema, output: collected))
  }
}
