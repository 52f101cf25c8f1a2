import Arrow
import Base
import Connectors
import Dataflow
import Observability
import Planning
import PluginLoading
import VolleyPlan

/// `volley-host bench nexmark`: the queries of Plugins/nexmark, from whole events in generator order to a sink that
/// reads every value, as `run` would run them. Events of all kinds count, replayed from memory and made as the job
/// runs.
struct NexmarkBench {
  /// By name; empty: all that the plugin has.
  var queries: [String] = []
  var events = 4_000_000
  /// Threads of the scheduler, subtasks of the source and of each operator.
  var threads = 1
  var repeats = 3
  var plugin: String?
  /// Whether the delay of windows' results is measured too, at half of the rate that was reached.
  var measuresLatency = false
  /// Called with each result as it is there.
  let report: (BenchResult) throws(Failure) -> Void

  /// Results of windows that a delay is told of.
  private static let latencyWindows = 2_000

  init(report: @escaping (BenchResult) throws(Failure) -> Void) { self.report = report }

  func run() throws(Failure) {
    let plugin = try Plugin.load(path: try BenchPlugin.path(plugin, "nexmark"))
    let names = plugin.pipelines.map(\.name).filter { $0 != NexmarkEvents.pipeline }
    try BenchNames.check(queries, among: names) { "the plugin '\(plugin.name)' has no query '\($0)'" }
    let made = try NexmarkEvents.made(try code(NexmarkEvents.pipeline, plugin), subtasks: threads)
    let bytes = made.reduce(0) { $0 + $1.reduce(0) { $0 + $1.byteCount } }
    for name in names where queries.isEmpty || queries.contains(name) {
      // Of this query, with the events that all are given.
      ProcessUsage.resetPeak()
      var result = try measured(name, plugin, made)
      result.extra += [("event_bytes", Double(bytes))]
      if measuresLatency { result.extra += try latency(name, plugin, made, eventsPerSecond: result.rowsPerSecond / 2) }
      try report(result)
    }
  }

  private func code(_ pipeline: String, _ plugin: Plugin) throws(Failure) -> PluginSet {
    let values: JSONValue = .object([
      .init("events", .int(Int64(events))), .init("parallelism", .int(Int64(threads))),
      .init("batchRows", .int(Int64(NexmarkEvents.batchRows))),
    ])
    return try PluginSet(pipeline: plugin.pipeline(named: pipeline).plan(values: values), of: plugin) { _ in }
  }

  private func measured(_ name: String, _ plugin: Plugin, _ made: [[RecordBatch]]) throws(Failure) -> BenchResult {
    var replayed: [Run] = []
    var generated: [Run] = []
    for _ in 0..<max(1, repeats) {
      replayed.append(try run(try code(name, plugin), .replayed(made)))
      generated.append(try run(try code(name, plugin), .generated))
      let (replay, generation) = (replayed[replayed.count - 1], generated[generated.count - 1])
      guard !generation.isRowByRow || replay.checksum == generation.checksum else {
        throw Failure(
          .software,
          "the query \(name) gave \(replay.checksum.rows) rows of replayed events and \(generation.checksum.rows) of "
            + "the same events as they were made, or rows of other values: the engine computes wrong results")
      }
    }
    var result = BenchResult(
      name: name, threads: threads, rows: events, seconds: median(replayed.map(\.seconds)),
      cpuSeconds: median(replayed.map(\.cpuSeconds)))
    let seconds = median(generated.map(\.seconds))
    result.extra = [
      ("generated_rows_per_second", Double(events) / seconds), ("generated_seconds", seconds),
      ("generated_cpu_seconds", median(generated.map(\.cpuSeconds))),
      ("result_rows", Double(replayed[0].checksum.rows)),
    ]
    return result
  }

  /// The delays of the results of many windows, over as many runs as that takes; none of a query that has no windows in
  /// event time, or no results that tell theirs.
  private func latency(
    _ name: String, _ plugin: Plugin, _ made: [[RecordBatch]], eventsPerSecond: Double
  ) throws(Failure) -> [(String, Double)] {
    guard try code(name, plugin).pipeline.plan.nodes.contains(where: Self.isEventTimeWindow) else { return [] }
    var delays: [Double] = []
    var runs = 0
    while delays.count < Self.latencyWindows, runs < 100 {
      let latency = NexmarkLatency(subtasks: threads, eventsPerSecond: eventsPerSecond)
      let code = try code(name, plugin)
      let run = try run(code, .paced(made, latency))
      guard latency.hasEnds else { return [] }
      let own = latency.milliseconds(outOfOrderness: run.outOfOrderness)
      if own.isEmpty { break }
      delays += own
      runs += 1
    }
    delays.sort()
    guard let longest = delays.last else {
      throw Failure(.usage, "no window of the query \(name) ends before the events do; give it more --events")
    }
    func share(_ part: Double) -> Double { delays[min(delays.count - 1, Int(part * Double(delays.count)))] }
    return [
      ("latency_events_per_second", eventsPerSecond), ("latency_windows", Double(delays.count)),
      ("latency_ms_p50", share(0.5)), ("latency_ms_p99", share(0.99)), ("latency_ms_p999", share(0.999)),
      ("latency_ms_max", longest),
    ]
  }

  private static func isEventTimeWindow(_ node: Plan.Node) -> Bool {
    if case .window(let window) = node.operator { return window.time == .event }
    return false
  }

  private struct Run {
    var seconds: Double
    var cpuSeconds: Double
    var checksum: BlackholeChecksum
    /// Whether the result depends on each event alone, not on what came in one batch or before.
    var isRowByRow: Bool
    /// Microseconds by which watermarks are behind the latest event.
    var outOfOrderness: Int64
  }

  private func run(_ plugin: PluginSet, _ feed: NexmarkCode.Feed) throws(Failure) -> Run {
    let code = NexmarkCode(plugin: plugin, feed: feed)
    var plan = plugin.pipeline.plan
    var isRowByRow = true
    var outOfOrderness: Int64 = 0
    for index in plan.nodes.indices {
      switch plan.nodes[index].operator {
      case .sink:
        plan.nodes[index].operator = .sink(.init(implementation: .connector(Plan.Connector(name: NexmarkCode.sink))))
        if case .paced = feed { plan.nodes[index].inputs = [Self.windowed(plan, plan.nodes[index].inputs[0])] }
      case .source, .filter, .select, .extend, .union: break
      case .eventTime(let time): outOfOrderness = time.outOfOrderness
      default: isRowByRow = false
      }
    }
    if case .paced = feed { plan.nodes = plan.nodes.filter { !Self.isUnread($0, plan) } }
    let graph = try ExecutionGraph(plan, code: code, options: .init(parallelism: threads))
    var options = JobOptions()
    options.threads = threads
    options.batchRows = NexmarkEvents.batchRows
    let job = try Job(graph: graph.jobGraph(code: code), options: options, log: EventLog(minimum: .error) { _ in })
    let time = try measure { () throws(Failure) in
      job.start()
      try job.wait()
    }
    return Run(
      seconds: time.seconds, cpuSeconds: time.cpuSeconds, checksum: code.totals.checksum, isRowByRow: isRowByRow,
      outOfOrderness: outOfOrderness)
  }

  /// What the selections before a sink read: the window's results, which tell their window.
  private static func windowed(_ plan: Plan, _ input: Plan.Input) -> Plan.Input {
    var input = input
    while let node = plan.nodes.first(where: { $0.id == input.node }), case .select = node.operator {
      input = node.inputs[0]
    }
    return input
  }

  private static func isUnread(_ node: Plan.Node, _ plan: Plan) -> Bool {
    if case .sink = node.operator { return false }
    return !plan.nodes.contains { $0.inputs.contains { $0.node == node.id } }
  }
}
