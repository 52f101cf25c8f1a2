import Base

/// Holds threads until it is known whether they are to run.
final class StartGate: Sendable {
  private let decision = Monitor<Bool?>(nil)

  /// Waits for the decision: true, run; false, end at once.
  func pass() -> Bool { decision.wait { $0 } ?? false }

  func decide(_ run: Bool) {
    decision.withLock { $0 = run }
    decision.broadcast()
  }
}
