import Base

@testable import Networking

/// What is done on another thread, and then what came of it.
private final class Carried<Value>: @unchecked Sendable {  // By one thread, and then by the other.
  var body: (@Sendable () -> Value)?
  var value: Value?

  init(_ body: @escaping @Sendable () -> Value) { self.body = body }
}

/// Runs `body` on the loop's thread and returns what it returned. What `body` refers to is not kept by the loop then: it may be the
/// last to refer to somebody who ends the loop, which the loop's own thread must not.
func onLoop<Result>(_ loop: EventLoop, _ body: @escaping @Sendable () -> Result) -> Result {
  let carried = Carried(body)
  let isDone = Monitor(false)
  let isTaken = loop.execute {
    carried.value = carried.body?()
    carried.body = nil
    isDone.withLock { $0 = true }
    isDone.signal()
  }
  precondition(isTaken, "the loop has not ended")
  _ = isDone.wait { $0 ? true : nil }
  return carried.value!
}
