import Base
import Synchronization

/// What the calls of a server hold of what clients have sent and nobody has taken yet: heads, and messages that are not
/// whole.
///
/// Each stream has bounds of its own, but a client may have many streams, and there may be many clients. Beyond the limit, calls
/// whose messages do not come to their end are ended; when that does not help, so are those that would hold more.
final class CallMemory: Sendable {
  private let limit: Int
  private let held = Atomic(0)
  /// When calls were looked through last, in nanoseconds.
  private let lookedAt = Atomic<Int64>(.min)
  private let look = Monitor<(@Sendable () -> Void)?>(nil)

  /// - Parameter limit: bytes of all calls together.
  init(limit: Int) { self.limit = limit }

  /// Bytes that are held now.
  var byteCount: Int { held.load(ordering: .relaxed) }

  /// Sets who looks calls through and ends those that hold much for long. Called from any thread.
  func onTight(_ look: @escaping @Sendable () -> Void) { self.look.withLock { $0 = look } }

  /// A call holds so many bytes more, or fewer.
  ///
  /// - Returns: whether it may: if not, it is to be ended, and gives them back with another call of this.
  func change(_ count: Int) -> Bool {
    let total = held.wrappingAdd(count, ordering: .relaxed).newValue
    guard count > 0, total > limit else { return true }
    lookThrough()
    return total <= limit + limit / 4
  }

  private func lookThrough() {
    let now = MonotonicTime.now.nanoseconds
    let last = lookedAt.load(ordering: .relaxed)
    guard last == .min || now - last >= Self.pause,
      lookedAt.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
    else { return }
    look.withLock { $0 }?()
  }

  /// Between two looks, in nanoseconds.
  private static let pause: Int64 = 100_000_000

  /// What a call is ended with that holds too much.
  var exhausted: GRPCStatus {
    GRPCStatus(
      .resourceExhausted,
      "clients have sent \(limit >> 20) MiB of heads and messages that are not whole, which is all that is kept; try again later"
    )
  }
}
