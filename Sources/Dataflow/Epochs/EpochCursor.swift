import Base
import Synchronization

/// The epoch that a subtask has reached: that of the last barrier that has gone through its chain, at first the one that
/// the job goes on from. Read from any thread.
public final class EpochCursor: Sendable {
  private let number: Atomic<UInt64>

  public init(_ epoch: Epoch = Epoch(0)) { number = Atomic(epoch.number) }

  /// 0: none.
  public var last: Epoch { Epoch(number.load(ordering: .relaxed)) }

  /// By the thread that runs the subtask.
  func reach(_ epoch: Epoch) { number.store(epoch.number, ordering: .relaxed) }
}
