import Base
import CPlatform
import Glibc

/// The parent of a worker: starts it, hands signals on, reaps, and tells how it ended.
///
/// One thread. A trap in plugin code ends the worker's process, never this one. Stdin, stdout and stderr are the
/// worker's. As PID 1 it also reaps the orphans that it is given.
struct Supervisor: ~Copyable {
  private let report: CrashReport
  private let worker: pid_t
  private let start = ContinuousClock.now
  private let keepsCheckpoints: Bool

  /// Starts this program again as a worker that does `arguments`. The signals of `SupervisorSignals` are blocked.
  ///
  /// - Parameters:
  ///   - name: the program's name, the worker's first argument.
  ///   - arguments: verb and flags.
  ///   - keepsCheckpoints: a worker that died may be followed by another.
  ///   - search: what the worker looks for.
  ///   - health: the descriptor of the socket on which the worker answers about its health.
  ///   - restarts: workers before this one that died.
  init(
    name: String, arguments: [String], environment: [String: String], keepsCheckpoints: Bool = false,
    search: TrapSearchOrder? = nil, health: Int32? = nil, restarts: Int = 0
  ) throws(Failure) {
    let report = try CrashReport()
    if let search { report.ask(for: search) }
    let identity = WorkerIdentity(
      supervisor: getpid(), report: report.descriptor, health: health, restarts: restarts)
    var variables = environment
    // The runtime's own crash handlers would replace those that fill the report in.
    variables["SWIFT_BACKTRACE"] = "enable=no"
    // Sets and dictionaries, also those of plugins, have one order in every run: an epoch can be run again.
    variables["SWIFT_DETERMINISTIC_HASHING"] = "1"
    // Large tables go back to the system when they are freed (mallopt(3)). Else the C library keeps pieces as large as one that was
    // freed before, up to 32 MiB, and tables that grow and go, as those of windows do, leave holes that nothing fits into.
    if variables["MALLOC_MMAP_THRESHOLD_"] == nil { variables["MALLOC_MMAP_THRESHOLD_"] = "\(HugeMemory.page)" }
    let worker = withCStrings([name] + identity.arguments + arguments) { arguments in
      withCStrings(variables.map { "\($0.key)=\($0.value)" }) { variables in
        platform_spawn_child("/proc/self/exe", arguments, variables)
      }
    }
    guard worker > 0 else {
      throw Failure(.software, "cannot start the worker from /proc/self/exe: \(systemError(errno))")
    }
    self.worker = worker
    self.report = report
    self.keepsCheckpoints = keepsCheckpoints
  }

  /// What the worker may need beyond its own limit to end itself; after that it is ended.
  private static let grace = Duration.seconds(2)

  /// Waits for the worker's end.
  ///
  /// - Parameters:
  ///   - signals: what was sent so far, to an earlier worker too.
  ///   - stopTimeout: how long the worker may take to end once it was asked to. It sees to that itself, and
  ///     knows what holds it up; it is killed only when even that does not work, such as when somebody has stopped its
  ///     process.
  func wait(_ signals: inout SupervisorSignals, stopTimeout: Duration) -> WorkerEnd {
    while true {
      switch signals.next(until: signals.shutdown.due(after: stopTimeout + Self.grace)) {
      case .child:
        if let (status, peak) = reap() {
          return WorkerEnd(
            status: status, saidGoodbye: report.saidGoodbye, hadStarted: report.hasStarted, site: report.site,
            shortage: report.shortage, peakMemory: peak,
            cutShort: status == .killed(SignalName(SIGKILL)) ? signals.shutdown.cutShort : nil,
            keepsCheckpoints: keepsCheckpoints, newestEpoch: report.newestEpoch, told: report.toldFailure,
            duration: .now - start, search: report.search)
        }
      case .order(.drain): kill(worker, SIGTERM)
      case .order(.end): kill(worker, SIGKILL)
      case .savepoint: kill(worker, SIGUSR1)
      case .order(.nothing), .interrupted: break
      case .timeout:
        signals.shutdown.isOverdue(after: stopTimeout + Self.grace)
        kill(worker, SIGKILL)
      }
    }
  }

  /// Reaps every child that has ended, adopted ones too; the worker's status and its peak memory in bytes, when it is
  /// among them.
  private func reap() -> (WaitStatus, Int)? {
    var end: (WaitStatus, Int)?
    while let (child, raw, peak) = SupervisorSignals.reapOne() {
      if child == worker, let status = WaitStatus(raw) { end = (status, peak) }
    }
    return end
  }
}
