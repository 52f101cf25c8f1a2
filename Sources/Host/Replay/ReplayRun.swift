import Arrow
import Base
import CPlatform
import Checkpointing
import Dataflow
import Glibc
import Observability
import Operators
import Planning
import PluginLoading
import State
import VolleyPlan

/// One run of a past epoch, in this process: from its state, over its rows, into local files.
struct ReplayRun {
  let range: ReplayRange
  let options: ReplayOptions
  let pipeline: PipelineOptions
  let log: EventLog

  /// How far each batch of a source moves processing time on.
  private static let tick: Int64 = 1_000

  /// - Parameter number: 0, or 1 for the second of two.
  /// - Returns: the rows of each sink, by its name in the plan, in the plan's order.
  func run(_ number: Int, plugins: (own: Plugin, others: [Plugin])) throws(Failure) -> [(sink: String, rows: Int)] {
    let loaded = try LoadedPipeline(plugins.own, plugins.others, pipeline, log: log)
    guard loaded.plan.name == range.end.job else {
      throw Failure(
        .usage,
        "\(range.directory.place): holds epochs of the pipeline '\(range.end.job)', expected those of '\(loaded.plan.name)'; give the "
          + "plugin and the pipeline that took them")
    }
    let output = try ReplayOutput(options.output, range, sinks: loaded.plan.sinkNames)
    let plan = loaded.plan.writingLocally(
      sink: { output.path(ofSink: $0, run: number) }, badRecords: { output.path(ofBadRecords: $0, run: number) })
    let graph = try graph(
      plan, loaded.code, quarantine: try quarantine(of: loaded.plugin, into: output.quarantine(run: number)))
    try graph.prepareFiles(log: log)
    let assembled = try graph.assembled(code: loaded.code)
    let origin = try origin(loaded.plan, assembled.states)
    let folder = try stateFolder()
    defer { _ = platform_remove_tree(folder) }
    let threads = options.threads ?? MachineResources().cores
    let shares = MemoryShares(
      limit: options.memoryLimit.resolved(on: MachineResources()).bytes, graph: assembled.graph,
      keepsState: !assembled.states.isEmpty)
    BufferPool.limitIdleBytes(to: shares.idleBytes)
    let keeper = ReplayKeeper(
      origin, to: range.end, stateFolder: folder, memory: StateMemoryShares(byteCount: shares.databaseBytes))
    let job = Job(
      graph: assembled.graph.withoutTransactions(),
      options: JobOptions(
        threads: threads, channelBytes: shares.channelBytes, waitingBytes: shares.waitingBytes,
        stateBytes: shares.stateBytes, clock: clock, checkpoints: keeper), log: log)
    defer { keeper.close() }
    job.start()
    keeper.run(job)
    try job.wait()
    let stages = job.report()
    return loaded.plan.sinkNames.map { name in
      (name, stages.first { $0.label == "sink \(name)" }?.counts.rowsIn ?? 0)
    }
  }

  /// What is gone on from, if the pipeline can.
  private func origin(_ plan: Plan, _ states: [String: [StateTable]]) throws(Failure) -> EpochOrigin {
    guard let start = range.start else { return EpochOrigin(directory: range.directory, manifest: nil, names: [:]) }
    let comparison = try CheckpointSession.compare(start, plan, states, .init())
    if let refusal = comparison.refusal(of: start.epoch.name) { throw refusal }
    return EpochOrigin(directory: range.directory, manifest: start, names: comparison.origins)
  }

  /// With the parallelism that the epoch was taken with, as far as it tells.
  private func graph(
    _ plan: Plan, _ code: PluginSet, quarantine: QuarantineOptions?
  ) throws(Failure) -> ExecutionGraph {
    let taken = range.end.stages.filter { $0.uid != nil && $0.role != .sink }
    let candidates = Set(taken.map(\.parallelism)).sorted(by: >)
    for parallelism in candidates.isEmpty ? [1] : candidates {
      let graph = try ExecutionGraph(
        plan, code: code,
        options: ExecutionGraph.Options(
          parallelism: parallelism, maxKeyGroups: range.end.maxKeyGroups, quarantine: quarantine), log: log)
      let fits = taken.allSatisfy { stage in
        graph.nodes.first { $0.node.uid == stage.uid }.map { graph.parallelism(of: $0.node.id) == stage.parallelism }
          ?? true
      }
      if fits { return graph }
    }
    throw Failure(
      .usage,
      "\(range.end.epoch.name) was taken with other numbers of subtasks than this pipeline has; run the plugin that took it, with its "
        + "parameters")
  }

  /// As the run did that took the epoch: nil when a record on which a function throws ended it.
  private func quarantine(of plugin: Plugin, into folder: String) throws(Failure) -> QuarantineOptions? {
    // The sink of such records has no uid.
    guard range.end.stages.contains(where: { $0.role == .sink && $0.uid == nil && $0.id.hasPrefix("quarantine ") })
    else { return nil }
    let digest: String
    do throws(StorageProblem) { digest = try DiskStorage().sha256(plugin.path) } catch {
      throw error.failure("plugin '\(plugin.name)'")
    }
    return QuarantineOptions(
      directory: folder, limit: .max,
      plugin: QuarantinePlace.Plugin(name: plugin.name, version: plugin.version, sha256: digest), hasEpochs: true)
  }

  /// Begins when the epoch was taken, and moves with the rows.
  private var clock: ProcessingClock {
    .ticks(start: ProcessingTime(microseconds: range.start?.created ?? 0), microseconds: Self.tick)
  }

  private func stateFolder() throws(Failure) -> String {
    let parent = options.stateDirectory ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/volley-replay-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw Failure(.io, "no folder for the state can be made in '\(parent)': \(systemError(errno)); set --state-dir")
    }
    return String(cString: made)
  }
}
