extension Plan {
  /// Says which column is a row's event time, and how far rows may be out of order: makes watermarks, in place of those that
  /// come in.
  ///
  /// Output 0: the rows that have a time. Output 1, if `undated` is `route`: those that have none.
  public struct EventTime: Codable, Sendable, Hashable {
    /// A timestamp.
    public var column: String
    /// Microseconds: the watermark is the latest time so far less this, so a row that is older than it at most is not late.
    public var outOfOrderness: Int64
    /// Microseconds of processing time in which its source, or one of its splits, gives nothing, after which it holds no other
    /// one back; absent: never.
    public var idleTimeout: Int64?
    public var undated: UndatedRows
    /// The streams that are kept in step with this one; absent: none.
    public var alignment: Alignment?

    enum CodingKeys: String, CodingKey, CaseIterable { case column, outOfOrderness, idleTimeout, undated, alignment }

    public init(
      column: String, outOfOrderness: Int64, idleTimeout: Int64? = nil, undated: UndatedRows = .stop,
      alignment: Alignment? = nil
    ) {
      self.column = column
      self.outOfOrderness = outOfOrderness
      self.idleTimeout = idleTimeout
      self.undated = undated
      self.alignment = alignment
    }
  }

  /// Sources that are kept in step in event time: one that is ahead of the others of its group is not read.
  public struct Alignment: Codable, Sendable, Hashable {
    public var group: String
    /// Microseconds that a watermark may be ahead of the least one of the group; the same in the whole group.
    public var maxDrift: Int64

    enum CodingKeys: String, CodingKey, CaseIterable { case group, maxDrift }

    public init(group: String, maxDrift: Int64) {
      self.group = group
      self.maxDrift = maxDrift
    }
  }

  /// What becomes of rows whose time is null.
  public enum UndatedRows: String, Codable, Sendable, Hashable, CaseIterable {
    /// The job ends.
    case stop
    /// They go to output 1.
    case route
  }
}
