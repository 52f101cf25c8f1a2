import Arrow
import Base
import VolleyPlan

/// Values of lists and maps as bytes, for rows that are kept in one piece. A part of a format on disks (`StoredRows`):
/// it never changes.
///
/// A list: the number of its items in four bytes, least significant first, then each item. An item, or a field of a
/// struct: a byte, 1 for a value and 0 for a null, then the value. A value of fixed width is its bytes as in Arrow's
/// memory, a bool one byte, text or bytes their number in four bytes and themselves, a struct its fields, and one of a
/// dictionary what it names.
enum NestedBytes {
  /// The values of a column of lists or maps, as a column of bytes.
  ///
  /// - Throws: a `data` failure when they take 2 GiB or more.
  static func encode(_ column: Column) throws(Failure) -> Column {
    let offsets = Buffer(byteCount: (column.length + 1) * 4)
    let target = offsets.unsafeMutableValues(Int32.self)
    target[0] = 0
    let writer = FixedBuilder<UInt8>(.uint8)
    for row in 0..<column.length {
      if column.isValid(row) { write(column, row, to: writer) }
      guard writer.count <= Int(Int32.max) else {
        throw Failure(
          .data,
          "\(column.length) rows of a \(column.type) take 2 GiB or more, which is too much to be kept at once; "
            + "lower --batch-rows")
      }
      target[row + 1] = Int32(truncatingIfNeeded: writer.count)
    }
    return Column(
      type: .binary, length: column.length, offset: 0, validity: aligned(column),
      buffers: [offsets, writer.finish().buffers[0]])
  }

  /// The validity of a column from its first row on.
  private static func aligned(_ column: Column) -> Buffer? {
    guard let validity = column.validity else { return nil }
    let bits = Buffer(byteCount: Bitmap.paddedByteCount(column.length))
    Bitmap.copy(validity.address, column.offset, count: column.length, to: bits.unsafeMutableAddress, 0)
    return bits
  }

  private static func write(_ column: Column, _ row: Int, to writer: FixedBuilder<UInt8>) {
    switch column.type.layout {
    case .none: break
    case .bits: writer.append(column.bit(row) ? 1 : 0)
    case .fixed: writer.append(column.bytes(at: row))
    case .variable32, .variable64, .view:
      let bytes = column.bytes(at: row)
      write(count: bytes.count, to: writer)
      writer.append(bytes)
    case .list32, .list64, .fixedList:
      let range = column.itemRange(row..<(row + 1))
      write(count: range.count, to: writer)
      for item in range { writeItem(column.children[0], item, to: writer) }
    case .record:
      // The children's rows are those of the column's buffers.
      for child in column.children { writeItem(child, column.offset + row, to: writer) }
    case .dictionary: write(column.children[0], column.dictionaryIndex(row), to: writer)
    }
  }

  private static func writeItem(_ column: Column, _ row: Int, to writer: FixedBuilder<UInt8>) {
    var isValid = column.isValid(row)
    if isValid, case .dictionary = column.type.layout {
      isValid = column.children[0].isValid(column.dictionaryIndex(row))
    }
    writer.append(isValid ? 1 : 0)
    if isValid { write(column, row, to: writer) }
  }

  private static func write(count: Int, to writer: FixedBuilder<UInt8>) {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian) { bytes in
      bytes.withMemoryRebound(to: UInt8.self) { writer.append($0) }
    }
  }

  /// The values again, as a column of their type.
  ///
  /// - Parameter column: of bytes that `encode` gave.
  static func decode(_ column: Column, as type: DataType) throws(Failure) -> Column {
    let builder = ColumnBuilder(type, capacity: column.length)
    for row in 0..<column.length {
      guard column.isValid(row) else {
        builder.appendNull()
        continue
      }
      var reader = Reader(next: UnsafeRawPointer(column.bytes + Int(column.offsets32[row])))
      reader.read(into: builder)
    }
    return builder.finish()
  }

  private struct Reader {
    var next: UnsafeRawPointer

    mutating func readItem(into builder: ColumnBuilder) {
      if take(UInt8.self) == 1 { read(into: builder) } else { builder.appendNull() }
    }

    mutating func read(into builder: ColumnBuilder) {
      switch builder {
      case .bool(let builder): builder.append(take(UInt8.self) == 1)
      case .int8(let builder): builder.append(take(Int8.self))
      case .int16(let builder): builder.append(take(Int16.self))
      case .int32(let builder): builder.append(take(Int32.self))
      case .int64(let builder): builder.append(take(Int64.self))
      case .int128(let builder): builder.append(take(Int128.self))
      case .uint8(let builder): builder.append(take(UInt8.self))
      case .uint16(let builder): builder.append(take(UInt16.self))
      case .uint32(let builder): builder.append(take(UInt32.self))
      case .uint64(let builder): builder.append(take(UInt64.self))
      case .float16(let builder): builder.append(take(Float16.self))
      case .float32(let builder): builder.append(take(Float.self))
      case .float64(let builder): builder.append(take(Double.self))
      case .utf8(let builder): builder.append(takeBytes())
      case .other(let builder): readOther(into: builder)
      }
    }

    private mutating func readOther(into builder: any RowBuilder) {
      switch builder {
      case let builder as LargeBytesBuilder: builder.append(takeBytes())
      case let builder as ViewBuilder: builder.append(takeBytes())
      case let builder as FixedBytesBuilder: builder.append(take(count: builder.width))
      case let builder as ListBuilder:
        for _ in 0..<take(UInt32.self) { readItem(into: builder.items) }
        builder.endRow()
      case let builder as StructBuilder:
        for field in builder.fields { readItem(into: field) }
        builder.endRow()
      case let builder as DictionaryBuilder:
        guard case .dictionary(_, let type, _) = builder.type else { preconditionFailure("a dictionary has values") }
        let value = ColumnBuilder(type)
        read(into: value)
        builder.append(value.finish().literal(at: 0))
      default: preconditionFailure("\(builder.type) has no values")
      }
    }

    private mutating func take<Value: BitwiseCopyable>(_: Value.Type) -> Value {
      defer { next += MemoryLayout<Value>.size }
      return next.loadUnaligned(as: Value.self)
    }

    private mutating func takeBytes() -> UnsafeBufferPointer<UInt8> { take(count: Int(take(UInt32.self))) }

    private mutating func take(count: Int) -> UnsafeBufferPointer<UInt8> {
      defer { next += count }
      return UnsafeBufferPointer(start: next.assumingMemoryBound(to: UInt8.self), count: count)
    }
  }
}
