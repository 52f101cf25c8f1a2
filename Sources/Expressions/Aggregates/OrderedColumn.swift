import Arrow
import Sketches
import VolleyPlan

/// Values of at most 64 bits as Int64 keys that compare as the values do, and back. Equal values have equal keys: -0.0
/// and 0.0 are one, and so are all NaNs, which come last.
enum OrderedColumn {
  /// Whether values of that type have such keys.
  static func hasKeys(_ type: DataType) -> Bool {
    switch type {
    case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .date32,
      .date64, .time32, .time64, .timestamp, .duration, .interval(.yearMonth):
      true
    default: false
    }
  }

  /// An int64 column of the keys, without the nulls, beside which there is some key.
  static func keys(_ column: Column) -> Column {
    switch column.type {
    case .bool:
      let buffer = Buffer(byteCount: column.length * 8)
      let keys = buffer.unsafeMutableValues(Int64.self)
      for row in 0..<column.length { keys[row] = column.bit(row) ? 1 : 0 }
      return Column(type: .int64, length: column.length, validity: nil, buffers: [buffer])
    case .int8: return NumberColumn.convert(column, .int64) { Int64($0 as Int8) }
    case .int16: return NumberColumn.convert(column, .int64) { Int64($0 as Int16) }
    case .uint8: return NumberColumn.convert(column, .int64) { Int64($0 as UInt8) }
    case .uint16: return NumberColumn.convert(column, .int64) { Int64($0 as UInt16) }
    case .uint32: return NumberColumn.convert(column, .int64) { Int64($0 as UInt32) }
    case .uint64: return NumberColumn.convert(column, .int64) { OrderedKey.key(of: $0 as UInt64) }
    case .float16: return NumberColumn.convert(column, .int64) { OrderedKey.key(of: Double($0 as Float16)) }
    case .float32: return NumberColumn.convert(column, .int64) { OrderedKey.key(of: Double($0 as Float)) }
    case .float64: return NumberColumn.convert(column, .int64) { OrderedKey.key(of: $0 as Double) }
    default:
      switch column.type.layout {
      case .fixed(width: 4): return NumberColumn.convert(column, .int64) { Int64($0 as Int32) }
      case .fixed(width: 8):
        return Column(
          type: .int64, length: column.length, offset: column.offset, validity: nil, buffers: column.buffers)
      default: preconditionFailure("a \(column.type) has no ordered keys")
      }
    }
  }

  /// The values of these keys, Int64s. The buffer becomes the column's where a key is its value.
  static func column(_ type: DataType, _ keys: Buffer, count: Int) -> Column {
    switch (type, type.layout) {
    case (.float64, _), (.uint64, _): break
    case (_, .fixed(width: 8)): return Column(type: type, length: count, validity: nil, buffers: [keys])
    default: break
    }
    let column = column(type, keys.values(Int64.self), count: count)
    return withExtendedLifetime(keys) { column }
  }

  /// The values of these keys.
  static func column(_ type: DataType, _ keys: UnsafePointer<Int64>, count: Int, validity: Buffer? = nil) -> Column {
    switch type {
    case .bool:
      return Words(count: count) { start, rows in
        var word: UInt64 = 0
        for bit in 0..<rows { word |= UInt64(truncatingIfNeeded: keys[start &+ bit]) << UInt64(bit) }
        return word
      }.column(validity: validity)
    case .int8, .uint8: return values(type, keys, count, validity) { UInt8(truncatingIfNeeded: $0) }
    case .int16, .uint16: return values(type, keys, count, validity) { UInt16(truncatingIfNeeded: $0) }
    case .uint64: return values(type, keys, count, validity) { OrderedKey.unsigned($0) }
    case .float16: return values(type, keys, count, validity) { Float16(OrderedKey.double($0)) }
    case .float32: return values(type, keys, count, validity) { Float(OrderedKey.double($0)) }
    case .float64: return values(type, keys, count, validity) { OrderedKey.double($0) }
    default:
      switch type.layout {
      case .fixed(width: 4): return values(type, keys, count, validity) { UInt32(truncatingIfNeeded: $0) }
      case .fixed(width: 8): return values(type, keys, count, validity) { $0 }
      default: preconditionFailure("a \(type) has no ordered keys")
      }
    }
  }

  @inline(__always)  // The closure becomes the loop's body.
  private static func values<Value: BitwiseCopyable>(
    _ type: DataType, _ keys: UnsafePointer<Int64>, _ count: Int, _ validity: Buffer?, _ value: (Int64) -> Value
  ) -> Column {
    let buffer = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let target = buffer.unsafeMutableValues(Value.self)
    for row in 0..<count { target[row] = value(keys[row]) }
    return Column(type: type, length: count, validity: validity, buffers: [buffer])
  }
}
