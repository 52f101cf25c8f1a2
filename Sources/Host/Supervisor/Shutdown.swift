import Glibc

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
  /// Somebody wants the job to end.
  var hasBegun: Bool { first != nil }
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
