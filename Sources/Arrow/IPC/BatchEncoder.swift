import Base
import VolleyPlan

/// Lays out the body of one batch: the buffers of its columns cut to their rows, which are only copied where a slice
/// makes it necessary.
struct BatchEncoder {
  private let alignment: Int
  private let compression: IPCCompression?
  private let length: Int
  private var nodes: [Int64] = []
  private var places: [Int64] = []
  private var viewBufferCounts: [Int64] = []
  /// The buffers, each of which is followed by zeros up to the alignment.
  private(set) var segments: [SharedBytes] = []
  private(set) var bodyLength = 0

  /// - Parameters:
  ///   - columns: each `length` rows long.
  ///   - alignment: each buffer begins at a multiple of it.
  init(_ columns: [Column], length: Int, alignment: Int, compression: IPCCompression?) throws(Failure) {
    self.alignment = alignment
    self.compression = compression
    self.length = length
    for column in columns { try add(column) }
  }

  /// The fields of the table `RecordBatch`.
  var flat: FlatFields {
    var flat: FlatFields = [
      (0, .int64(Int64(length))), (1, .structs(nodes, integersEach: 2)), (2, .structs(places, integersEach: 2)),
    ]
    if let compression { flat.append((3, .table([(0, .int8(compression.number)), (1, .int8(0))]))) }
    if !viewBufferCounts.isEmpty { flat.append((4, .structs(viewBufferCounts, integersEach: 1))) }
    return flat
  }

  private mutating func add(_ column: Column) throws(Failure) {
    let layout = column.type.layout
    let nulls = layout == .none ? column.length : column.nullCount
    nodes += [Int64(column.length), Int64(nulls)]
    if layout == .none { return }
    if nulls > 0, let validity = column.validity {
      try add(Self.bits(validity, column.offset, column.length))
    } else {
      try add(nil)
    }
    switch layout {
    case .none: break
    case .bits: try add(Self.bits(column.buffers[0], column.offset, column.length))
    case .fixed(let width), .dictionary(let width):
      try add(SharedBytes(column.buffers[0]).part(column.offset * width, column.length * width))
    case .variable32: try addBytes(column, Int32.self)
    case .variable64: try addBytes(column, Int64.self)
    case .view: try addViews(column)
    case .list32: try addItems(column, Int32.self)
    case .list64: try addItems(column, Int64.self)
    case .fixedList: try add(column.items)
    case .record: for index in column.children.indices { try add(column.field(index)) }
    }
  }

  private mutating func addBytes<Offset: FixedWidthInteger & BitwiseCopyable>(
    _ column: Column, _: Offset.Type
  ) throws(Failure) {
    let (offsets, range) = Self.offsets(column, Offset.self)
    try add(offsets)
    try add(range.isEmpty ? nil : SharedBytes(column.buffers[1]).part(range.lowerBound, range.count))
  }

  private mutating func addItems<Offset: FixedWidthInteger & BitwiseCopyable>(
    _ column: Column, _: Offset.Type
  ) throws(Failure) {
    let (offsets, range) = Self.offsets(column, Offset.self)
    try add(offsets)
    try add(column.children[0].slice(range))
  }

  /// Views come with all of the buffers that they point into, unless most of those bytes belong to other rows.
  private mutating func addViews(_ column: Column) throws(Failure) {
    var used = 0
    let views = column.views
    for row in 0..<column.length where !views[row].isInline && column.isValid(row) {
      used += Int(views[row].length)
    }
    var column = column
    let total = column.buffers.dropFirst().reduce(0) { $0 + $1.byteCount }
    if total > 2 * used + 4096 {
      let builder = ColumnBuilder(column.type, capacity: column.length)
      builder.append(column, 0..<column.length)
      column = builder.finish()
    }
    let width = MemoryLayout<BinaryView>.size
    try add(SharedBytes(column.buffers[0]).part(column.offset * width, column.length * width))
    for buffer in column.buffers.dropFirst() { try add(SharedBytes(buffer)) }
    viewBufferCounts.append(Int64(column.buffers.count - 1))
  }

  /// Bits from `offset` on, moved when they begin within a byte.
  private static func bits(_ bits: Buffer, _ offset: Int, _ count: Int) -> SharedBytes {
    if offset & 7 == 0 { return SharedBytes(bits).part(offset >> 3, Bitmap.byteCount(count)) }
    let moved = Buffer(byteCount: Bitmap.byteCount(count))
    Bitmap.copy(bits.address, offset, count: count, to: moved.unsafeMutableAddress, 0)
    return SharedBytes(moved)
  }

  /// The offsets of the rows, counted from the first one, and what they speak of.
  private static func offsets<Offset: FixedWidthInteger & BitwiseCopyable>(
    _ column: Column, _: Offset.Type
  ) -> (SharedBytes, Range<Int>) {
    let width = MemoryLayout<Offset>.size
    let byteCount = (column.length + 1) * width
    // A column without rows may come without offsets.
    let first: Offset = column.length > 0 ? column.values(Offset.self)[0] : 0
    if column.length > 0, first == 0 {
      let range = 0..<Int(column.values(Offset.self)[column.length])
      return (SharedBytes(column.buffers[0]).part(column.offset * width, byteCount), range)
    }
    let moved = Buffer(byteCount: byteCount)
    let target = moved.unsafeMutableValues(Offset.self)
    target[0] = 0
    guard column.length > 0 else { return (SharedBytes(moved), 0..<0) }
    let source = column.values(Offset.self)
    for row in 1...column.length { target[row] = source[row] &- first }
    return (SharedBytes(moved), Int(first)..<Int(source[column.length]))
  }

  /// - Parameter bytes: nil for none.
  private mutating func add(_ bytes: SharedBytes?) throws(Failure) {
    guard let bytes, bytes.count > 0 else {
      places += [Int64(bodyLength), 0]
      return
    }
    let content =
      try compression.map { compression throws(Failure) in try Self.compressed(bytes, compression.coder) } ?? bytes
    places += [Int64(bodyLength), Int64(content.count)]
    segments.append(content)
    bodyLength += (content.count + alignment - 1) / alignment * alignment
  }

  /// The length as Int64 and the compressed bytes; -1 and the bytes as they are when that is shorter.
  private static func compressed(_ bytes: SharedBytes, _ coder: any BufferCoder) throws(Failure) -> SharedBytes {
    let bound = max(try coder.bound(bytes.count), bytes.count)
    let buffer = Buffer(byteCount: 8 + bound)
    let target = UnsafeMutableRawBufferPointer(start: buffer.unsafeMutableAddress + 8, count: bound)
    var count = try coder.compress(UnsafeRawBufferPointer(start: bytes.address, count: bytes.count), into: target)
    var length = Int64(bytes.count)
    if count >= bytes.count {
      count = bytes.count
      length = -1
      target.copyMemory(from: UnsafeRawBufferPointer(start: bytes.address, count: count))
    }
    buffer.unsafeMutableAddress.storeBytes(of: length.littleEndian, as: Int64.self)
    buffer.setByteCount(8 + count)
    return SharedBytes(buffer)
  }
}
