import Synchronization

/// A call to a loop that other threads make again and again, such as "there is more to send": however often it is raised
/// before the loop gets to it, it runs once, and raising it allocates nothing.
public final class LoopSignal: Sendable {
  public let loop: EventLoop
  private let body: @Sendable () -> Void
  private let isRaised = Atomic(false)

  /// - Parameter body: runs on the loop's thread.
  public init(on loop: EventLoop, _ body: @escaping @Sendable () -> Void) {
    self.loop = loop
    self.body = body
  }

  /// Makes the body run after this call, once for all calls that were made before it runs. From any thread.
  ///
  /// - Returns: false when the loop has ended: then it never runs.
  @discardableResult
  public func raise() -> Bool {
    guard !isRaised.exchange(true, ordering: .acquiringAndReleasing) else { return true }
    return loop.post(.signal(self))
  }

  func run() {
    // First, so that what is changed while the body runs raises it anew. An exchange, so that the body sees all that was written before
    // the calls that it answers.
    _ = isRaised.exchange(false, ordering: .acquiringAndReleasing)
    body()
  }
}
