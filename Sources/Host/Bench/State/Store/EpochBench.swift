import Base
import Checkpointing
import Dataflow
import Observability
import Planning
import State
import VolleyPlan

/// What epochs cost a job: keyed sums at full speed, with an epoch each second and without any.
///
/// Keys are drawn with equal chance from rows in memory, so often that each of them changes from one epoch to the next. The run
/// with epochs lies between two halves of the one without: a machine that becomes slower meanwhile does so for both.
struct EpochBench {
  private let name: String
  private let keys: Int
  private let seconds: Double
  private let threads: Int
  private let folder: BenchFolder
  private let data: BenchData

  /// A job's memory limit.
  private static let limit = 4 << 30
  /// Until all keys are there, and memory is what it will be.
  private static let settling = 3.0

  init(_ name: String, keys: Int, seconds: Double, threads: Int, _ folder: BenchFolder) {
    self.name = name
    self.keys = keys
    self.seconds = seconds
    self.threads = threads
    self.folder = folder
    data = BenchData.keyed(keyCount: keys, subtasks: threads, seed: 2)
  }

  private struct Run {
    var rows: Int
    var seconds: Double
    var cpuSeconds: Double
    /// Of the epochs that became complete in this time.
    var costs: [Manifest.Cost] = []
    var rate: Double { Double(rows) / seconds }
    /// Also where other processes have a part of the cores.
    var rowsPerCPUSecond: Double { Double(rows) / cpuSeconds }
  }

  func run() throws(Failure) -> BenchResult {
    let before = try run(seconds / 2, withEpochs: false)
    let with = try run(seconds, withEpochs: true)
    let after = try run(seconds / 2, withEpochs: false)
    let without = Double(before.rows + after.rows) / (before.seconds + after.seconds)
    let perCPUSecond = Double(before.rows + after.rows) / (before.cpuSeconds + after.cpuSeconds)
    var result = BenchResult(
      name: name, threads: threads, rows: with.rows, seconds: with.seconds, cpuSeconds: with.cpuSeconds)
    let durations = with.costs.map { Double($0.microseconds) / 1e3 }
    result.extra = [
      ("rows_per_second_without_epochs", without), ("percent_of_that", 100 * with.rate / without),
      ("percent_of_that_per_cpu_second", 100 * with.rowsPerCPUSecond / perCPUSecond),
      ("percent_between_the_halves_without", 100 * after.rate / before.rate),
      ("epochs", Double(with.costs.count)), ("seconds_per_epoch", with.seconds / Double(max(1, with.costs.count))),
      ("median_epoch_milliseconds", durations.isEmpty ? 0 : median(durations)),
      ("worst_epoch_milliseconds", durations.max() ?? 0),
      ("median_epoch_bytes", with.costs.isEmpty ? 0 : median(with.costs.map { Double($0.newBytes) })),
      ("rows_per_key_and_epoch", Double(with.rows) / Double(max(1, with.costs.count)) / Double(keys)),
    ]
    return result
  }

  private func run(_ seconds: Double, withEpochs: Bool) throws(Failure) -> Run {
    let code = BenchCode(data: data.batches, rowsPerSubtask: .max)
    let plan = BenchPlans.keyedSum("epochs", data.schema.fields, parallelism: threads)
    let graph = try ExecutionGraph(plan, code: code, options: .init(parallelism: threads))
    let assembled = try graph.assembled(code: code)
    let shares = MemoryShares(limit: Self.limit, graph: assembled.graph, keepsState: withEpochs)
    let costs = Monitor<[Manifest.Cost]>([])
    let session =
      withEpochs
      ? try session(plan, assembled.states, maxKeyGroups: graph.options.maxKeyGroups, shares) { manifest in
        costs.withLock { $0.append(manifest.cost) }
      } : nil
    defer {
      session?.close()
      folder.remove("checkpoints")
      folder.remove("state")
    }
    var options = JobOptions()
    options.threads = threads
    options.batchRows = BenchData.batchRows
    options.batchDelay = .zero
    options.checkpoints = session?.keeper
    let job = Job(graph: assembled.graph, options: options, log: EventLog(minimum: .error) { _ in })
    job.start()
    session?.run(job)
    try wait(Self.settling, job)
    costs.withLock { $0 = [] }
    let first = rows(job)
    let time = try measure { () throws(Failure) in try wait(seconds, job) }
    var run = Run(rows: rows(job) - first, seconds: time.seconds, cpuSeconds: time.cpuSeconds)
    run.costs = costs.withLock { $0 }
    if let session { session.stop() } else { job.stop() }
    try job.wait()
    return run
  }

  private func wait(_ seconds: Double, _ job: Job) throws(Failure) {
    if try job.wait(atMost: .seconds(seconds)) {
      throw Failure(.software, "the benchmark's job ended by itself; its source has no end")
    }
  }

  private func rows(_ job: Job) -> Int {
    job.report().filter { $0.label.hasPrefix("source") }.reduce(0) { $0 + $1.counts.rowsOut }
  }

  private func session(
    _ plan: Plan, _ states: [String: [StateTable]], maxKeyGroups: Int, _ shares: MemoryShares,
    whenComplete: @escaping @Sendable (Manifest) -> Void
  ) throws(Failure) -> CheckpointSession {
    let place = CheckpointSession.Place(
      directory: folder.path("checkpoints"), stateDirectory: folder.path("state"), from: .latest, choices: .init(),
      rhythm: EpochRhythm(interval: .seconds(1), timeout: .seconds(600), retain: 3))
    let encoded: JSONValue
    do { encoded = try PlanEncoder().encode(plan) } catch {
      throw Failure(.software, "the benchmark's plan cannot be written: \(error)")
    }
    let subject = EpochSubject(
      job: plan.name, plugin: Manifest.Plugin(name: "bench", sha256: SHA256.text(of: [])), connectors: [],
      launch: Manifest.Launch(pipeline: plan.name), plan: encoded, maxKeyGroups: maxKeyGroups)
    return try CheckpointSession(
      place, subject: subject, plan: plan, states: states, plugins: [],
      memory: StateMemoryShares(byteCount: shares.databaseBytes), log: EventLog(minimum: .error) { _ in },
      whenComplete: whenComplete)
  }
}
