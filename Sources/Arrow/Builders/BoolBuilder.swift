import VolleyPlan

/// Builds a `bool` column row by row. One thread at a time.
public final class BoolBuilder: RowBuilder {
  public let type = DataType.bool
  @usableFromInline @exclusivity(unchecked) var bits: GrowingBits
  @usableFromInline @exclusivity(unchecked) var validity = GrowingValidity()

  /// - Parameter capacity: rows to make room for at first.
  public init(capacity: Int = 0) { bits = GrowingBits(capacity: capacity) }

  /// Rows so far.
  @inlinable
  public var count: Int { validity.count }

  @inlinable
  public func append(_ value: Bool) {
    bits.append(value)
    validity.appendValid()
  }

  public func appendNull() { appendNulls(1) }

  public func appendNulls(_ count: Int) {
    bits.append(false, count: count)
    validity.appendNulls(count)
  }

  /// The value `count` times.
  public func append(_ value: Bool, count: Int) {
    bits.append(value, count: count)
    validity.appendValid(count)
  }

  /// Rows `range` of a `bool` column.
  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, .bits)
    bits.append(column.buffers[0].address, column.offset + range.lowerBound, count: range.count)
    validity.append(column, from: range.lowerBound, count: range.count)
  }

  /// Drops the rows from `count` on.
  public func truncate(to count: Int) {
    bits.truncate(to: count)
    validity.truncate(to: count)
  }

  /// The column; the builder is empty afterwards and can be used again.
  public func finish() -> Column {
    let column = Column(type: .bool, length: count, validity: validity.finish(), buffers: [bits.finish()])
    bits = GrowingBits(capacity: 0)
    validity = GrowingValidity()
    return column
  }
}
