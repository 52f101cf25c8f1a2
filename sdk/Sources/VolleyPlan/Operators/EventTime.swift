extension Plan {
  /// Says which column is a row's event time, and how far rows may be out of order: makes watermarks, in place of those that
  /// come in.
  ///
  /// Output 0: the rows that have a time. Output 1, if `undated` is `route`: those that have none.
  public struct EventTime: Codable, Sendable, Hashable {
    /// A timestamp. With an `assigner`: the column that its times make, which is put in the place of one of that name.
    public var column: String
    /// Microseconds: the watermark is the latest time so far less this, so a row that is older than it at most is not late. 0 with
    /// an `assigner`.
    public var outOfOrderness: Int64
    /// Microseconds of processing time in which its source, or one of its splits, gives nothing, after which it holds no other
    /// one back; absent: never.
    public var idleTimeout: Int64?
    public var undated: UndatedRows
    /// The streams that are kept in step with this one; absent: none.
    public var alignment: Alignment?
    /// The author's code, which tells times and watermarks. Absent: the column is the time.
    public var assigner: WatermarkAssigner?

    enum CodingKeys: String, CodingKey, CaseIterable {
      case column, outOfOrderness, idleTimeout, undated, alignment, assigner
    }

    public init(
      column: String, outOfOrderness: Int64, idleTimeout: Int64? = nil, undated: UndatedRows = .stop,
      alignment: Alignment? = nil, assigner: WatermarkAssigner? = nil
    ) {
      self.column = column
      self.outOfOrderness = outOfOrderness
      self.idleTimeout = idleTimeout
      self.undated = undated
      self.alignment = alignment
      self.assigner = assigner
    }
  }

  /// Code that tells the times of rows, and the watermarks of splits.
  public struct WatermarkAssigner: Codable, Sendable, Hashable {
    /// The id under which the plugin registered it.
    public var function: String
    /// What the author calls it, for `inspect` and reports.
    public var label: String
    /// The columns of the input that it takes, by name and in this order.
    public var columns: [Field]
    /// Microseconds of processing time between two questions for the watermark; absent: it is told after rows only.
    public var period: Int64?

    enum CodingKeys: String, CodingKey, CaseIterable { case function, label, columns, period }

    public init(function: String, label: String, columns: [Field], period: Int64? = nil) {
      self.function = function
      self.label = label
      self.columns = columns
      self.period = period
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
