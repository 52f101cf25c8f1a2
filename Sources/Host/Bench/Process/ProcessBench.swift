import Arrow
import Base
import Dataflow
import Operators
import PluginLoading
import VolleyPlan

/// `volley-host bench process`: what an event costs in a keyed process function of a plugin that does one thing to it,
/// on one thread. Time is that of the processor; that of the case `none` is in each.
struct ProcessBench {
  static let names = ["none", "value", "aggregating", "map", "map-put", "list", "timer"]
  /// Live keys.
  private static let sizes = [(10_000, "10k"), (1_000_000, "1m")]

  var cases: [String] = []
  /// Events measured with each number of keys.
  var rows = 8_000_000
  var repeats = 3
  var plugin: String?
  /// Called with each result as it is there.
  let report: (BenchResult) throws(Failure) -> Void

  init(report: @escaping (BenchResult) throws(Failure) -> Void) { self.report = report }

  func run() throws(Failure) {
    try BenchNames.check(cases, among: Self.names) { "there is no case '\($0)' of process" }
    let plugin = try Plugin.load(path: try BenchPlugin.path(plugin, "bench"))
    let code = try PluginSet(
      pipeline: plugin.pipeline(named: "process").plan(values: .object([])), of: plugin
    ) { _ in }
    for name in cases.isEmpty ? Self.names : cases {
      for (size, suffix) in Self.sizes { try report(measured(name, "\(name)-\(suffix)", size, code)) }
    }
  }

  private func measured(_ name: String, _ label: String, _ size: Int, _ code: PluginSet) throws(Failure) -> BenchResult
  {
    let node = code.pipeline.plan.nodes.first { $0.uid == name }
    guard case .process(let process) = node?.operator else {
      throw Failure(.plugin, "the pipeline 'process' of the benchmark's plugin has no function '\(name)'")
    }
    let load = try ProcessLoad(process, keyCount: size, code)
    let time = try closing(load.close) { () throws(Failure) in
      // Every key has something, and what grows by doubling has settled.
      try load.run(events: max(size * 2, min(rows, 1_000_000)))
      return try measure(times: repeats) { () throws(Failure) in try load.run(events: rows) }
    }
    var result = BenchResult(
      name: label, threads: 1, rows: rows, seconds: time.seconds, cpuSeconds: time.cpuSeconds)
    result.extra = [
      ("cpu_nanoseconds_per_event", result.cpuSeconds * 1e9 / Double(rows)),
      ("state_bytes_per_key", Double(load.memory.usedBytes) / Double(size)),
    ]
    return result
  }
}

/// Rows of random keys, one a microsecond, and their watermarks.
private final class ProcessLoad: Collector {
  static let batchRows = 8_192

  let memory = StateMemory(limit: .max)
  private let operation: KeyedProcessOperator
  private let schema: Schema
  /// The columns `key` and `value`.
  private var batches: [[Column]] = []
  private var time: Int64 = 1_700_000_000_000_000
  private var next = 0

  init(_ process: Plan.Process, keyCount: Int, _ code: PluginSet) throws(Failure) {
    let schema = Schema([
      Field("key", .int64), Field("value", .int64), Field("ts", .timestamp(.microsecond, timezone: nil)),
    ])
    self.schema = schema
    let rows = process.columns ?? [schema.fields[1]]
    var places: [Int] = []
    for field in rows {
      guard let place = schema.index(of: field.name) else {
        throw Failure(
          .plugin, "a function of the benchmark's plugin takes the column '\(field.name)', which is not there")
      }
      places.append(place)
    }
    let place = UserCodePlace(uid: "bench", subtask: SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1))
    operation = KeyedProcessOperator(
      try code.makeKeyedProcess(
        process.function, states: process.states, rows: Schema(places.map { schema.fields[$0] }),
        keys: Schema([schema.fields[0]]), outputs: process.outputs.map { Schema($0) }, at: place),
      states: process.states, columns: .init(keys: [0], rows: places, time: 2), input: schema, clock: SubtaskClock(),
      memory: memory)
    var random = SplitMix64(state: 7)
    // Enough batches that their keys are not in the cache when they come again.
    for _ in 0..<min(512, 4 * keyCount / Self.batchRows + 64) {
      batches.append([
        benchColumn(.int64, rows: Self.batchRows) { _ in benchKey(among: keyCount, &random) },
        benchColumn(.int64, rows: Self.batchRows) { _ in random.next() >> 20 },
      ])
    }
    try operation.open()
  }

  func emit(_ batch: RecordBatch, output: Int) {}

  func close() throws(Failure) { try operation.close() }

  func run(events: Int) throws(Failure) {
    for _ in 0..<events / Self.batchRows {
      let times = benchTimes(from: time, rows: Self.batchRows)
      time += Int64(Self.batchRows)
      let batch = RecordBatch(schema: schema, columns: batches[next] + [times], length: Self.batchRows)
      next = (next + 1) % batches.count
      try operation.process(batch, input: 0, to: self)
      while operation.hasMore { try operation.proceed(to: self) }
      try operation.watermark(EventTime(microseconds: time), to: self)
      while operation.hasMore { try operation.proceed(to: self) }
    }
  }
}
