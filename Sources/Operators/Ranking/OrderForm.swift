import Arrow
import Sketches
import VolleyPlan

/// How the values of a type are ordered.
enum OrderForm {
  case bool
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case float16, float32, float64
  /// decimal128, by its unscaled integer.
  case int128
  case bytes

  /// Nil when values of the type have no order.
  init?(_ type: DataType) {
    switch type {
    case .bool: self = .bool
    case .int8: self = .int8
    case .int16: self = .int16
    case .int32, .date32, .time32: self = .int32
    case .int64, .timestamp, .date64, .time64, .duration: self = .int64
    case .uint8: self = .uint8
    case .uint16: self = .uint16
    case .uint32: self = .uint32
    case .uint64: self = .uint64
    case .float16: self = .float16
    case .float32: self = .float32
    case .float64: self = .float64
    case .decimal128: self = .int128
    case .utf8, .binary, .largeUtf8, .largeBinary, .utf8View, .binaryView, .fixedSizeBinary: self = .bytes
    case .dictionary(_, let value, _):
      guard let form = OrderForm(value) else { return nil }
      self = form
    default: return nil
    }
  }

  /// Whether values that differ may have one word.
  var isCoarse: Bool {
    switch self {
    case .int128, .bytes: true
    default: false
    }
  }

  /// Words that are less where values are, of as many rows of a plain column; those of nulls are undefined.
  func words(_ column: Column, into words: UnsafeMutablePointer<UInt64>, stride: Int) {
    let count = column.length
    switch self {
    case .bool: for row in 0..<count { words[row &* stride] = Self.word(column.bit(row) ? 1 : 0) }
    case .int8: convert(column, words, stride) { Int64($0 as Int8) }
    case .int16: convert(column, words, stride) { Int64($0 as Int16) }
    case .int32: convert(column, words, stride) { Int64($0 as Int32) }
    case .int64: convert(column, words, stride) { $0 as Int64 }
    case .uint8: convert(column, words, stride) { Int64($0 as UInt8) }
    case .uint16: convert(column, words, stride) { Int64($0 as UInt16) }
    case .uint32: convert(column, words, stride) { Int64($0 as UInt32) }
    case .uint64: convert(column, words, stride) { OrderedKey.key(of: $0 as UInt64) }
    case .float16: convert(column, words, stride) { OrderedKey.key(of: Double($0 as Float16)) }
    case .float32: convert(column, words, stride) { OrderedKey.key(of: Double($0 as Float)) }
    case .float64: convert(column, words, stride) { OrderedKey.key(of: $0 as Double) }
    case .int128: convert(column, words, stride) { Int64(truncatingIfNeeded: ($0 as Int128) >> 64) }
    case .bytes:
      for row in 0..<count where column.isValid(row) {
        words[row &* stride] = Self.prefix(UnsafeRawBufferPointer(column.bytes(at: row)))
      }
    }
  }

  @inline(__always)  // The closure becomes the loop's body.
  private func convert<Value: BitwiseCopyable>(
    _ column: Column, _ words: UnsafeMutablePointer<UInt64>, _ stride: Int, _ key: (Value) -> Int64
  ) {
    let values = column.values(Value.self)
    for row in 0..<column.length { words[row &* stride] = Self.word(key(values[row])) }
  }

  /// Values of at most 64 bits by their words, null where these are.
  func column(_ words: Column, as type: DataType) -> Column {
    switch self {
    case .bool:
      let bits = Buffer(byteCount: Bitmap.paddedByteCount(words.length))
      for row in 0..<words.length {
        Bitmap.set(bits.unsafeMutableAddress, row, Self.key(words.values(UInt64.self)[row]) == 1)
      }
      return Column(type: type, length: words.length, validity: words.validity, buffers: [bits])
    case .int8, .uint8: return values(words, type) { UInt8(truncatingIfNeeded: $0) }
    case .int16, .uint16: return values(words, type) { UInt16(truncatingIfNeeded: $0) }
    case .int32, .uint32: return values(words, type) { UInt32(truncatingIfNeeded: $0) }
    case .int64: return values(words, type) { $0 }
    case .uint64: return values(words, type) { OrderedKey.unsigned($0) }
    case .float16: return values(words, type) { Float16(OrderedKey.double($0)) }
    case .float32: return values(words, type) { Float(OrderedKey.double($0)) }
    case .float64: return values(words, type) { OrderedKey.double($0) }
    case .int128, .bytes: preconditionFailure("these do not come back from words")
    }
  }

  @inline(__always)  // The closure becomes the loop's body.
  private func values<Value: BitwiseCopyable>(_ words: Column, _ type: DataType, _ value: (Int64) -> Value) -> Column {
    let buffer = Buffer(byteCount: max(8, words.length * MemoryLayout<Value>.size))
    let target = buffer.unsafeMutableValues(Value.self)
    for row in 0..<words.length { target[row] = value(Self.key(words.values(UInt64.self)[row])) }
    return Column(type: type, length: words.length, validity: words.validity, buffers: [buffer])
  }

  private static func key(_ word: UInt64) -> Int64 { Int64(bitPattern: word ^ 1 << 63) }

  /// Signed numbers in the order of unsigned ones.
  private static func word(_ key: Int64) -> UInt64 { UInt64(bitPattern: key) ^ (1 << 63) }

  /// The first eight bytes, the first one highest, 0 past the end.
  private static func prefix(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    if bytes.count >= 8 { return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) }
    var prefix: UInt64 = 0
    for index in 0..<bytes.count { prefix |= UInt64(bytes[index]) &<< UInt64(56 &- 8 &* index) }
    return prefix
  }

  /// Below 0 when the first of two values is less, above 0 when it is more.
  func order(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    switch self {
    case .bytes:
      let common = min(left.count, right.count)
      if common > 0, let leftStart = left.baseAddress, let rightStart = right.baseAddress {
        let order = bytesOrder(leftStart, rightStart, common)
        if order != 0 { return order }
      }
      return left.count - right.count
    case .int128:
      let (left, right) = (left.loadUnaligned(as: Int128.self), right.loadUnaligned(as: Int128.self))
      return left < right ? -1 : left > right ? 1 : 0
    default:
      let (left, right) = (key(left), key(right))
      return left < right ? -1 : left > right ? 1 : 0
    }
  }

  private func key(_ value: UnsafeRawBufferPointer) -> Int64 {
    switch self {
    case .bool, .uint8: Int64(value.loadUnaligned(as: UInt8.self))
    case .int8: Int64(value.loadUnaligned(as: Int8.self))
    case .int16: Int64(value.loadUnaligned(as: Int16.self))
    case .int32: Int64(value.loadUnaligned(as: Int32.self))
    case .int64: value.loadUnaligned(as: Int64.self)
    case .uint16: Int64(value.loadUnaligned(as: UInt16.self))
    case .uint32: Int64(value.loadUnaligned(as: UInt32.self))
    case .uint64: OrderedKey.key(of: value.loadUnaligned(as: UInt64.self))
    case .float16: OrderedKey.key(of: Double(value.loadUnaligned(as: Float16.self)))
    case .float32: OrderedKey.key(of: Double(value.loadUnaligned(as: Float.self)))
    case .float64: OrderedKey.key(of: value.loadUnaligned(as: Double.self))
    case .int128, .bytes: preconditionFailure("these are compared as they are")
    }
  }
}
