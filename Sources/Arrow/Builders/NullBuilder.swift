import VolleyPlan

/// Counts the rows of a `null` column. One thread at a time.
public final class NullBuilder: RowBuilder {
  public let type = DataType.null
  public private(set) var count = 0

  public init() {}

  public func appendNulls(_ count: Int) { self.count += count }

  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, .none)
    count += range.count
  }

  public func truncate(to count: Int) { self.count = min(self.count, count) }

  public func finish() -> Column {
    defer { count = 0 }
    return Column(nullsOnly: count)
  }
}

extension Column {
  /// A column of the type `null`. Its validity says so in memory, so that no kernel needs a case for it.
  public init(nullsOnly count: Int) {
    if count == 0 {
      self.init(type: .null, length: 0, validity: nil, buffers: [])
      return
    }
    self.init(type: .null, length: count, validity: .nullBits(count), buffers: [])
  }
}
