import Base

/// A value that one thread waits for and another one gives, once.
struct Completion<Value: Sendable>: Sendable {
  private let value = Monitor<Value?>(nil)

  func complete(_ result: Value) {
    value.withLock { $0 = result }
    value.broadcast()
  }

  /// - Parameter what: for the sentence, when it does not come within two minutes.
  func wait(for what: String) throws(Failure) -> Value {
    if let result = value.wait(until: .now + 120_000_000_000, for: { $0 }) { return result }
    throw Failure(.software, "\(what) did not end within two minutes; the transport is stuck")
  }
}
