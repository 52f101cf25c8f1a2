import VolleyPlan

/// An array of one type: a view of shared buffers. Copying and slicing a column copies no values.
public struct Column: Sendable {
  public var type: DataType
  /// Rows.
  public var length: Int
  /// Rows of the buffers before the first one of this column.
  public var offset: Int
  /// Bit `offset + i` tells whether row i holds a value; nil: all do.
  public var validity: Buffer?
  /// By layout, without the validity: see `Layout`.
  public var buffers: [Buffer]
  public var children: [Column]

  public init(
    type: DataType, length: Int, offset: Int = 0, validity: Buffer?, buffers: [Buffer], children: [Column] = []
  ) {
    self.type = type
    self.length = length
    self.offset = offset
    self.validity = validity
    self.buffers = buffers
    self.children = children
  }

  /// Rows `range` of this column, sharing its buffers.
  public func slice(_ range: Range<Int>) -> Column {
    precondition(range.lowerBound >= 0 && range.upperBound <= length, "a slice lies within its column")
    var slice = self
    slice.offset += range.lowerBound
    slice.length = range.count
    return slice
  }

  /// Whether row `index` holds a value.
  @inlinable
  public func isValid(_ index: Int) -> Bool {
    guard let validity else { return true }
    return Bitmap.get(validity.address, offset + index)
  }

  /// Counts the nulls.
  public var nullCount: Int {
    guard let validity else { return 0 }
    return length - Bitmap.countOnes(validity.address, offset, count: length)
  }

  /// The values of a fixed-width column, from row 0 on; those of null rows are undefined.
  ///
  /// The pointer is valid while the column's buffers are alive.
  @inlinable
  public func values<Element: BitwiseCopyable>(_: Element.Type) -> UnsafePointer<Element> {
    buffers[0].values(Element.self) + offset
  }

  /// The offsets of a `variable32` column: row i is bytes `offsets[i]..<offsets[i + 1]` of `bytes`.
  @inlinable
  public var offsets32: UnsafePointer<Int32> { buffers[0].values(Int32.self) + offset }

  /// The offsets of a `variable64` column.
  @inlinable
  public var offsets64: UnsafePointer<Int64> { buffers[0].values(Int64.self) + offset }

  /// The bytes that the offsets speak of.
  @inlinable
  public var bytes: UnsafePointer<UInt8> { buffers[1].values(UInt8.self) }

  /// The views of a `view` column.
  @inlinable
  public var views: UnsafePointer<BinaryView> { buffers[0].values(BinaryView.self) + offset }

  /// The value of a row of a `bool` column; undefined for a null.
  @inlinable
  public func bit(_ index: Int) -> Bool { Bitmap.get(buffers[0].address, offset + index) }

  /// Bytes of memory that its rows take, shared buffers counted by the rows in view.
  public var byteCount: Int {
    var bytes = validity == nil ? 0 : Bitmap.byteCount(length)
    switch type.layout {
    case .bits: bytes += Bitmap.byteCount(length)
    case .fixed(let width): bytes += length * width
    case .variable32:
      bytes += (length + 1) * 4
      if length > 0 { bytes += Int(offsets32[length] - offsets32[0]) }
    case .variable64:
      bytes += (length + 1) * 8
      if length > 0 { bytes += Int(offsets64[length] - offsets64[0]) }
    case .view:
      // Which rows share a buffer's bytes is not known without reading them all.
      bytes += length * 16 + buffers.dropFirst().reduce(0) { $0 + $1.byteCount }
    case .list32, .list64: bytes += (length + 1) * (type.layout == .list32 ? 4 : 8) + items.byteCount
    case .fixedList: bytes += items.byteCount
    case .record: for index in children.indices { bytes += field(index).byteCount }
    case .dictionary(let width): bytes += length * width + children[0].byteCount
    case .none: break
    }
    return bytes
  }
}
