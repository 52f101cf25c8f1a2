import Arrow
import Base
import Dataflow
import Expressions
import Operators
import VolleyPlan

/// `volley-host bench windows`: what an event costs that is counted by key in a window, on one thread, beside the plain
/// keyed aggregate. Time is that of the processor, and includes the results.
struct WindowBench {
  private struct Case {
    var name: String
    var assigner: Plan.WindowAssigner?
    var keys: Int
    /// Events before those that are measured.
    var warm: Int

    init(_ kind: String, _ assigner: Plan.WindowAssigner?, keys: Int, warm: Int = 8_000_000) {
      name = "\(kind)-\(keys < 1_000_000 ? "\(keys / 1_000)k" : "\(keys / 1_000_000)m")"
      self.assigner = assigner
      self.keys = keys
      self.warm = warm
    }

    /// Windows of so many slides of so many events, each of which has nearly all keys: the results are as many,
    /// whatever the length of a window.
    static func sliding(_ panes: Int, of slide: Int64, keys: Int) -> Case {
      let size = Int64(panes) * slide
      return Case("sliding-\(panes)", .sliding(.init(size: size, slide: slide)), keys: keys, warm: Int(size + slide))
    }

    static func session(keys: Int) -> Case {
      // Each key comes once in `keys` microseconds on average, and hardly ever with a pause of twenty times as much.
      Case("session", .session(.init(gap: Int64(20 * keys))), keys: keys, warm: max(2 * keys, 1_000_000))
    }
  }

  /// A row each microsecond.
  private static let all: [Case] = [
    Case("aggregate", nil, keys: 1_000), Case("aggregate", nil, keys: 1_000_000),
    Case("tumbling", .tumbling(.init(size: 4_000_000)), keys: 1_000),
    Case("tumbling", .tumbling(.init(size: 4_000_000)), keys: 1_000_000),
    .sliding(5, of: 80_000, keys: 1_000), .sliding(50, of: 80_000, keys: 1_000), .sliding(500, of: 80_000, keys: 1_000),
    .sliding(5, of: 80_000, keys: 100_000), .sliding(50, of: 80_000, keys: 100_000),
    .sliding(500, of: 80_000, keys: 100_000),
    .sliding(5, of: 800_000, keys: 1_000_000), .sliding(50, of: 800_000, keys: 1_000_000),
    .session(keys: 10_000), .session(keys: 100_000), .session(keys: 1_000_000), .session(keys: 10_000_000),
  ]

  static let names = all.map(\.name)
  var cases: [String] = []
  /// Events measured.
  var rows = 40_000_000
  /// Called with each result as it is there.
  let report: (BenchResult) throws(Failure) -> Void

  init(report: @escaping (BenchResult) throws(Failure) -> Void) { self.report = report }

  func run() throws(Failure) {
    try BenchNames.check(cases, among: Self.names) { "there is no case '\($0)' of windows" }
    for one in Self.all where cases.isEmpty || cases.contains(one.name) { try run(one) }
  }

  private func run(_ one: Case) throws(Failure) {
    let load = try WindowLoad(one.assigner, keyCount: one.keys)
    try load.run(events: one.warm)
    let told = load.rowsOut
    let time = try measure { () throws(Failure) in try load.run(events: rows) }
    var result = BenchResult(
      name: one.name, threads: 1, rows: rows, seconds: time.seconds, cpuSeconds: time.cpuSeconds)
    result.extra = [
      ("cpu_nanoseconds_per_event", time.cpuSeconds * 1e9 / Double(rows)),
      ("results_per_event", Double(load.rowsOut - told) / Double(rows)),
      ("state_bytes_per_key", Double(load.memory.usedBytes) / Double(one.keys)),
    ]
    try report(result)
  }
}

/// Rows of random keys, one a microsecond, and their watermarks.
private final class WindowLoad: Collector {
  static let batchRows = 8_192

  let memory = StateMemory(limit: .max)
  private(set) var rowsOut = 0
  private let operation: any Operator
  private let schema: Schema
  private let keys: [Column]
  private var time: Int64 = 1_700_000_000_000_000
  private var next = 0

  init(_ assigner: Plan.WindowAssigner?, keyCount: Int) throws(Failure) {
    let bound = DataType.timestamp(.microsecond, timezone: nil)
    let key = Field("key", .int64, nullable: false)
    let count = Field("count", .int64, nullable: false)
    schema = Schema([key, Field("ts", bound, nullable: false)])
    let calls = [Plan.AggregateCall(function: "count", argument: nil, name: "count")]
    let context = SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1, stateMemory: memory)
    if let assigner {
      let output = Schema([
        key, Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false), count,
      ])
      operation = try makeWindowOperator(
        Plan.Window(assigner: assigner, scope: .key, aggregates: calls),
        input: .records(keys: [0], time: .event(column: 1, shift: 0)), records: schema, output: output,
        functions: NoScalarFunctions(), context: context)
    } else {
      operation = try AggregateOperator(
        calls, input: .records(keys: [0]), records: schema, output: Schema([key, count]), emission: .perBatch,
        functions: NoScalarFunctions(), memory: memory)
    }
    var random = SplitMix64(state: 7)
    // Enough batches that their keys are not in the cache when they come again.
    keys = (0..<min(1_024, 4 * keyCount / Self.batchRows + 64)).map { _ in
      benchColumn(.int64, rows: Self.batchRows) { _ in benchKey(among: keyCount, &random) }
    }
    try operation.open()
  }

  func emit(_ batch: RecordBatch, output: Int) { rowsOut += batch.rowCount }

  func run(events: Int) throws(Failure) {
    for _ in 0..<events / Self.batchRows {
      let times = benchTimes(from: time, rows: Self.batchRows)
      time += Int64(Self.batchRows)
      let batch = RecordBatch(schema: schema, columns: [keys[next], times], length: Self.batchRows)
      next = (next + 1) % keys.count
      try operation.process(batch, input: 0, to: self)
      try operation.watermark(EventTime(microseconds: time), to: self)
    }
  }
}
