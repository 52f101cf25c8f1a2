import Base
import Synchronization

/// What the keyed state of a job may take of the worker's memory, in all its subtasks together.
///
/// Operators tell before each batch what they hold and what the batch may add, so that a state that outgrows its share ends the
/// job with a sentence instead of the process by the kernel.
public final class StateMemory: Sendable {
  /// Bytes.
  public let limit: Int
  private let used = Atomic<Int>(0)

  public init(limit: Int) { self.limit = limit }

  /// Bytes that are reserved now.
  public var usedBytes: Int { used.load(ordering: .relaxed) }

  /// Whether the change fits; when not, it is not made. One that takes less always fits.
  fileprivate func add(_ bytes: Int) -> Bool {
    let new = used.add(bytes, ordering: .relaxed).newValue
    if bytes <= 0 || new <= limit { return true }
    used.subtract(bytes, ordering: .relaxed)
    return false
  }
}

private func mebibytes(_ bytes: Int) -> String {
  let tenths = bytes / (1 << 20) * 10 + bytes % (1 << 20) * 10 / (1 << 20)
  return "\(tenths / 10).\(tenths % 10) MiB"
}

/// One operator instance's part of it. Given back with the instance. One thread at a time.
public final class StateReservation {
  private let memory: StateMemory
  private var bytes = 0

  public init(_ memory: StateMemory) { self.memory = memory }

  deinit { _ = memory.add(-bytes) }

  /// Changes what is reserved, per batch.
  ///
  /// - Parameters:
  ///   - newBytes: what the operator holds and may need for the batch in hand.
  ///   - keyCount: how many keys it holds, for the sentence.
  /// - Throws: `data` when all state together would not fit.
  public func set(_ newBytes: Int, keyCount: Int) throws(Failure) {
    guard memory.add(newBytes - bytes) else {
      let others = memory.usedBytes - bytes
      throw Failure(
        .data,
        "the state of \(keyCount) keys in this subtask needs \(mebibytes(newBytes)), all other state of the job has "
          + "\(mebibytes(others)), and \(mebibytes(memory.limit)) of --memory-limit are there for both: raise --memory-limit "
          + "or group by fewer keys"
      )
    }
    bytes = newBytes
  }

  /// The same, for something that is not kept by keys.
  ///
  /// - Parameter what: "the rows …", for the sentence.
  public func set(_ newBytes: Int, what: String) throws(Failure) {
    guard memory.add(newBytes - bytes) else {
      let others = memory.usedBytes - bytes
      throw Failure(
        .data,
        "\(what) need \(mebibytes(newBytes)), all state of the job has \(mebibytes(others)), and \(mebibytes(memory.limit)) of "
          + "--memory-limit are there for both: raise --memory-limit, or let them be fewer")
    }
    bytes = newBytes
  }

  /// Gives all back.
  public func clear() {
    _ = memory.add(-bytes)
    bytes = 0
  }
}
