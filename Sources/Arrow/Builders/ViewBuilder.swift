import VolleyPlan

/// Builds a column of text or bytes in views. One thread at a time.
public final class ViewBuilder: RowBuilder, BytesAppending {
  public let type: DataType
  private let views: FixedBuilder<Int128>
  /// Finished buffers of long values, each below 2 GiB.
  private var full: [Buffer] = []
  private let bytes = FixedBuilder<UInt8>(.uint8)
  private var validity = GrowingValidity()

  /// - Parameter capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    precondition(type.layout == .view, "a \(type) has no views")
    self.type = type
    views = FixedBuilder(.decimal128(precision: 38, scale: 0), capacity: capacity)
  }

  public var count: Int { validity.count }

  /// The bytes of one row, less than 2 GiB. They are not checked.
  public func append(_ row: UnsafeBufferPointer<UInt8>) {
    precondition(row.count <= Int(Int32.max), "a value in a view is less than 2 GiB")
    if row.count > BinaryView.inlineCapacity, bytes.count + row.count > Int(Int32.max) {
      full.append(bytes.finish().buffers[0])
    }
    let view = BinaryView(row, buffer: full.count, offset: bytes.count)
    if !view.isInline { bytes.append(row) }
    views.append(unsafeBitCast(view, to: Int128.self))
    validity.appendValid()
  }

  public func appendNulls(_ count: Int) {
    views.appendNulls(count)
    validity.appendNulls(count)
  }

  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, .view)
    for row in range {
      if column.isValid(row) { append(column.bytes(at: row)) } else { appendNulls(1) }
    }
  }

  public func truncate(to count: Int) {
    guard count < self.count else { return }
    // The bytes of dropped rows stay: which rows own which bytes is not worth knowing.
    views.truncate(to: count)
    validity.truncate(to: count)
  }

  public func finish() -> Column {
    if bytes.count > 0 { full.append(bytes.finish().buffers[0]) }
    let column = Column(
      type: type, length: count, validity: validity.finish(), buffers: [views.finish().buffers[0]] + full)
    full = []
    validity = GrowingValidity()
    return column
  }
}
