import Arrow
import VolleyPlan

/// Keys as bytes whose lexicographic order is the keys' order, and that say themselves where they end. A format on disks: it never
/// changes.
///
/// Column by column: a null is one byte 0x00, which sorts first. Else 0x01 and then
///
/// - bool: one byte, 0x00 or 0x01;
/// - signed integers, decimals (unscaled, 16 bytes), dates, times, timestamps and durations: big-endian in their width, with the
///   sign bit flipped; unsigned integers: big-endian;
/// - floats: the bits big-endian, all of them flipped if negative, else the sign bit; `-0.0` is `0.0`, and every NaN is the one
///   positive quiet NaN, above infinity;
/// - text and binary, whatever their layout: the bytes, where 0x00 becomes 0x00 0xFF, and 0x00 0x00 at the end;
/// - binary of a fixed size: the bytes.
///
/// A dictionary is encoded by the values that its rows name. Nested types and intervals are no keys.
public enum KeyEncoding {
  static let null: UInt8 = 0x00
  static let value: UInt8 = 0x01
  static let zero: UInt8 = 0x00
  static let escapedZero: UInt8 = 0xFF

  /// Encodes the keys of rows 0 ..< `rows` of the columns, each of which has at least as many and is plain: see
  /// `KeyColumn.plain`.
  public static func encode(columns: [Column], rows: Int) -> EncodedKeys {
    let offsets = Buffer(byteCount: (rows + 1) * 8)
    let ends = offsets.unsafeMutableValues(Int64.self)
    ends.update(repeating: 0, count: rows + 1)
    for column in columns {
      precondition(column.length >= rows, "key columns have a value for each row")
      addSizes(of: column, rows, to: ends + 1)
    }
    var total: Int64 = 0
    for row in 1..<(rows + 1) {
      total += ends[row]
      ends[row] = total
    }
    let bytes = Buffer(byteCount: Int(total))
    // Where the next column of each row goes: shifted by one, so that they are the rows' ends, and the offsets, when done.
    let cursorBuffer = Buffer(byteCount: rows * 8)
    let cursors = cursorBuffer.unsafeMutableValues(Int64.self)
    cursors.update(from: ends, count: rows)
    for column in columns { write(column, rows, to: bytes.unsafeMutableValues(UInt8.self), cursors) }
    return EncodedKeys(count: rows, offsets: offsets, bytes: bytes)
  }

  /// Bytes of a value after its tag, for a form of one size.
  static func width(_ form: KeyForm) -> Int? {
    switch form {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .float16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    case .int128: 16
    case .fixedBytes(let width): width
    case .null: 0
    case .bytes: nil
    }
  }

  private static func addSizes(of column: Column, _ rows: Int, to sizes: UnsafeMutablePointer<Int64>) {
    if let width = width(KeyForm(column.type)) {
      guard column.validity != nil else {
        for row in 0..<rows { sizes[row] += Int64(1 + width) }
        return
      }
      for row in 0..<rows { sizes[row] += column.isValid(row) ? Int64(1 + width) : 1 }
      return
    }
    let offsets = column.offsets32
    let bytes = column.bytes
    for row in 0..<rows {
      guard column.isValid(row) else {
        sizes[row] += 1
        continue
      }
      let string = UnsafeBufferPointer(start: bytes + Int(offsets[row]), count: Int(offsets[row + 1] - offsets[row]))
      sizes[row] += Int64(3 + string.count + zeros(in: string))
    }
  }

  private static func zeros(in string: UnsafeBufferPointer<UInt8>) -> Int {
    var count = 0
    for byte in string { count &+= byte == 0 ? 1 : 0 }
    return count
  }

  private static func write(
    _ column: Column, _ rows: Int, to bytes: UnsafeMutablePointer<UInt8>, _ cursors: UnsafeMutablePointer<Int64>
  ) {
    switch KeyForm(column.type) {
    case .bool: writeFixed(column, rows, bytes, cursors) { column.bit($0) ? UInt8(1) : UInt8(0) }
    case .int8: writeSigned(column, rows, bytes, cursors, as: UInt8.self)
    case .int16: writeSigned(column, rows, bytes, cursors, as: UInt16.self)
    case .int32: writeSigned(column, rows, bytes, cursors, as: UInt32.self)
    case .int64: writeSigned(column, rows, bytes, cursors, as: UInt64.self)
    case .int128: writeSigned(column, rows, bytes, cursors, as: UInt128.self)
    case .uint8: writeUnsigned(column, rows, bytes, cursors, as: UInt8.self)
    case .uint16: writeUnsigned(column, rows, bytes, cursors, as: UInt16.self)
    case .uint32: writeUnsigned(column, rows, bytes, cursors, as: UInt32.self)
    case .uint64: writeUnsigned(column, rows, bytes, cursors, as: UInt64.self)
    case .float16:
      let values = column.values(Float16.self)
      writeFixed(column, rows, bytes, cursors) { ordered(KeyForm.bits(values[$0])) }
    case .float32:
      let values = column.values(Float.self)
      writeFixed(column, rows, bytes, cursors) { ordered(KeyForm.bits(values[$0])) }
    case .float64:
      let values = column.values(Double.self)
      writeFixed(column, rows, bytes, cursors) { ordered(KeyForm.bits(values[$0])) }
    case .bytes: writeStrings(column, rows, bytes, cursors)
    case .fixedBytes(let width): writeBytes(column, width, rows, bytes, cursors)
    case .null:
      for row in 0..<rows {
        bytes[Int(cursors[row])] = null
        cursors[row] += 1
      }
    }
  }

  /// Bits whose unsigned order is that of the floats that they stand for.
  @inline(__always)  // A part of the loops over rows.
  private static func ordered<Bits: FixedWidthInteger & UnsignedInteger>(_ bits: Bits) -> Bits {
    let sign: Bits = 1 << Bits(Bits.bitWidth - 1)
    return bits & sign != 0 ? ~bits : bits | sign
  }

  private static func writeSigned<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ column: Column, _ rows: Int, _ bytes: UnsafeMutablePointer<UInt8>, _ cursors: UnsafeMutablePointer<Int64>,
    as _: Bits.Type
  ) {
    let values = column.values(Bits.self)
    writeFixed(column, rows, bytes, cursors) { values[$0] ^ (1 << Bits(Bits.bitWidth - 1)) }
  }

  private static func writeUnsigned<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ column: Column, _ rows: Int, _ bytes: UnsafeMutablePointer<UInt8>, _ cursors: UnsafeMutablePointer<Int64>,
    as _: Bits.Type
  ) {
    let values = column.values(Bits.self)
    writeFixed(column, rows, bytes, cursors) { values[$0] }
  }

  private static func writeBytes(
    _ column: Column, _ width: Int, _ rows: Int, _ bytes: UnsafeMutablePointer<UInt8>,
    _ cursors: UnsafeMutablePointer<Int64>
  ) {
    for row in 0..<rows {
      let target = bytes + Int(cursors[row])
      guard column.isValid(row) else {
        target[0] = null
        cursors[row] += 1
        continue
      }
      target[0] = value
      if let source = column.bytes(at: row).baseAddress { (target + 1).update(from: source, count: width) }
      cursors[row] += Int64(1 + width)
    }
  }

  @inline(__always)  // Specialises the loop for the closure, which is then no call.
  private static func writeFixed<Value: FixedWidthInteger & BitwiseCopyable>(
    _ column: Column, _ rows: Int, _ bytes: UnsafeMutablePointer<UInt8>, _ cursors: UnsafeMutablePointer<Int64>,
    _ value: (Int) -> Value
  ) {
    let hasNulls = column.validity != nil
    for row in 0..<rows {
      let target = bytes + Int(cursors[row])
      if hasNulls && !column.isValid(row) {
        target[0] = null
        cursors[row] += 1
      } else {
        target[0] = Self.value
        UnsafeMutableRawPointer(target + 1).storeBytes(of: value(row).bigEndian, as: Value.self)
        cursors[row] += Int64(1 + MemoryLayout<Value>.size)
      }
    }
  }

  private static func writeStrings(
    _ column: Column, _ rows: Int, _ bytes: UnsafeMutablePointer<UInt8>, _ cursors: UnsafeMutablePointer<Int64>
  ) {
    let offsets = column.offsets32
    let source = column.bytes
    for row in 0..<rows {
      var position = Int(cursors[row])
      if column.isValid(row) {
        bytes[position] = value
        position += 1
        for index in Int(offsets[row])..<Int(offsets[row + 1]) {
          let byte = source[index]
          bytes[position] = byte
          position += 1
          if byte == zero {
            bytes[position] = escapedZero
            position += 1
          }
        }
        bytes[position] = zero
        bytes[position + 1] = zero
        position += 2
      } else {
        bytes[position] = null
        position += 1
      }
      cursors[row] = Int64(position)
    }
  }
}
