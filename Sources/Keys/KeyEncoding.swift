import Arrow
import VolleyPlan

/// Keys as bytes whose lexicographic order is the keys' order, and that say themselves where they end. A format on disks: it never
/// changes.
///
/// Column by column: a null is one byte 0x00, which sorts first. Else 0x01 and then
///
/// - bool: one byte, 0x00 or 0x01;
/// - signed integers and timestamps: big-endian, with the sign bit flipped;
/// - floats: the bits big-endian, all of them flipped if negative, else the sign bit; `-0.0` is `0.0`, and every NaN is the one
///   positive quiet NaN, above infinity;
/// - strings: the bytes, where 0x00 becomes 0x00 0xFF, and 0x00 0x00 at the end.
public enum KeyEncoding {
  static let null: UInt8 = 0x00
  static let value: UInt8 = 0x01
  static let zero: UInt8 = 0x00
  static let escapedZero: UInt8 = 0xFF

  /// Encodes the keys of rows 0 ..< `rows` of the columns, each of which has at least as many.
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
    case .bool: 1
    case .int32: 4
    case .int64, .float64: 8
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
    case .int32:
      let values = column.values(Int32.self)
      writeFixed(column, rows, bytes, cursors) { UInt32(bitPattern: values[$0]) ^ (1 << 31) }
    case .int64:
      let values = column.values(Int64.self)
      writeFixed(column, rows, bytes, cursors) { UInt64(bitPattern: values[$0]) ^ (1 << 63) }
    case .float64:
      let values = column.values(Double.self)
      writeFixed(column, rows, bytes, cursors) { ordered(values[$0]) }
    case .bytes: writeStrings(column, rows, bytes, cursors)
    }
  }

  /// Bits whose unsigned order is the numbers' order.
  static func ordered(_ value: Double) -> UInt64 {
    let bits = KeyForm.bits(value)
    return bits >> 63 != 0 ? ~bits : bits | (1 << 63)
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
