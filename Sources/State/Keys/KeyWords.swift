import Arrow
import VolleyPlan

/// A column's values as words that are equal just when the keys are: integers widened, -0.0 as 0.0, every NaN as one.
final class KeyWords {
  let pointer: UnsafePointer<UInt64>
  /// Keeps the words alive: the column's own buffer, or one made here.
  private let buffer: Buffer

  init(_ column: Column) {
    if case .fixed(width: 8) = column.type.layout, column.type != .float64 {
      buffer = column.buffers[0]
      pointer = column.values(UInt64.self)
      return
    }
    buffer = Buffer(byteCount: column.length * 8)
    let words = buffer.unsafeMutableValues(UInt64.self)
    pointer = UnsafePointer(words)
    switch (column.type.layout, column.type) {
    case (.bits, _):
      for row in 0..<column.length { words[row] = column.bit(row) ? 1 : 0 }
    case (_, .float16):
      let values = column.values(Float16.self)
      for row in 0..<column.length { words[row] = Self.word(Double(values[row])) }
    case (_, .float32):
      let values = column.values(Float.self)
      for row in 0..<column.length { words[row] = Self.word(Double(values[row])) }
    case (_, .float64):
      let values = column.values(Double.self)
      for row in 0..<column.length { words[row] = Self.word(values[row]) }
    case (.fixed(width: 1), _):
      let values = column.values(UInt8.self)
      for row in 0..<column.length { words[row] = UInt64(values[row]) }
    case (.fixed(width: 2), _):
      let values = column.values(UInt16.self)
      for row in 0..<column.length { words[row] = UInt64(values[row]) }
    case (.fixed(width: 4), _):
      let values = column.values(UInt32.self)
      for row in 0..<column.length { words[row] = UInt64(values[row]) }
    default: preconditionFailure("a key of \(column.type) does not fit a word")
    }
  }

  @inline(__always)  // A part of the loops above.
  private static func word(_ value: Double) -> UInt64 {
    value == 0 ? 0 : value.isNaN ? Double.nan.bitPattern : value.bitPattern
  }

  /// A column of the values that words stand for, none of them null.
  static func column(_ type: DataType, _ words: Buffer, count: Int) -> Column {
    let source = words.values(UInt64.self)
    let values: Buffer
    switch (type.layout, type) {
    case (.bits, _):
      values = Buffer(byteCount: Bitmap.paddedByteCount(count))
      let target = values.unsafeMutableValues(UInt64.self)
      for start in stride(from: 0, to: count, by: 64) {
        var bits: UInt64 = 0
        for bit in 0..<min(64, count - start) { bits |= (source[start + bit] & 1) << UInt64(bit) }
        target[start >> 6] = bits.littleEndian
      }
    case (_, .float16):
      values = narrowed(count, Float16.self) { Float16(Double(bitPattern: source[$0])) }
    case (_, .float32):
      values = narrowed(count, Float.self) { Float(Double(bitPattern: source[$0])) }
    case (.fixed(width: 1), _):
      values = narrowed(count, UInt8.self) { UInt8(truncatingIfNeeded: source[$0]) }
    case (.fixed(width: 2), _):
      values = narrowed(count, UInt16.self) { UInt16(truncatingIfNeeded: source[$0]) }
    case (.fixed(width: 4), _):
      values = narrowed(count, UInt32.self) { UInt32(truncatingIfNeeded: source[$0]) }
    default: values = words
    }
    return Column(type: type, length: count, validity: nil, buffers: [values])
  }

  @inline(__always)  // Specialises the loop for the closure, which is then no call.
  private static func narrowed<Value: BitwiseCopyable>(
    _ count: Int, _: Value.Type, _ value: (Int) -> Value
  ) -> Buffer {
    let buffer = Buffer(byteCount: count * MemoryLayout<Value>.stride)
    let target = buffer.unsafeMutableValues(Value.self)
    for index in 0..<count { target[index] = value(index) }
    return buffer
  }
}
