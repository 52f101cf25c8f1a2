import VolleyPlan

/// Builds a column of values of so many bytes. One thread at a time.
public final class FixedBytesBuilder: RowBuilder, BytesAppending {
  public let type: DataType
  /// Bytes of a value.
  public let width: Int
  private let bytes: FixedBuilder<UInt8>
  private var validity = GrowingValidity()

  /// - Parameter capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    guard case .fixed(let width) = type.layout else { preconditionFailure("a \(type) has no fixed width") }
    self.type = type
    self.width = width
    bytes = FixedBuilder(.uint8, capacity: capacity * width)
  }

  public var count: Int { validity.count }

  public func append(_ row: UnsafeBufferPointer<UInt8>) {
    precondition(row.count == width, "a value of \(type) has its type's width")
    bytes.append(row)
    validity.appendValid()
  }

  public func appendNulls(_ count: Int) {
    bytes.append(0, count: count * width)
    validity.appendNulls(count)
  }

  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, type.layout)
    let source = column.buffers[0].values(UInt8.self) + (column.offset + range.lowerBound) * width
    bytes.append(UnsafeBufferPointer(start: source, count: range.count * width))
    validity.append(column, from: range.lowerBound, count: range.count)
  }

  public func truncate(to count: Int) {
    guard count < self.count else { return }
    bytes.truncate(to: count * width)
    validity.truncate(to: count)
  }

  public func finish() -> Column {
    let column = Column(
      type: type, length: count, validity: validity.finish(), buffers: [bytes.finish().buffers[0]])
    validity = GrowingValidity()
    return column
  }
}
