import Arrow
import Base

/// What a read gave.
public enum ReadOutcome: Sendable {
  /// Rows, without a selection; not empty.
  case batch(RecordBatch)
  /// Nothing now: read again.
  case idle
  /// The source has ended; it is not read again.
  case end
}

/// Rows from outside. One instance a subtask. Legal order: open, read…, close. When `open` throws
/// it has freed what it took: `close` does not follow.
public protocol Source: AnyObject {
  /// Whether `read` may wait. Such a source is read by a thread of its own, others by the scheduler's.
  var blocks: Bool { get }
  func open() throws(Failure)
  /// Whether it tells of its splits; the same for its whole life. One that does has none until it says that they begin; one that
  /// does not counts as a single split, `SplitID(0)`.
  var tellsSplits: Bool { get }
  /// What has happened to splits since the last call, in order. Asked before and after each `read`, by the thread that reads;
  /// what is told after a read comes before the batch that it gave. Only of sources that tell of their splits.
  func takeSplitChanges() -> [SplitChange]
  /// At most `maxRows` rows; a source that blocks waits at most `timeout` for the first one and returns what is there
  /// rather than waiting for more.
  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome
  /// The job stops: a `read` in progress should return soon. Called from any thread, possibly beside `read`.
  func stop()
  func close() throws(Failure)
}

extension Source {
  public func open() throws(Failure) {}
  public var tellsSplits: Bool { false }
  public func takeSplitChanges() -> [SplitChange] { [] }
  public func stop() {}
  public func close() throws(Failure) {}
}
