import Base
import CPlatform
import Checkpointing
import Dataflow
import Glibc
import Observability
import Planning
import PluginLoading
import State
import VolleyPlan

/// A run's checkpoints from its first look into the directory to its last epoch: locks, the epoch that it goes on
/// from, and the keeper of the next ones.
final class CheckpointSession: Sendable {
  let keeper: EpochKeeper
  private let lease: DirectoryLease
  private let stateLock: FolderLock
  private let watch: Monitor<Watch>

  /// What the thread that renews the lease has in common with the session.
  private struct Watch {
    var isClosed = false
    /// Another process may have the directory by now.
    var isLost = false
    /// Once it runs.
    var job: Job?
  }

  /// Where a run keeps what, and how it goes on.
  struct Place: Sendable {
    var directory: String
    var stateDirectory: String
    var from: RestorePoint
    var choices: PipelineComparison.Choices
    var rhythm: EpochRhythm
  }

  /// - Parameters:
  ///   - states: by uid, the tables of the operators that have state.
  ///   - others: the plugins beside the pipeline's own, by digest when `subject` was made.
  ///   - whenComplete: told of every complete epoch.
  /// - Throws: before anything is touched when another process has a directory or the pipeline cannot go on from the
  ///   epoch.
  init(
    _ place: Place, subject: EpochSubject, plan: Plan, states: [String: [StateTable]], plugins: [Plugin],
    memory: StateMemoryShares, log: EventLog, whenComplete: @escaping @Sendable (Manifest) -> Void = { _ in }
  ) throws(Failure) {
    let directory = CheckpointDirectory(try Self.absolute(place.directory))
    let state = try Self.absolute(place.stateDirectory)
    try directory.prepare()
    let pause = { _ = Monitor(()).wait(until: MonotonicTime.now + 50_000_000) { _ in nil as Void? } }
    lease = try DirectoryLease(directory, pause: pause)
    watch = Monitor(Watch())
    // To look through an epoch's files and to restore what they hold may take longer than a lease is good for.
    Self.renew(lease, watch)
    stateLock = try FolderLock(state, place: "state directory \(state)", pause: pause)
    var origins: [String: String] = [:]
    var taken = try directory.takeOver(place.from, job: subject.job, lease: lease) { manifest throws(Failure) in
      let comparison = try Self.compare(manifest, plan, states, place.choices)
      if let refusal = comparison.refusal(of: manifest.epoch.name) { throw refusal }
      for note in comparison.notes { log.info("checkpoint.note", note) }
      for change in comparison.changes(from: manifest.epoch.name) {
        log.info(
          "checkpoint.changed", change.sentence, ["uid": .string(change.uid), "verdict": .string(change.verdict)])
      }
      origins = comparison.origins
    }
    for (plugin, digest) in zip(plugins, subject.digests) {
      _ = try taken.files.keepPlugin(plugin.path, sha256: digest)
    }
    // Those of earlier processes: what they are worth is in the checkpoint directory.
    let databases = "\(state)/databases"
    guard platform_remove_tree(databases) == 0 || errno == ENOENT else {
      throw StorageProblem(.remove, databases, code: errno).failure("state directory \(state)")
    }
    Self.tell(taken, log)
    keeper = EpochKeeper(
      directory, lease: lease, taken: taken, stateFolder: databases, subject: subject, rhythm: place.rhythm,
      origins: origins, memory: memory, log: log, whenComplete: whenComplete)
  }

  /// The job runs: epochs are taken from now on.
  func run(_ job: Job) {
    keeper.run(job)
    let isLost = watch.withLock { watch in
      watch.job = job
      return watch.isLost
    }
    if isLost { job.fail(lease.refusal()) }
  }

  /// Renews the lease, on a thread of its own, until the session is closed or gone. A job that runs fails with it.
  private static func renew(_ lease: DirectoryLease, _ watch: Monitor<Watch>) {
    startThread(named: "lease") { [weak lease] in
      while true {
        let isOver = watch.wait(until: MonotonicTime.now + LeaseWatch.renewal) { $0.isClosed ? true : nil }
        guard isOver == nil, let lease else { return }
        if lease.renew() { continue }
        let job = watch.withLock { watch in
          watch.isLost = true
          return watch.job
        }
        job?.fail(lease.refusal())
        return
      }
    }
  }

  /// The job is to end behind an epoch.
  func stop() { keeper.stop() }

  /// The job has ended, well or not.
  func close() {
    keeper.close()
    watch.withLock { $0.isClosed = true }
    watch.broadcast()
    lease.release()
  }

  static func compare(
    _ manifest: Manifest, _ plan: Plan, _ states: [String: [StateTable]], _ choices: PipelineComparison.Choices
  ) throws(Failure) -> PipelineComparison {
    try PipelineComparison(
      former: try manifest.pipelineVersion(), new: PipelineVersion(plan: plan, states: states), choices: choices)
  }

  private static func tell(_ taken: TakenOver, _ log: EventLog) {
    for damaged in taken.damaged { log.warning("checkpoint.damaged", damaged.message) }
    if let manifest = taken.manifest {
      for epoch in taken.unreadable {
        log.warning(
          "checkpoint.unknown-rows",
          "what epoch \(epoch.number) has shown is not known, as its manifest cannot be read: rows behind epoch "
            + "\(manifest.epoch.number) may come again in folders and sinks of plugins",
          ["epoch": .int(Int(epoch.number))])
      }
    }
    for epoch in taken.unfinished {
      log.info(
        "checkpoint.unfinished", "epoch \(epoch.number) is unfinished, it has no manifest, and was passed over",
        ["epoch": .int(Int(epoch.number))])
    }
    if let manifest = taken.manifest {
      log.info(
        "checkpoint.restored", "goes on from epoch \(manifest.epoch.number)",
        ["epoch": .int(Int(manifest.epoch.number)), "kind": .string(manifest.kind.rawValue)])
    } else {
      log.info("checkpoint.none", "begins empty: there is no epoch to go on from")
    }
  }

  /// What a path is for as long as the process runs.
  private static func absolute(_ path: String) throws(Failure) -> String {
    if path.hasPrefix("/") { return path }
    guard let folder = getcwd(nil, 0) else {
      throw Failure(.io, "'\(path)' has no place: the working directory is gone; give an absolute path")
    }
    defer { free(folder) }
    return "\(String(cString: folder))/\(path)"
  }
}

extension Manifest {
  /// What it holds, for the comparison with another version.
  func pipelineVersion() throws(Failure) -> PipelineVersion {
    do throws(PlanError) {
      var states: [String: [StateTable]] = [:]
      for stage in stages where stage.role == .operator { states[stage.id] = stage.tables.map(\.stateTable) }
      // A sink without rows to show may go without harm.
      let held = Set(stages.filter { $0.role != .sink || $0.subtasks.contains { !$0.transactions.isEmpty } }.map(\.id))
      return PipelineVersion(plan: try PlanJSON.decode(plan), states: states, held: held)
    } catch {
      throw Failure(.data, "the plan in epoch \(epoch.number) cannot be read: \(error.message)")
    }
  }
}

extension CheckpointSession.Place {
  init(_ options: CheckpointOptions) {
    self.init(
      directory: options.directory, stateDirectory: options.stateDirectory, from: options.from,
      choices: options.choices,
      rhythm: EpochRhythm(interval: options.interval, timeout: options.timeout, retain: options.retain))
  }
}
