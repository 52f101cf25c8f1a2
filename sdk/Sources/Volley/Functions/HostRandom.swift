import CVolley
import Synchronization

/// The random numbers that the host gives to an instance of user code, see `TaskContext.random`.
public struct HostRandom: RandomNumberGenerator {
  private let context: TaskContext
  private let call: AsyncCall?

  init(_ context: TaskContext, _ call: AsyncCall?) {
    self.context = context
    self.call = call
  }

  public mutating func next() -> UInt64 { call?.next() ?? context.nextRandom() }
}

/// What a row of an asynchronous function takes along into its task: the host is asked while it hands the row over, so that
/// the answers do not depend on which task runs first.
final class AsyncCall: Sendable {
  @TaskLocal static var running: AsyncCall?

  let context: TaskContext
  let time: Timestamp
  /// SplitMix64, from a number of the host's on.
  private let state: Atomic<UInt64>

  /// By the thread of the call.
  init(_ context: TaskContext) {
    self.context = context
    time = context.now
    state = Atomic(context.nextRandom())
  }

  /// The one that runs here, on a thread that is in no call from the host.
  static func running(in context: TaskContext) -> AsyncCall? {
    guard volley_get_current() == nil, let running, running.context === context else { return nil }
    return running
  }

  func next() -> UInt64 {
    var z = state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
