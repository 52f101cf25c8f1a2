import Base
import Synchronization

/// Since when a stage's code has been running in a subtask, and how many of its rows are under way elsewhere, for
/// whoever wants to know what a job waits for.
///
/// Set by the thread that makes the call, per batch and never per row; read by any thread at any time.
final class CallClock: Sendable {
  /// Nanoseconds of the monotonic clock; 0 outside of a call.
  private let start = Atomic<Int64>(0)
  /// Below zero: nobody has noted any.
  private let pending = Atomic<Int>(-1)

  func enter(at now: MonotonicTime) { start.store(now.nanoseconds, ordering: .relaxed) }

  func leave() { start.store(0, ordering: .relaxed) }

  func note(pendingRows: Int) { pending.store(pendingRows, ordering: .relaxed) }

  /// Nil of a stage whose rows do not wait elsewhere, and before its first one.
  var pendingRows: Int? {
    let rows = pending.load(ordering: .relaxed)
    return rows < 0 ? nil : rows
  }

  /// Nil outside of a call.
  var since: MonotonicTime? {
    let start = start.load(ordering: .relaxed)
    return start == 0 ? nil : MonotonicTime(nanoseconds: start)
  }
}

/// A call of a stage's code that has not returned.
public struct RunningCall: Sendable {
  /// As reports name the stage: "source orders".
  public var label: String
  public var uid: String?
  public var subtask: Int
  public var duration: Duration
}

/// Rows that an operator took and that wait for answers from elsewhere.
public struct PendingRows: Sendable {
  /// As reports name the operator.
  public var label: String
  public var uid: String?
  /// In all of its subtasks.
  public var rows: Int
}
