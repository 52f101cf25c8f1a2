import Arrow
import Base

/// Writes columns into rows: one loop a column and physical type.
struct RowWriter {
  let layout: RowLayout
  /// Columns as they are stored, in the order of the layout's fields.
  private let columns: [Column]
  private let count: Int

  /// - Parameter columns: one a field of the layout, of `count` rows each.
  /// - Throws: a `data` failure when lists or dictionaries take 2 GiB or more as bytes.
  init(_ layout: RowLayout, _ columns: [Column], count: Int) throws(Failure) {
    self.layout = layout
    self.count = count
    var stored: [Column] = []
    for column in columns { stored.append(try Self.stored(column)) }
    self.columns = stored
  }

  private static func stored(_ column: Column) throws(Failure) -> Column {
    let column = try column.decoded()
    switch column.type.layout {
    case .list32, .list64, .fixedList: return try NestedBytes.encode(column)
    case .record:
      var fields: [Column] = []
      for index in column.children.indices { fields.append(try stored(column.field(index))) }
      // Fields that begin with the struct's first row; its own bits may begin elsewhere.
      return Column(
        type: column.type, length: column.length, offset: column.offset, validity: column.validity, buffers: [],
        children: fields)
    default: return column
    }
  }

  /// The bytes of each row.
  ///
  /// - Parameters:
  ///   - sizes: room for a size a row.
  ///   - alignment: what they are rounded up to a multiple of, a power of two.
  func sizes(into sizes: UnsafeMutablePointer<Int>, alignment: Int = 8) {
    sizes.update(repeating: layout.fixedSize, count: count)
    for (field, column) in zip(layout.fields, columns) { add(field, column, sizes) }
    for row in 0..<count { sizes[row] = (sizes[row] + alignment - 1) & ~(alignment - 1) }
  }

  private func add(_ field: RowLayout.Field, _ column: Column, _ sizes: UnsafeMutablePointer<Int>) {
    switch field.kind {
    case .record(let fields):
      for (child, column) in zip(fields, column.children) { add(child, column, sizes) }
    case .bytes:
      if case .variable32 = column.type.layout, column.validity == nil {
        let offsets = column.offsets32
        for row in 0..<count { sizes[row] += Int(offsets[row + 1] - offsets[row]) }
      } else {
        for row in 0..<count where column.isValid(row) { sizes[row] += column.bytes(at: row).count }
      }
    default: break
    }
  }

  /// Writes the values, and the bits of nulls.
  ///
  /// - Parameters:
  ///   - rows: where each row is.
  ///   - ends: room for a number a row.
  ///   - sawNull: is told the bit of each field that has a null.
  func write(
    to rows: UnsafePointer<UnsafeMutableRawPointer>, ends: UnsafeMutablePointer<UInt32>, sawNull: (Int) -> Void
  ) {
    let (first, byteCount) = (layout.bitsPlace, (layout.bitCount + 7) / 8)
    ends.update(repeating: UInt32(truncatingIfNeeded: layout.fixedSize), count: count)
    for start in stride(from: 0, to: count, by: Self.blockRows) {
      let block = start..<min(count, start + Self.blockRows)
      for row in block {
        for byte in first..<first + byteCount { rows[row].storeBytes(of: 0, toByteOffset: byte, as: UInt8.self) }
      }
      for (field, column) in zip(layout.fields, columns) { write(field, column, block, rows, ends, sawNull) }
    }
  }

  /// Rows whose columns are written together: so few that they stay in the first cache from one column to the next.
  private static let blockRows = 64

  private func write(
    _ field: RowLayout.Field, _ column: Column, _ block: Range<Int>, _ rows: UnsafePointer<UnsafeMutableRawPointer>,
    _ ends: UnsafeMutablePointer<UInt32>, _ sawNull: (Int) -> Void
  ) {
    writeNulls(field, column, block, rows, sawNull)
    let place = field.place
    switch field.kind {
    case .none: break
    case .record(let fields):
      for (child, column) in zip(fields, column.children) { write(child, column, block, rows, ends, sawNull) }
    case .bit:
      for row in block { rows[row].storeBytes(of: column.bit(row) ? 1 : 0, toByteOffset: place, as: UInt8.self) }
    case .fixed(width: 1): writeFixed(UInt8.self, column, block, rows, place)
    case .fixed(width: 2): writeFixed(UInt16.self, column, block, rows, place)
    case .fixed(width: 4): writeFixed(UInt32.self, column, block, rows, place)
    case .fixed(width: 8): writeFixed(UInt64.self, column, block, rows, place)
    case .fixed(let width):
      let source = column.buffers[0].address + column.offset * width
      for row in block { (rows[row] + place).copyMemory(from: source + row * width, byteCount: width) }
    case .bytes: writeBytes(column, block, rows, place, ends)
    }
  }

  @inline(__always)  // One specialised loop a width.
  private func writeFixed<Value: BitwiseCopyable>(
    _: Value.Type, _ column: Column, _ block: Range<Int>, _ rows: UnsafePointer<UnsafeMutableRawPointer>, _ place: Int
  ) {
    let values = column.values(Value.self)
    for row in block { rows[row].storeBytes(of: values[row], toByteOffset: place, as: Value.self) }
  }

  private func writeBytes(
    _ column: Column, _ block: Range<Int>, _ rows: UnsafePointer<UnsafeMutableRawPointer>, _ place: Int,
    _ ends: UnsafeMutablePointer<UInt32>
  ) {
    if case .variable32 = column.type.layout, column.validity == nil {
      let (offsets, bytes) = (column.offsets32, column.bytes)
      for row in block {
        let length = Int(offsets[row + 1] &- offsets[row])
        let end = Int(ends[row])
        (rows[row] + end).copyMemory(from: bytes + Int(offsets[row]), byteCount: length)
        ends[row] = UInt32(truncatingIfNeeded: end + length)
        rows[row].storeBytes(of: ends[row], toByteOffset: place, as: UInt32.self)
      }
      return
    }
    for row in block {
      if column.isValid(row) {
        let source = column.bytes(at: row)
        if let base = source.baseAddress {
          (rows[row] + Int(ends[row])).copyMemory(from: base, byteCount: source.count)
          ends[row] += UInt32(truncatingIfNeeded: source.count)
        }
      }
      rows[row].storeBytes(of: ends[row], toByteOffset: place, as: UInt32.self)
    }
  }

  private func writeNulls(
    _ field: RowLayout.Field, _ column: Column, _ block: Range<Int>, _ rows: UnsafePointer<UnsafeMutableRawPointer>,
    _ sawNull: (Int) -> Void
  ) {
    guard column.validity != nil else { return }
    let place = layout.bitsPlace + field.bit >> 3
    let bit = UInt8(1) << UInt8(field.bit & 7)
    var hasNull = false
    for row in block where !column.isValid(row) {
      let byte = rows[row].load(fromByteOffset: place, as: UInt8.self)
      rows[row].storeBytes(of: byte | bit, toByteOffset: place, as: UInt8.self)
      hasNull = true
    }
    if hasNull { sawNull(field.bit) }
  }
}
