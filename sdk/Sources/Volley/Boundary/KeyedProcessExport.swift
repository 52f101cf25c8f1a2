import CVolley
import VolleyPlan

/// A keyed process function as the host calls it, whatever its types.
class AnyProcessInstance: AnyInstance {
  func process(_ call: volley_keyed_call) throws {}
  func timers(_ clock: UInt32, _ call: volley_keyed_call) throws {}
}

final class ProcessInstance<Function: KeyedProcessFunction>: AnyProcessInstance {
  private let function: Function
  private let states: [AnyState]
  private let core: ProcessCore
  private let processContext: Context<Function.Key, Function.Out>
  private let keyCodec: StateCodec<Function.Key>
  private let rows: RowReader<Function.In>

  init(_ context: TaskContext, _ function: Function, sideOutputs: [String]) throws {
    self.function = function
    states = try Volley.states(of: function)
    core = try ProcessCore(context, sideOutputs: sideOutputs)
    processContext = Context(core)
    let keys = context.inputs.count > 1 ? context.inputs[1] : Schema([])
    keyCodec = try StateCodec<Function.Key>.make(keys.fields.first?.name ?? "key")
    rows = try RowReader(schema: context.inputs.first ?? Schema([]))
    super.init(context)
    for state in states { state.core = core }
  }

  override func open() throws { try function.open(context) }

  override func close() throws {
    // A state has a way back here: without it nothing is kept alive.
    defer { for state in states { state.core = nil } }
    try function.close()
  }

  override func process(_ call: volley_keyed_call) throws {
    guard let array = call.rows, let schema = context.inputs.first else {
      throw VolleyError("the host gave no rows to process", domain: .internal)
    }
    let batch = try Batch(moving: array, schema: schema)
    guard batch.rowCount == Int(call.row_count) else {
      throw VolleyError("the host gave \(batch.rowCount) rows and spoke of \(call.row_count)", domain: .internal)
    }
    try run(call) { rowKeys in
      let (core, function, context) = (core, function, processContext)
      var index = 0
      try rows.forEach(batch) { row in
        core.row = index
        core.cursor.pointee = Int(rowKeys[index])
        try function.process(row, context: context)
        index += 1
      }
    }
  }

  override func timers(_ clock: UInt32, _ call: volley_keyed_call) throws {
    guard let times = call.times else { throw VolleyError("the host fired timers without times", domain: .internal) }
    let clock: FiredTimer.Clock = clock == VOLLEY_CLOCK_EVENT ? .eventTime : .processingTime
    try run(call) { rowKeys in
      for index in 0..<Int(call.row_count) {
        core.row = index
        core.cursor.pointee = Int(rowKeys[index])
        try function.onTimer(
          FiredTimer(clock: clock, time: Timestamp(microseconds: times[index])), context: processContext)
      }
    }
  }

  private func run(_ call: volley_keyed_call, _ body: (UnsafePointer<UInt32>) throws -> Void) throws {
    guard let keys = call.keys, let rowKeys = call.row_keys else {
      throw VolleyError("the host called without keys", domain: .internal)
    }
    let batch = try Batch(moving: keys, schema: context.inputs[1])
    core.begin(call)
    do {
      try readKeys(batch)
      for state in states { try state.begin() }
      try body(rowKeys)
      try core.checkProblem()
      for state in states { try state.end() }
      try core.end()
    } catch {
      for state in states { state.forget() }
      core.forget()
      core.rows.forget()
      throw error
    }
  }

  private func readKeys(_ batch: Batch) throws {
    let count = batch.rowCount
    try keyCodec.check(batch, owner: Function.Key.self)
    keyCodec.use(batch.columns)
    processContext.keys.removeAll(keepingCapacity: true)
    for row in 0..<count { processContext.keys.append(try keyCodec.read(row)) }
    withExtendedLifetime(batch) {}
  }
}

extension Tables {
  // Written once, before anybody reads.
  nonisolated(unsafe) static let keyedProcess = permanent(
    volley_keyed_process(
      header: header(volley_keyed_process.self), open: open, close: close, destroy: destroy,
      process: { pointer, call, error in
        serve(context(pointer), error) {
          guard let call else { throw VolleyError("a call without its struct", domain: .internal) }
          try instance(pointer, as: AnyProcessInstance.self).process(call.pointee)
        }
      },
      timers: { pointer, clock, call, error in
        serve(context(pointer), error) {
          guard let call else { throw VolleyError("a call without its struct", domain: .internal) }
          try instance(pointer, as: AnyProcessInstance.self).timers(clock, call.pointee)
        }
      },
      // All rows go with the call that made them.
      flush: { _, _ in VOLLEY_OK }))
}
