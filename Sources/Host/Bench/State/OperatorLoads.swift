import Arrow
import Base
import Dataflow
import Expressions
import Glibc
import Operators
import VolleyPlan

/// Rows of random keys, one a microsecond, for an operator that has a number of live keys.
final class KeyedRows {
  static let time = DataType.timestamp(.microsecond, timezone: nil)
  static let key = Field("key", .int64, nullable: false)

  /// Keys are drawn of so many.
  private let pool: UInt64
  private var random = SplitMix64(state: 7)
  private(set) var now: Int64 = 1_700_000_000_000_000

  /// - Parameters:
  ///   - live: keys that are to be live at a time.
  ///   - lifetime: microseconds a live key that an event keeps its key alive for.
  init(live: Int, lifetime: Double) {
    // A key of p * live keys was drawn within the lifetime with the chance 1 - exp(-lifetime / p): p is sought for
    // which those are `live`.
    var share = 1.0
    for _ in 0..<100 { share = 1 / (1 - exp(-lifetime / share)) }
    pool = UInt64(Double(live) * share)
  }

  func advance() { now += Int64(StateBench.batchRows) }

  func keys() -> Column {
    column(.int64) { _ in Int64(bitPattern: self.random.next() % self.pool &* 0x9E37_79B9_7F4A_7C15) }
  }

  func times() -> Column { column(Self.time) { self.now &+ Int64($0) } }

  func values() -> Column { column(.int64) { Int64($0) } }

  func distance(below bound: Int) -> Int64 { Int64(random.next() % UInt64(bound)) }

  private func column(_ type: DataType, _ value: (Int) -> Int64) -> Column {
    benchColumn(type, rows: StateBench.batchRows) { UInt64(bitPattern: value($0)) }
  }
}

/// Counts what an operator emits.
private final class Counter: Collector {
  var rows = 0
  func emit(_ batch: RecordBatch, output: Int) { rows += batch.rowCount }
}

private func place(_ memory: StateMemory) -> SubtaskContext {
  SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1, stateMemory: memory)
}

/// Runs what an operator needs to do before its next input.
private func settle(_ operation: any Operator, _ output: any Collector) throws(Failure) {
  while operation.hasMore { try operation.proceed(to: output) }
}

/// A session window by key: a key's session ends after three events a live key without one of its own, as one of twenty
/// events finds it to have done.
final class SessionWindowLoad: StateLoad {
  private let memory = StateMemory(limit: .max)
  private let rows: KeyedRows
  private let operation: any Operator
  private let output = Counter()
  private let schema = Schema([
    KeyedRows.key, Field("ts", KeyedRows.time, nullable: false), Field("value", .int64, nullable: false),
  ])
  private var batch: RecordBatch
  let liveKeys: Int

  /// - Parameter sums: beside the number of a session's rows, sums of them.
  init(_ size: Int, sums: Int) throws(Failure) {
    liveKeys = size
    rows = KeyedRows(live: size, lifetime: 3)
    let names = (0..<sums).map { "sum_\($0)" }
    let calls = names.map { Plan.AggregateCall(function: "sum", argument: .column("value"), name: $0) }
    batch = RecordBatch(
      schema: schema, columns: [rows.keys(), rows.times(), rows.values()], length: StateBench.batchRows)
    let bound = Field("window_start", KeyedRows.time, nullable: false)
    operation = try makeWindowOperator(
      Plan.Window(
        assigner: .session(.init(gap: Int64(3 * size))), scope: .key,
        aggregates: [Plan.AggregateCall(function: "count", argument: nil, name: "count")] + calls),
      input: .records(keys: [0], time: .event(column: 1, shift: 0)), records: schema,
      output: Schema(
        [KeyedRows.key, bound, Field("window_end", KeyedRows.time, nullable: false), Field("count", .int64)]
          + names.map { Field($0, .int64) }),
      functions: NoScalarFunctions(), context: place(memory))
    try operation.open()
    for _ in 0..<4 * size / StateBench.batchRows + 4 {
      prepare()
      try step()
    }
  }

  var byteCount: Int { memory.usedBytes }

  func prepare() {
    batch = RecordBatch(
      schema: schema, columns: [rows.keys(), rows.times(), rows.values()], length: StateBench.batchRows)
    rows.advance()
  }

  func step() throws(Failure) {
    try operation.process(batch, input: 0, to: output)
    try operation.watermark(EventTime(microseconds: rows.now), to: output)
    try settle(operation, output)
  }
}

/// An inner interval join by key of two inputs that take turns: each keeps as many rows as there are live keys, and an
/// event finds a partner on average.
final class IntervalJoinLoad: StateLoad {
  private let memory = StateMemory(limit: .max)
  private let rows: KeyedRows
  private let operation: any Operator
  private let output = Counter()
  private let schemas = [
    Schema([
      KeyedRows.key, Field("time", KeyedRows.time, nullable: false), Field("item", .int64, nullable: false),
      Field("channel", .utf8),
    ]),
    Schema([
      KeyedRows.key, Field("paid", KeyedRows.time, nullable: false), Field("price", .int64, nullable: false),
    ]),
  ]
  private let channels: Column
  private var input = 0
  private var batch: RecordBatch
  let liveKeys: Int

  init(_ size: Int) throws(Failure) {
    liveKeys = size
    rows = KeyedRows(live: size, lifetime: 2)
    let texts = Utf8Builder()
    for row in 0..<StateBench.batchRows { texts.append("channel-\(row % 100)") }
    channels = texts.finish()
    let bound = Int64(2 * size)
    let join = Plan.Join(kind: .inner, bounds: .interval(.init(lower: 0 - bound, upper: bound)))
    let layout = try JoinLayout(
      join, inputs: schemas, keys: [[0], [0]], times: [JoinTime(column: 1, shift: 0), JoinTime(column: 1, shift: 0)])
    operation = try makeJoinOperator(join, layout: layout, functions: NoScalarFunctions(), context: place(memory))
    batch = RecordBatch(
      schema: schemas[0], columns: [rows.keys(), rows.times(), rows.values(), channels], length: StateBench.batchRows)
    try operation.open()
    for _ in 0..<3 * size / StateBench.batchRows + 4 {
      prepare()
      try step()
    }
  }

  var byteCount: Int { memory.usedBytes }

  func prepare() {
    input = 1 - input
    let columns = [rows.keys(), rows.times(), rows.values()]
    batch = RecordBatch(
      schema: schemas[input], columns: input == 0 ? columns + [channels] : columns, length: StateBench.batchRows)
    rows.advance()
  }

  func step() throws(Failure) {
    try operation.process(batch, input: input, to: output)
    try settle(operation, output)
    try operation.watermark(EventTime(microseconds: rows.now), to: output)
    try settle(operation, output)
  }
}

/// A process function that sets a timer of event time for each row, up to four events a live key later: twice as many
/// timers wait as there are live keys, and one fires an event.
final class TimerLoad: StateLoad {
  private let memory = StateMemory(limit: .max)
  private let rows: KeyedRows
  private let operation: KeyedProcessOperator
  private let output = Counter()
  private let schema = Schema([
    KeyedRows.key, Field("ts", KeyedRows.time, nullable: false), Field("due", KeyedRows.time, nullable: false),
  ])
  private var batch: RecordBatch
  private let distance: Int

  init(_ size: Int) throws(Failure) {
    distance = 4 * size
    rows = KeyedRows(live: size, lifetime: 2)
    operation = KeyedProcessOperator(
      TimerCode(), states: [], columns: .init(keys: [0], rows: [2], time: 1), input: schema, clock: SubtaskClock(),
      memory: memory)
    batch = RecordBatch(
      schema: schema, columns: [rows.keys(), rows.times(), rows.values()], length: StateBench.batchRows)
    try operation.open()
    for _ in 0..<4 * size / StateBench.batchRows + 4 {
      prepare()
      try step()
    }
  }

  var byteCount: Int { memory.usedBytes }
  var liveKeys: Int { operation.keyCount }

  func prepare() {
    let due = Buffer(byteCount: StateBench.batchRows * 8)
    let times = due.unsafeMutableValues(Int64.self)
    for row in 0..<StateBench.batchRows { times[row] = rows.now + Int64(row) + rows.distance(below: distance) }
    let column = Column(type: KeyedRows.time, length: StateBench.batchRows, validity: nil, buffers: [due])
    batch = RecordBatch(schema: schema, columns: [rows.keys(), rows.times(), column], length: StateBench.batchRows)
    rows.advance()
  }

  func step() throws(Failure) {
    try operation.process(batch, input: 0, to: output)
    try settle(operation, output)
    try operation.watermark(EventTime(microseconds: rows.now), to: output)
    try settle(operation, output)
  }
}

/// Sets the timer that each row asks for.
private final class TimerCode: KeyedProcessCode {
  func open() {}
  func process(_ rows: RecordBatch, _ call: KeyedCall, to output: any Collector) throws(Failure) {
    let due = rows.columns[0]
    try call.timers.change(
      .event, isRemoval: false, call.rowKeys, due.values(Int64.self), count: call.rowCount)
    withExtendedLifetime(due) {}
  }
  func timers(_ clock: TimerClock, _ call: KeyedCall, to output: any Collector) {}
  func flush(to output: any Collector) {}
  func close() {}
}
