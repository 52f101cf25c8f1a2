import Arrow
import Base
import Dataflow
import Observability
import Operators
import Planning
import VolleyPlan

/// What `volley-host bench` was asked for.
struct BenchOptions: Sendable {
  /// Cases by name; empty: all but the soak.
  var cases: [String] = []
  var threads = 1
  /// Rows in all; nil: enough for a few seconds.
  var rows: Int?
  /// Runs of engine and limit in turn, of which the medians are told.
  var repeats = 3
  /// How long the soak lasts.
  var minutes = 10.0
  /// The plugin with the benchmarks' user code.
  var plugin: String?
  /// This program, for the case that starts it.
  var executable = "/proc/self/exe"

  init() {}
}

/// The benchmarks: real plans through real channels and the real scheduler, from memory to a sink that reads every
/// value.
struct Bench {
  static let names = [
    "filter-project", "keyed-sum-1k", "keyed-sum-1m", "udf", "batch-function", "startup", "soak",
  ]

  let options: BenchOptions
  /// Called with each result as it is there.
  let report: (BenchResult) throws(Failure) -> Void

  init(_ options: BenchOptions, report: @escaping (BenchResult) throws(Failure) -> Void) {
    self.options = options
    self.report = report
  }

  func run() throws(Failure) {
    try BenchNames.check(options.cases, among: Self.names) { "there is no benchmark '\($0)'" }
    let wanted = options.cases.isEmpty ? Self.names.filter { $0 != "soak" } : options.cases
    // A missing plugin is told before the cases that need none have taken their minutes.
    if wanted.contains(where: ["udf", "batch-function", "startup"].contains) { _ = try pluginPath() }
    for name in wanted {
      switch name {
      case "filter-project": try report(filterProject())
      case "keyed-sum-1k": try report(keyedSum(name, keyCount: 1_000, rows: 300_000_000))
      case "keyed-sum-1m": try report(keyedSum(name, keyCount: 1_000_000, rows: 40_000_000))
      case "udf": try report(userFunction())
      case "batch-function": try report(batchFunction())
      case "startup": try report(startup())
      default: try report(soak())
      }
    }
  }

  private func filterProject() throws(Failure) -> BenchResult {
    let data = BenchData.filterProject(subtasks: options.threads, seed: 1)
    return try compare(
      "filter-project", data, rows: options.rows ?? 600_000_000,
      plan: BenchPlans.filterProject(data.schema.fields, parallelism: options.threads)
    ) { batches, rows in BareLoops.filterProject(batches, rows: rows) }
  }

  private func keyedSum(_ name: String, keyCount: Int, rows: Int) throws(Failure) -> BenchResult {
    let data = BenchData.keyed(keyCount: keyCount, subtasks: options.threads, seed: 2)
    return try compare(
      name, data, rows: options.rows ?? rows,
      plan: BenchPlans.keyedSum(name, data.schema.fields, parallelism: options.threads)
    ) { batches, rows in BareLoops.keyedSum(batches, rows: rows, keyCount: keyCount) }
  }

  /// Engine and bare loop in turn over the same rows.
  private func compare(
    _ name: String, _ data: BenchData, rows: Int, plan: Plan, limit: ([RecordBatch], Int) -> Checksum
  ) throws(Failure) -> BenchResult {
    // Whole batches for every source subtask, so that bare loop and engine see the same ones.
    let perSubtask = max(1, rows / options.threads / BenchData.batchRows) * BenchData.batchRows
    let total = perSubtask * options.threads
    let interleaved = Self.interleave(data.batches)
    var runs: [JobRun] = []
    var limits: [Double] = []
    var checksum: Checksum?
    for _ in 0..<max(1, options.repeats) {
      var expected = Checksum()
      limits.append(measure { expected = limit(interleaved, total) }.seconds)
      let run = try runJob(plan, data, rowsPerSubtask: perSubtask, plugin: nil)
      guard run.checksum == expected else {
        throw Failure(
          .software,
          "the benchmark \(name) read \(run.checksum.rows) rows with the checksum \(String(run.checksum.bits, radix: 16)), "
            + "and the bare loop \(expected.rows) with \(String(expected.bits, radix: 16)): the engine computes wrong results"
        )
      }
      runs.append(run)
      checksum = expected
    }
    return BenchResult(
      name: name, threads: options.threads, rows: total, seconds: median(runs.map(\.seconds)),
      cpuSeconds: median(runs.map(\.cpuSeconds)), limitSeconds: median(limits), checksum: checksum)
  }

  /// Batch i of each subtask before batch i + 1 of any: a key's rows keep their order, because its batches are one
  /// subtask's.
  static func interleave(_ batches: [[RecordBatch]]) -> [RecordBatch] {
    (0..<(batches.first?.count ?? 0)).flatMap { index in batches.map { $0[index] } }
  }

  struct JobRun {
    var seconds: Double
    var cpuSeconds: Double
    var checksum: Checksum
  }

  /// Runs a plan to its end, as every job runs, each operator behind a channel of its own.
  func runJob(
    _ plan: Plan, _ data: BenchData, rowsPerSubtask: Int, plugin: (any UserCode)?
  ) throws(Failure) -> JobRun {
    let code = BenchCode(data: data.batches, rowsPerSubtask: rowsPerSubtask, plugin: plugin)
    let job = try makeJob(plan, code)
    let time = try measure { () throws(Failure) in
      job.start()
      try job.wait()
    }
    return JobRun(seconds: time.seconds, cpuSeconds: time.cpuSeconds, checksum: code.checksum)
  }

  func makeJob(_ plan: Plan, _ code: any UserCode) throws(Failure) -> Job {
    let graph = try ExecutionGraph(
      plan, code: code, options: .init(parallelism: options.threads, chaining: false))
    var jobOptions = JobOptions()
    jobOptions.threads = options.threads
    jobOptions.batchRows = BenchData.batchRows
    // Every batch leaves at once: what a key tells per batch then does not depend on the clock, and can be compared.
    jobOptions.batchDelay = .zero
    return try Job(graph: graph.jobGraph(code: code), options: jobOptions, log: EventLog(minimum: .error) { _ in })
  }
}
