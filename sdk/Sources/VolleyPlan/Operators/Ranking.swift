extension Plan {
  /// One row of each key. Input: a `keyBy` node.
  ///
  /// The first to arrive is told once, as it is. In every other case a row may take another's place: the output is a changelog, `row_kind`
  /// and the columns of the input.
  public struct Deduplicate: Codable, Sendable, Hashable {
    public var keep: KeptRow
    /// The columns that rows are ordered by; empty: as they arrive. Of rows of equal order the first stays the one that arrived first, the
    /// last becomes the one that arrived last. A null counts as worse than any value in both directions.
    public var by: [String]
    /// Microseconds of processing time after which a key whose row has not changed is forgotten; absent: never.
    public var timeToLive: Int64?

    enum CodingKeys: String, CodingKey, CaseIterable { case keep, by, timeToLive }

    public init(keep: KeptRow, by: [String] = [], timeToLive: Int64? = nil) {
      self.keep = keep
      self.by = by
      self.timeToLive = timeToLive
    }
  }

  public enum KeptRow: String, Codable, Sendable, Hashable, CaseIterable {
    case first
    case last
  }

  /// The first `count` rows of each key in an order. Input: a `keyBy` node.
  ///
  /// Output: `row_kind` if results are updated, the columns of the input, and the rank. Final results are those of windows: the key has
  /// the column `window_end`, and a key's rows are told when the watermark passes it.
  public struct TopN: Codable, Sendable, Hashable {
    public var count: Int
    /// At least one. Rows of equal order are ordered as they arrive.
    public var by: [Ordering]
    /// The name of a column with the row's place, 1 the first; absent: none.
    public var rank: String?
    public var emission: WindowEmission
    /// Microseconds of processing time after which a key whose rows have not changed is forgotten; absent: never.
    public var timeToLive: Int64?

    enum CodingKeys: String, CodingKey, CaseIterable { case count, by, rank, emission, timeToLive }

    public init(
      count: Int, by: [Ordering], rank: String? = nil, emission: WindowEmission = .updating, timeToLive: Int64? = nil
    ) {
      self.count = count
      self.by = by
      self.rank = rank
      self.emission = emission
      self.timeToLive = timeToLive
    }
  }

  /// The last row of each key that holds, told at the end of the input. Input: a `keyBy` node; of one whose key is every column each row
  /// that holds is told, as often as it does.
  ///
  /// Output: the columns of the input, without `row_kind`.
  public struct Latest: Codable, Sendable, Hashable {
    public init() {}
    public init(from decoder: any Decoder) throws { try decoder.expectEmptyObject() }
  }

  /// How rows are ordered by a column: -0.0 is 0.0, a NaN is more than any number, text is ordered by its bytes.
  public struct Ordering: Codable, Sendable, Hashable {
    public var column: String
    public var descending: Bool
    public var nullsFirst: Bool

    enum CodingKeys: String, CodingKey, CaseIterable { case column, descending, nullsFirst }

    public init(_ column: String, descending: Bool = false, nullsFirst: Bool = false) {
      self.column = column
      self.descending = descending
      self.nullsFirst = nullsFirst
    }
  }
}
