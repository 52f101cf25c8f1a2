import Base
import Synchronization

/// An operator that has rows under way elsewhere, whose results come back when they come. It never blocks: while it is
/// full its subtask reads no input and calls no operator in front of it to give more, and while something is pending
/// the end of the input waits in front of it.
///
/// What comes back is told by `SubtaskContext.notifier`, from any thread; the subtask then asks for `wakeTime`, which
/// lies in the past as long as there is something to take, and calls `wake`.
public protocol WaitingOperator: Operator {
  /// It takes no batch at present.
  var isFull: Bool { get }
  /// Rows that it took have not been given yet. Once the input has ended and this is false, `finish` is called.
  var isPending: Bool { get }
  /// Rows that it took and that have not been answered or given, so that who waits for the job hears of them.
  var pendingRows: Int { get }
}

/// Tells a subtask, from any thread, that there may be something to do.
public final class SubtaskNotifier: Sendable {
  private struct Target {
    weak var runnable: Runnable?
    /// For tests, which have no subtask.
    var call: (@Sendable () -> Void)?
  }

  private let target = Mutex(Target())

  public init(_ call: (@Sendable () -> Void)? = nil) { target.withLock { $0.call = call } }

  func attach(_ runnable: Runnable) { target.withLock { $0.runnable = runnable } }

  /// At once, as often as one likes, while the job runs.
  public func notify() {
    let target = target.withLock { $0 }
    target.runnable?.notify()
    target.call?()
  }
}
