import Base
import CPlatform
import Glibc

/// The parent of a worker: starts it, hands signals on, reaps, and tells how it ended.
///
/// One thread. A trap in plugin code ends the worker's process, never this one. Stdin, stdout and stderr are the worker's.
/// As PID 1 it also reaps the orphans that it is given.
struct Supervisor: ~Copyable {
  private let report: CrashReport
  private let worker: pid_t
  private var shutdown = Shutdown()
  private let watched: [Int32]

  /// Starts this program again as a worker that does `arguments`.
  ///
  /// - Parameters:
  ///   - name: the program's name, the worker's first argument.
  ///   - arguments: verb and flags.
  init(name: String, arguments: [String], environment: [String: String]) throws(Failure) {
    // Who asked for SIGHUP to be ignored (nohup) keeps it so; a shell ignores SIGINT for what it runs in the background,
    // which nobody asked for.
    let watched = [SIGCHLD, SIGTERM, SIGINT] + (platform_ignores_signal(SIGHUP) != 0 ? [] : [SIGHUP])
    blockSignals(watched)
    let report = try CrashReport()
    let identity = WorkerIdentity(supervisor: getpid(), report: report.descriptor)
    var variables = environment
    // The runtime's own crash handlers would replace those that fill the report in.
    variables["SWIFT_BACKTRACE"] = "enable=no"
    let worker = withCStrings([name] + identity.arguments + arguments) { arguments in
      withCStrings(variables.map { "\($0.key)=\($0.value)" }) { variables in
        platform_spawn_child("/proc/self/exe", arguments, variables)
      }
    }
    guard worker > 0 else {
      throw Failure(.software, "cannot start the worker from /proc/self/exe: \(systemError(errno))")
    }
    self.worker = worker
    self.watched = watched
    self.report = report
  }

  /// Waits for the worker's end.
  mutating func wait() -> WorkerEnd {
    var signals = signalSet(watched)
    while true {
      var number: Int32 = 0
      guard sigwait(&signals, &number) == 0 else { continue }
      if number == SIGCHLD {
        if let (status, peak) = reap() {
          return WorkerEnd(
            status: status, saidGoodbye: report.saidGoodbye, hadStarted: report.hasStarted, site: report.site,
            peakMemory: peak,
            wasCutShort: shutdown.isImmediate && status == .killed(SignalName(SIGKILL)))
        }
      } else {
        switch shutdown.receive(SignalName(number), at: .now) {
        case .drain: kill(worker, SIGTERM)
        case .end: kill(worker, SIGKILL)
        case .nothing: break
        }
      }
    }
  }

  /// Reaps every child that has ended, adopted ones too; the worker's status and its peak memory in bytes, when it is among them.
  private func reap() -> (WaitStatus, Int)? {
    var end: (WaitStatus, Int)?
    while true {
      var raw: Int32 = 0
      var usage = rusage()
      let child = wait4(-1, &raw, WNOHANG, &usage)
      if child < 0 && errno == EINTR { continue }
      guard child > 0 else { return end }
      // ru_maxrss counts KiB.
      if child == worker, let status = WaitStatus(raw) { end = (status, usage.ru_maxrss * 1024) }
    }
  }
}

/// What signals to the supervisor mean: the first one drains the job, a second SIGINT ends it at once.
struct Shutdown: Sendable {
  enum Order: Sendable, Hashable {
    /// The worker is to stop its sources and drain.
    case drain
    /// The worker is to end now.
    case end
    case nothing
  }

  private var firstAt: ContinuousClock.Instant?
  private(set) var isImmediate = false

  /// One keypress or `timeout -s INT` may reach a process both by itself and through its group: signals this close are one.
  static let echo = Duration.milliseconds(100)

  mutating func receive(_ signal: SignalName, at now: ContinuousClock.Instant) -> Order {
    guard let firstAt else {
      firstAt = now
      return .drain
    }
    guard signal.number == SIGINT, now - firstAt >= Self.echo, !isImmediate else { return .nothing }
    isImmediate = true
    return .end
  }
}
