import Base

/// A call at a time, which can be moved and cancelled. Belongs to its loop's thread.
public final class LoopTimer {
  private unowned let loop: EventLoop
  private let body: () -> Void
  /// Its place in the heap; negative while it is not set.
  var index = -1
  /// When it is due.
  public internal(set) var deadline = MonotonicTime(nanoseconds: 0)
  /// Counts up with each setting, so that timers of one deadline run in the order in which they were set.
  var sequence = 0

  init(_ loop: EventLoop, _ body: @escaping () -> Void) {
    self.loop = loop
    self.body = body
  }

  public var isSet: Bool { index >= 0 }

  /// Sets it, or moves it. It runs once, not before `deadline`, and no more than about a millisecond late on an idle loop.
  public func set(at deadline: MonotonicTime) {
    loop.assertCurrent()
    loop.timers.remove(self)
    self.deadline = deadline
    loop.timers.insert(self)
  }

  /// Sets it, or moves it, counted from the moment of the call.
  public func set(after delay: Duration) { set(at: .now + max(0, delay.wholeNanoseconds)) }

  /// Does nothing when it is not set.
  public func cancel() {
    loop.assertCurrent()
    loop.timers.remove(self)
  }

  func run() { body() }
}

extension EventLoop {
  /// A timer that is not set yet. It keeps `body` alive as long as it lives itself, set or not.
  public func timer(_ body: @escaping () -> Void) -> LoopTimer { LoopTimer(self, body) }

  /// Runs `body` once after a delay. On the loop's thread.
  @discardableResult
  public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> LoopTimer {
    let timer = LoopTimer(self, body)
    timer.set(after: delay)
    return timer
  }
}
