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
    /// Microseconds of processing time without a row, after which the stream holds no other one back; absent: never.
    public var idleTimeout: Int64?
    public var undated: UndatedRows

    enum CodingKeys: String, CodingKey, CaseIterable { case column, outOfOrderness, idleTimeout, undated }

    public init(
      column: String, outOfOrderness: Int64, idleTimeout: Int64? = nil, undated: UndatedRows = .stop
    ) {
      self.column = column
      self.outOfOrderness = outOfOrderness
      self.idleTimeout = idleTimeout
      self.undated = undated
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
