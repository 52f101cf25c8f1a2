import Base
import Checkpointing
import Observability

/// A job with checkpoints, in the supervisor: one worker after the other, until it has ended or nothing can run.
struct JobSupervision {
  private let program: String
  private let options: RunOptions
  private var checkpoints: CheckpointOptions
  private let log: EventLog
  private var arguments: WorkerArguments
  private var policy: RestartPolicy
  private var signals = SupervisorSignals()
  private var traps = TrapSearchPolicy()
  /// Where the job is asked about its health; nil: it is not.
  private let health: HealthPort?
  /// Workers that were started in the place of one that died.
  private var restarts = 0

  /// - Parameter health: stays the caller's.
  init(
    _ options: RunOptions, _ checkpoints: CheckpointOptions, program: String, arguments: WorkerArguments,
    health: HealthPort?, log: EventLog
  ) {
    self.health = health
    self.program = program
    self.options = options
    self.checkpoints = checkpoints
    self.log = log
    self.arguments = arguments
    policy = RestartPolicy(checkpoints.restarts)
  }

  /// Returns the exit code of `volley-host`.
  mutating func run() throws(Failure) -> Int32 {
    while true {
      // Before the worker makes epochs of its own.
      let predecessor = Predecessor(checkpoints)
      let supervisor = try Supervisor(
        name: program, arguments: arguments.words, environment: arguments.environment, keepsCheckpoints: true,
        search: traps.order, health: health?.descriptor, restarts: restarts)
      let end = supervisor.wait(&signals, stopTimeout: options.stopTimeout)
      if signals.shutdown.hasBegun || end.isWanted {
        tell(end)
        return end.exitCode
      }
      if end.newestEpoch != nil { forgetChoice() }
      restarts += 1
      if looksForRecords(after: end) { continue }
      let decision = policy.decide(
        end.life(replacedPlugin: predecessor?.isReplaced(by: options.pipeline) ?? false))
      switch decision {
      case .end:
        tell(end)
        return end.exitCode
      case .giveUp(let restarts):
        tell(end)
        throw gaveUp(after: restarts)
      case .restart(let delay, let number):
        tellDeath(of: end)
        log.warning(
          "worker.restarting",
          "the job goes on from its last epoch in \(timeText(delay.seconds)) (restart \(number) of at most "
            + "\(checkpoints.restarts.restarts) in a row)",
          [
            "restart": .int(number), "limit": .int(checkpoints.restarts.restarts),
            "delay_seconds": .double(delay.seconds),
          ])
        guard pause(delay) else { return end.exitCode }
      case .returnToFormer(let delay, let deaths):
        tellDeath(of: end)
        guard let predecessor else { preconditionFailure("a plugin on probation has a predecessor") }
        try goBack(to: predecessor, after: deaths, end)
        guard pause(delay) else { return end.exitCode }
      }
    }
  }

  /// Lets time pass between two workers, and says so to whoever asks how the job is. False when somebody asked for the end.
  private mutating func pause(_ delay: Duration) -> Bool {
    let reason = "the worker died, and the job goes on from its last epoch within \(timeText(delay.seconds))"
    // Without an answer in that time the job goes on just the same.
    let server = health.flatMap { port in try? HealthServer(port.duplicate(), HealthService(between: reason)) }
    defer { server?.stop() }
    return signals.pause(delay)
  }

  /// Whether the next worker looks for the record of which this one died.
  private mutating func looksForRecords(after end: WorkerEnd) -> Bool {
    guard options.quarantine != nil else { return false }
    let function = end.trappedFunction
    switch traps.decide(function: function, state: end.search, completedEpoch: end.newestEpoch != nil) {
    case .none: return false
    case .vain:
      log.warning(
        "quarantine.search-vain",
        "'\(function ?? "")' does not trap on a record that can be found: the job is restarted as after any other death"
      )
      return false
    case .search(let order):
      tellDeath(of: end)
      log.warning(
        "quarantine.searching",
        "the job goes on from its last epoch, and the record on which '\(function ?? "")' trapped is looked for: each call is tried in "
          + "a copy of the worker first",
        [
          "functions": .string(order.functions.joined(separator: ", ")), "patience_epochs": .int(order.patience),
        ])
      return true
    }
  }

  /// What `--from` chose is behind the first epoch that was completed since: what follows goes on from the newest one.
  private mutating func forgetChoice() {
    arguments.replace(CheckpointFlags.from.entry)
    checkpoints.from = .latest
  }

  private mutating func goBack(to former: Predecessor, after deaths: Int, _ end: WorkerEnd) throws(Failure) {
    try former.check()
    arguments.replace(RunFlags.plugin.entry, by: [former.plugin])
    arguments.replace(RunFlags.connector.entry, by: former.connectors)
    arguments.replace(RunFlags.codec.entry, by: former.codecs)
    arguments.replace(RunFlags.pipeline.entry, by: [former.pipeline])
    arguments.replaceParameters(by: former.parameters)
    for flag in [CheckpointFlags.dropState.entry, CheckpointFlags.resetSource.entry, CheckpointFlags.renameUID.entry] {
      arguments.replace(flag)
    }
    let reason = end.told ?? end.failure?.message ?? "it ended with \(end.exitCode)"
    log.error(
      "plugin.returned",
      "plugin \(options.pipeline.plugin) died \(deaths) times before its first complete epoch, the last time because "
        + "\(reason); the plugin that made \(former.epoch.name) runs again: \(former.plugin)",
      [
        "plugin": .string(options.pipeline.plugin), "deaths": .int(deaths), "epoch": .string(former.epoch.name),
        "former": .string(former.plugin), "reason": .string(reason),
      ])
  }

  private func gaveUp(after restarts: Int) -> Failure {
    Failure(
      .software, domain: .external,
      restarts == 0
        ? "the job died and --restart-limit allows no restart: mend what stands above and run again, it goes on from its last "
          + "epoch"
        : "the job died again after \(restarts) \(restarts == 1 ? "restart" : "restarts") in a row and is given up: mend what "
          + "stands above, or raise --restart-limit, and run again, it goes on from its last epoch")
  }

  /// Tells of a worker after which there is no other.
  private func tell(_ end: WorkerEnd) {
    guard let failure = end.failure else { return }
    if options.logFormat == .auto { Console.clearTerminalLine() }
    Complaint(failure).tell(options.logFormat)
  }

  private func tellDeath(of end: WorkerEnd) {
    // A worker that ended by itself has told why.
    guard let failure = end.failure else { return }
    if options.logFormat == .auto { Console.clearTerminalLine() }
    log.warning("worker.died", failure.message, ["lived_seconds": .double(end.duration.seconds)])
  }
}
