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

/// `volley-host run`, in the worker: from flags to a finished job.
struct RunCommand {
  private let options: RunOptions
  private let console: Console
  private let stop: StopWatch
  private let savepoints: SavepointBell
  private let health: WorkerHealth

  init(_ options: RunOptions, _ stop: StopWatch, _ savepoints: SavepointBell, _ health: WorkerHealth) {
    self.options = options
    self.health = health
    self.stop = stop
    self.savepoints = savepoints
    let console = Console(options.logFormat)
    self.console = console
    stop.whileItPrepares {
      console.log.info("worker.stopped", "stopped before the job was made: nothing was read or written")
      StopWatch.leave(0)
    }
  }

  /// Returns when the job has ended well, which a graceful stop is too.
  func run() throws(Failure) {
    if options.checkpoints == nil { tellThatNothingIsKept() }
    let machine = MachineResources()
    let memory = options.memoryLimit.resolved(on: machine)
    let threads = options.threads ?? machine.cores
    tellResources(machine, memory, threads: threads)
    let loaded = try LoadedPipeline(options.pipeline, log: console.log)
    health.loaded(loaded.plan.name, [loaded.plugin] + loaded.others)
    var plan = loaded.plan
    for source in options.testSources { plan = try plan.replacingSource(uid: source.name, withJSONLines: source.value) }
    for sink in options.testSinks { plan = try plan.replacingSink(uid: sink.name, withJSONLines: sink.value) }
    let fed = try fedRequests()
    let quarantine = try self.quarantine(of: loaded.plugin, fed)
    let graph = try ExecutionGraph(
      plan, code: loaded.code,
      options: ExecutionGraph.Options(parallelism: options.parallelism ?? threads, quarantine: quarantine),
      log: console.log)
    if quarantine != nil {
      for sentence in graph.quarantineObjections { console.log.warning("quarantine.impossible", sentence) }
    }
    for uid in graph.unfedOperators where fed.contains(where: { $0.uid == uid && $0.done == nil }) {
      console.log.warning(
        "quarantine.unfed", "records are to be fed to '\(uid)' again, and no operator of that name can be given records"
      )
    }
    if quarantine?.search != nil {
      platform_note_search(graph.searchesTraps ? PLATFORM_SEARCH_RUNS : PLATFORM_SEARCH_VAIN)
    }
    let assembled = try graph.assembled(code: loaded.code)
    let jobGraph = assembled.graph
    let shares = MemoryShares(
      limit: memory.bytes, graph: jobGraph, keepsState: options.checkpoints != nil && !assembled.states.isEmpty)
    BufferPool.limitIdleBytes(to: shares.idleBytes)
    let session = try checkpointSession(
      loaded, plan, states: assembled.states, maxKeyGroups: graph.options.maxKeyGroups, shares,
      search: quarantine?.search, fed)
    defer { session?.close() }
    if let keeper = session?.keeper, !keeper.origin.broken.isEmpty {
      keeper.sourceWithoutReplay = try graph.delivery().sourceWithoutReplay
    }
    // Behind the comparison with the epoch: a pipeline that cannot go on from it has touched nothing.
    try graph.prepareFiles(log: console.log)
    let job = Job(
      graph: jobGraph,
      options: JobOptions(
        threads: threads, batchRows: options.batchRows, batchDelay: options.batchDelay,
        channelBytes: shares.channelBytes, waitingBytes: shares.waitingBytes, stateBytes: shares.stateBytes,
        clock: clock, checkpoints: session?.keeper),
      log: console.log, whenFailed: { [stop] in stop.expire() })
    var endJob: @Sendable () -> Void = { [health] in
      health.stops()
      job.stop()
    }
    if let session {
      endJob = { [health] in
        health.stops()
        session.stop()
      }
      savepoints.answer { session.keeper.takeSavepoint() }
    }
    stop.watch(job, timeout: options.stopTimeout, format: options.logFormat, stop: endJob)
    let monitor = JobMonitor(job, graph: jobGraph, console: console, drawsStatus: !plan.talksToTerminal)
    health.starts(job, keeper: session?.keeper, memoryLimit: memory.bytes)
    defer { health.ended() }
    var final = try monitor.runToEnd { [health] in
      session?.run(job)
      health.runs()
    }
    final.epochs = session?.keeper.counts
    loaded.code.registry.warnOfKeptBatches()
    switch options.report {
    case .text: complain(final.text)
    case .json: complain(final.json)
    case .none: break
    }
  }

  private func tellThatNothingIsKept() {
    console.log.info(
      "checkpoints.none",
      "this run keeps no checkpoints: when it dies, the next one begins at the start; --checkpoint-dir keeps them")
    savepoints.answer { [console] in
      console.log.warning(
        "savepoint.refused",
        "a savepoint was asked for, and this run keeps no checkpoints: run it with --checkpoint-dir")
    }
  }

  /// The records that this run gives to operators again, behind what it goes on from.
  private func fedRequests() throws(Failure) -> [FeedRequests.Request] {
    guard let choice = options.quarantine else { return [] }
    let requests = try QuarantineFolder(path: choice.directory).requests.all()
    let restored = options.checkpoints.flatMap { Predecessor($0)?.epoch }
    let fed = requests.filter { $0.epoch <= restored?.number ?? 0 }
    let waiting = requests.filter { $0.done == nil && $0.epoch > restored?.number ?? 0 }.reduce(0) { $0 + $1.ids.count }
    if waiting > 0 {
      console.log.warning(
        "quarantine.feed-waits",
        restored == nil
          ? "\(waiting) records are to be fed again, which only a run does that goes on from an epoch"
          : "\(waiting) records are to be fed again, and were set aside behind the epoch that this run goes on from: they come again "
            + "from their sources", ["records": .int(waiting)])
    }
    return restored == nil ? [] : fed
  }

  private func quarantine(
    of plugin: Plugin, _ fed: [FeedRequests.Request]
  ) throws(Failure) -> QuarantineOptions? {
    guard let choice = options.quarantine else { return nil }
    let digest: String
    do throws(StorageProblem) { digest = try DiskStorage().sha256(plugin.path) } catch {
      throw Failure(.io, "\(plugin.path): the plugin cannot be read: \(String(cString: strerror(error.code)))")
    }
    return QuarantineOptions(
      directory: choice.directory, limit: choice.limit,
      plugin: QuarantinePlace.Plugin(name: plugin.name, version: plugin.version, sha256: digest),
      hasEpochs: options.checkpoints != nil, search: options.checkpoints == nil ? nil : search,
      feeds: Dictionary(grouping: fed, by: \.uid).mapValues { $0.map(\.path) })
  }

  /// What the supervisor asks for; nil: nothing.
  private var search: TrapSearch? {
    TrapSearchOrder.ofSupervisor.map { order in
      TrapSearch(
        functions: order.functions, patience: order.patience, log: console.log,
        signalName: { SignalName($0).description },
        whenEnded: { platform_note_search($0 == .over ? PLATFORM_SEARCH_OVER : PLATFORM_SEARCH_VAIN) })
    }
  }

  /// Nil for a run that keeps no checkpoints.
  private func checkpointSession(
    _ loaded: LoadedPipeline, _ plan: Plan, states: [String: [StateTable]], maxKeyGroups: Int, _ shares: MemoryShares,
    search: TrapSearch?, _ fed: [FeedRequests.Request]
  ) throws(Failure) -> CheckpointSession? {
    guard let checkpoints = options.checkpoints else { return nil }
    let connectorCount = options.pipeline.connectors.count
    let subject = try EpochSubject(
      plan, plugin: loaded.plugin, connectors: Array(loaded.others.prefix(connectorCount)),
      codecs: Array(loaded.others.dropFirst(connectorCount)), options: options.pipeline, maxKeyGroups: maxKeyGroups)
    let feeding = options.quarantine.flatMap { FeedWatch($0.directory, fed, log: console.log) }
    return try CheckpointSession(
      CheckpointSession.Place(checkpoints), subject: subject, plan: plan, states: states,
      plugins: [loaded.plugin] + loaded.others, memory: StateMemoryShares(byteCount: shares.databaseBytes),
      log: console.log,
      whenComplete: { manifest in
        platform_note_epoch(manifest.epoch.number)
        search?.complete(manifest.epoch)
        feeding?.note(manifest)
      })
  }

  private var clock: ProcessingClock {
    guard let tick = options.testClock else { return .system }
    return .ticks(start: ProcessingTime(microseconds: 0), microseconds: Int64(tick / .microseconds(1)))
  }

  private func tellResources(_ machine: MachineResources, _ memory: (bytes: Int, source: String), threads: Int) {
    let source = options.threads == nil ? machine.coresSource : "--threads"
    console.log.info(
      "worker.resources",
      "\(threads) threads (\(source)) and at most \(byteSizeText(memory.bytes)) of memory (\(memory.source))",
      [
        "threads": .int(threads), "threads_source": .string(source), "cores": .int(machine.cores),
        "cores_source": .string(machine.coresSource), "memory_bytes": .int(memory.bytes),
        "memory_source": .string(memory.source), "pid": .int(Int(getpid())),
      ])
  }
}
