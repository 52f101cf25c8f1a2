import VolleyPlan

/// Builds a column of text or bytes with 64-bit offsets. One thread at a time.
public final class LargeBytesBuilder: RowBuilder, BytesAppending {
  public let type: DataType
  private let offsets: FixedBuilder<Int64>
  private let bytes = FixedBuilder<UInt8>(.uint8)
  private var validity = GrowingValidity()

  /// - Parameter capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    precondition(type.layout == .variable64, "a \(type) has no 64-bit offsets")
    self.type = type
    offsets = FixedBuilder(.int64, capacity: capacity + 1)
    offsets.append(0)
  }

  public var count: Int { validity.count }

  /// The bytes of one row. They are not checked.
  public func append(_ row: UnsafeBufferPointer<UInt8>) {
    bytes.append(row)
    offsets.append(Int64(bytes.count))
    validity.appendValid()
  }

  public func appendNulls(_ count: Int) {
    offsets.append(Int64(bytes.count), count: count)
    validity.appendNulls(count)
  }

  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, .variable64)
    guard !range.isEmpty else { return }
    let source = column.offsets64 + range.lowerBound
    let shift = Int64(bytes.count) - source[0]
    bytes.append(
      UnsafeBufferPointer(start: column.bytes + Int(source[0]), count: Int(source[range.count] - source[0])))
    let target = offsets.appendUninitialized(range.count)
    for row in 0..<range.count { target[row] = source[row + 1] + shift }
    validity.append(column, from: range.lowerBound, count: range.count)
  }

  public func truncate(to count: Int) {
    guard count < self.count else { return }
    offsets.truncate(to: count + 1)
    bytes.truncate(to: Int(offsets.value(at: count)))
    validity.truncate(to: count)
  }

  public func finish() -> Column {
    let column = Column(
      type: type, length: count, validity: validity.finish(),
      buffers: [offsets.finish().buffers[0], bytes.finish().buffers[0]])
    offsets.append(0)
    validity = GrowingValidity()
    return column
  }
}
