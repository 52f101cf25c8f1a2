import CPlatform
import Glibc

/// The signals that a supervisor takes, one after the other, for as many workers as it starts.
struct SupervisorSignals: Sendable {
  enum Event: Sendable, Hashable {
    /// A child has ended: reap.
    case child
    /// Somebody asked for the end.
    case order(Shutdown.Order)
    /// Somebody asked for a savepoint.
    case savepoint
    /// The time is over.
    case timeout
    /// Nothing of interest.
    case interrupted
  }

  private let watched: [Int32]
  var shutdown = Shutdown()

  /// Blocks them in this thread and in what it starts.
  init() {
    // Who asked for SIGHUP to be ignored (nohup) keeps it so; a shell ignores SIGINT for what it runs in the
    // background, which nobody asked for.
    watched = [SIGCHLD, SIGTERM, SIGINT, SIGUSR1] + (platform_ignores_signal(SIGHUP) != 0 ? [] : [SIGHUP])
    blockSignals(watched)
  }

  /// Waits for the next signal.
  ///
  /// - Parameter due: when to wait no longer; nil: never.
  mutating func next(until due: ContinuousClock.Instant?) -> Event {
    var set = signalSet(watched)
    var number: Int32 = 0
    if let due {
      let rest = max(.zero, due - .now).components
      var time = timespec(tv_sec: Int(rest.seconds), tv_nsec: Int(rest.attoseconds / 1_000_000_000))
      number = sigtimedwait(&set, nil, &time)
      if number < 0 { return errno == EAGAIN ? .timeout : .interrupted }
    } else if sigwait(&set, &number) != 0 {
      return .interrupted
    }
    switch number {
    case SIGCHLD: return .child
    case SIGUSR1: return .savepoint
    default: return .order(shutdown.receive(SignalName(number), at: .now))
    }
  }

  /// Lets time pass between two workers; orphans are reaped.
  ///
  /// - Returns: whether nobody asked for the end.
  mutating func pause(_ duration: Duration) -> Bool {
    let due = ContinuousClock.now + duration
    while !shutdown.hasBegun {
      switch next(until: due) {
      case .child: while Self.reapOne() != nil {}
      case .timeout: return true
      // What there is to save is in the last epoch.
      case .order, .savepoint, .interrupted: break
      }
    }
    return false
  }

  /// A child that has ended; its peak memory in bytes.
  static func reapOne() -> (child: pid_t, status: Int32, peakMemory: Int)? {
    while true {
      var raw: Int32 = 0
      var usage = rusage()
      let child = wait4(-1, &raw, WNOHANG, &usage)
      if child < 0 && errno == EINTR { continue }
      // ru_maxrss counts KiB.
      return child > 0 ? (child, raw, usage.ru_maxrss * 1024) : nil
    }
  }
}
