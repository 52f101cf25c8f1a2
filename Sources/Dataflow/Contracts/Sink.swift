import Arrow
import Base

/// Rows to the outside. One instance a subtask. Legal order: open, (write | flush)…, flush, close. When `open`
/// throws it has freed what it took: `close` does not follow.
public protocol Sink: AnyObject {
  /// Whether calls may wait for a disk, a pipe or a peer. Such a sink has a thread of its own, others run on the scheduler's.
  /// A job that has failed ends when the call in progress returns.
  var blocks: Bool { get }
  func open() throws(Failure)
  /// One batch without a selection.
  func write(_ batch: RecordBatch) throws(Failure)
  /// What was written is where it belongs when this returns. Called when the input pauses, and at its end.
  func flush() throws(Failure)
  /// When `flush` is to be called although nothing came in the meantime; nil: never. Asked whenever the input pauses, of sinks
  /// that block.
  var dueTime: MonotonicTime? { get }
  /// The job stops: a call that waits for a peer which does not move should return or throw soon; what comes is written and shown
  /// still. Called from any thread, possibly beside other calls, of a sink that blocks, between `open` and the end of `close`.
  func stop()
  /// Once, at the end. `complete` is false after a failure: nothing half-written may then look whole.
  func close(complete: Bool) throws(Failure)
}

extension Sink {
  public func open() throws(Failure) {}
  public func flush() throws(Failure) {}
  public var dueTime: MonotonicTime? { nil }
  public func stop() {}
  public func close(complete: Bool) throws(Failure) {}
}
