import VolleyPlan

/// Code of the author's that tells event times of rows, and how far a split of the source is: `.eventTime(as: "time") { … }`.
/// Where a column is the time and rows are out of order by a bound, `eventTime(_:outOfOrderness:)` does it faster.
///
///     final class Heartbeats: WatermarkAssigner {
///       struct Row: Codable { var seconds: Int64; var isHeartbeat: Bool }
///
///       func eventTime(of row: Row) -> Timestamp? { Timestamp(microseconds: row.seconds * 1_000_000) }
///       func watermark(after row: Row, at time: Timestamp) -> Timestamp? { row.isHeartbeat ? time : nil }
///     }
///
/// One instance for each split of the source, such as a file or a partition, one where the source does not tell; used by one thread
/// at a time. The stream's watermark is the least of its splits'.
public protocol WatermarkAssigner: AnyObject, SendableMetatype {
  /// A struct whose fields are the columns that the function takes.
  associatedtype In: RowValue

  /// Before the first row of the split.
  func open(_ context: TaskContext) throws
  /// The event time of a row; nil when it has none.
  func eventTime(of row: In) throws -> Timestamp?
  /// After each row that has a time: no row of the split with an earlier time than this follows, but for late ones. Nil says nothing
  /// new; so does a time that is not later than what was said before.
  func watermark(after row: In, at time: Timestamp) throws -> Timestamp?
  /// The same, asked from time to time when `eventTime(as:period:…)` names a period.
  func watermark(now: Timestamp) throws -> Timestamp?
  /// The split has ended, or the job.
  func close() throws
}

extension WatermarkAssigner {
  public func open(_ context: TaskContext) throws {}
  public func watermark(after row: In, at time: Timestamp) throws -> Timestamp? { nil }
  public func watermark(now: Timestamp) throws -> Timestamp? { nil }
  public func close() throws {}
}
