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
  private var shutdown = Shutdown()
  private let watched: [Int32]

  /// Starts this program again as a worker that does `arguments`.
  ///
  /// - Parameters:
  ///   - name: the program's name, the worker's first argument.
  ///   - arguments: verb and flags.
  init(name: String, arguments: [String], environment: [String: String]) throws(Failure) {
    // Who asked for SIGHUP to be ignored (nohup) keeps it so; a shell ignores SIGINT for what it runs in the
    // background, which nobody asked for.
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

  /// What the worker may need beyond its own limit to end itself; after that it is ended.
  private static let grace = Duration.seconds(2)

  /// Waits for the worker's end.
  ///
  /// - Parameter stopTimeout: how long the worker may take to end once it was asked to. It sees to that itself, and
  ///   knows what holds it up; it is killed only when even that does not work, such as when somebody has stopped its
  ///   process.
  mutating func wait(stopTimeout: Duration) -> WorkerEnd {
    var signals = signalSet(watched)
    while true {
      guard let number = next(&signals, stopTimeout + Self.grace) else { continue }
      if number == SIGCHLD {
        if let (status, peak) = reap() {
          return WorkerEnd(
            status: status, saidGoodbye: report.saidGoodbye, hadStarted: report.hasStarted, site: report.site,
            shortage: report.shortage, peakMemory: peak,
            cutShort: status == .killed(SignalName(SIGKILL)) ? shutdown.cutShort : nil)
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

  /// The next signal; nil when there is none because the worker was overdue and is killed now.
  private mutating func next(_ signals: inout sigset_t, _ limit: Duration) -> Int32? {
    guard let due = shutdown.due(after: limit) else {
      var number: Int32 = 0
      return sigwait(&signals, &number) == 0 ? number : nil
    }
    let rest = max(.zero, due - .now).components
    var time = timespec(tv_sec: Int(rest.seconds), tv_nsec: Int(rest.attoseconds / 1_000_000_000))
    let number = sigtimedwait(&signals, nil, &time)
    if number > 0 { return number }
    if errno == EAGAIN {
      shutdown.isOverdue(after: limit)
      kill(worker, SIGKILL)
    }
    return nil
  }

  /// Reaps every child that has ended, adopted ones too; the worker's status and its peak memory in bytes, when it is
  /// among them.
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

/// What signals to the supervisor mean: the first one drains the job, a second SIGINT or SIGTERM ends it at once.
struct Shutdown: Sendable {
  enum Order: Sendable, Hashable {
    /// The worker is to stop its sources and drain.
    case drain
    /// The worker is to end now.
    case end
    case nothing
  }

  private var first: (signal: SignalName, at: ContinuousClock.Instant)?
  /// Why the worker is killed.
  private(set) var cutShort: WorkerEnd.CutShort?

  /// One keypress or `timeout -s INT` may reach a process both by itself and through its group: signals this close are
  /// one.
  static let echo = Duration.milliseconds(100)

  mutating func receive(_ signal: SignalName, at now: ContinuousClock.Instant) -> Order {
    guard let first else {
      first = (signal, now)
      return .drain
    }
    guard signal.number == SIGINT || signal.number == SIGTERM, now - first.at >= Self.echo, cutShort == nil else {
      return .nothing
    }
    cutShort = .asked(signal)
    return .end
  }

  /// When a worker that was asked to stop has to have ended; nil while nobody has asked, and when it is being killed.
  func due(after limit: Duration) -> ContinuousClock.Instant? {
    cutShort == nil ? first.map { $0.at + limit } : nil
  }

  mutating func isOverdue(after limit: Duration) {
    if let first { cutShort = .overdue(first.signal, after: limit) }
  }
}
