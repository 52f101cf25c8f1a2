import Base

/// Whether a job runs as it should: a decision, without a job or a clock.
struct Readiness: Sendable, Hashable {
  enum Phase: Sendable, Hashable {
    /// Not there yet; what it does, as a clause: "the plugin is being loaded".
    case preparing(String)
    /// All that it goes on from is restored, and rows flow.
    case running(since: MonotonicTime)
    /// Somebody asked it to end.
    case stopping
    /// It has ended, well or not.
    case ended
  }

  /// The epochs of a job with checkpoints.
  struct Epochs: Sendable, Hashable {
    /// From the start of one to the start of the next.
    var interval: Duration
    /// When the newest one was completed by this process; nil: it has completed none.
    var completed: MonotonicTime?
    /// Why the last one was given up, if that was after the newest complete one.
    var aborted: String?

    init(interval: Duration, completed: MonotonicTime? = nil, aborted: String? = nil) {
      self.interval = interval
      self.completed = completed
      self.aborted = aborted
    }
  }

  var phase: Phase
  /// What it has failed with, also before all of its parts have ended.
  var failure: String?
  /// Every source has ended, and what is in flight drains: barriers come from sources, so there are no epochs until all of it has.
  var haveSourcesEnded = false
  /// Nil without checkpoints.
  var epochs: Epochs?

  init(_ phase: Phase, failure: String? = nil, haveSourcesEnded: Bool = false, epochs: Epochs? = nil) {
    self.phase = phase
    self.failure = failure
    self.haveSourcesEnded = haveSourcesEnded
    self.epochs = epochs
  }

  /// So many intervals may pass without a complete epoch.
  static let patience: Int64 = 3

  /// Why the job is not ready, as a sentence without its full stop; nil: it is.
  func objection(now: MonotonicTime) -> String? {
    if let failure { return "the job has failed: \(failure)" }
    switch phase {
    case .preparing(let what): return what
    case .stopping: return "the job is stopping"
    case .ended: return "the job has ended"
    case .running(let start):
      guard let epochs, !haveSourcesEnded else { return nil }
      let since = epochs.completed ?? start
      let limit = epochs.interval.wholeNanoseconds * Self.patience
      guard now - since > limit else { return nil }
      let passed = "\(timeText(Double(now - since) * 1e-9)), more than \(Self.patience) intervals of "
      let reason = epochs.aborted.map { ": the last one was given up, \($0)" } ?? ""
      return "no epoch has completed for \(passed)\(timeText(epochs.interval.seconds))\(reason)"
    }
  }
}
