import Base

@testable import Networking

/// A value that is made on one thread and read on another, one after the other.
private final class Carried<Value>: @unchecked Sendable {  // Written before the monitor's signal, read after it.
  var value: Value?
}

/// Runs `body` on the loop's thread and returns what it returned.
func onLoop<Result>(_ loop: EventLoop, _ body: @escaping @Sendable () -> Result) -> Result {
  let carried = Carried<Result>()
  let isDone = Monitor(false)
  let isTaken = loop.execute {
    carried.value = body()
    isDone.withLock { $0 = true }
    isDone.signal()
  }
  precondition(isTaken, "the loop has not ended")
  _ = isDone.wait { $0 ? true : nil }
  return carried.value!
}
