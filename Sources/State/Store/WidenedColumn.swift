import Arrow
import Base
import Keys
import VolleyPlan

/// The values of a column in a type that has all of them: what `StateMigration.canWiden` says.
enum WidenedColumn {
  static func of(_ column: Column, as type: DataType) throws(Failure) -> Column {
    switch (column.type, type) {
    case (.decimal128, .decimal128):
      var column = column
      column.type = type
      return column
    case (.utf8, _), (.binary, _): return try KeyColumn.restored(column, as: type)
    case (.int8, _): return numbers(column, Int8.self, type)
    case (.int16, _): return numbers(column, Int16.self, type)
    case (.int32, _): return numbers(column, Int32.self, type)
    case (.uint8, _): return numbers(column, UInt8.self, type)
    case (.uint16, _): return numbers(column, UInt16.self, type)
    case (.uint32, _): return numbers(column, UInt32.self, type)
    case (.float16, .float32): return made(column, Float16.self, type) { Float($0) }
    case (.float16, .float64): return made(column, Float16.self, type) { Double($0) }
    case (.float32, .float64): return made(column, Float.self, type) { Double($0) }
    default: preconditionFailure("\(column.type) does not widen to \(type)")
    }
  }

  private static func numbers<Value: FixedWidthInteger & BitwiseCopyable>(
    _ column: Column, _: Value.Type, _ type: DataType
  ) -> Column {
    switch type {
    case .int16: made(column, Value.self, type) { Int16(truncatingIfNeeded: $0) }
    case .int32: made(column, Value.self, type) { Int32(truncatingIfNeeded: $0) }
    case .int64: made(column, Value.self, type) { Int64(truncatingIfNeeded: $0) }
    case .uint16: made(column, Value.self, type) { UInt16(truncatingIfNeeded: $0) }
    case .uint32: made(column, Value.self, type) { UInt32(truncatingIfNeeded: $0) }
    case .uint64: made(column, Value.self, type) { UInt64(truncatingIfNeeded: $0) }
    case .float32: made(column, Value.self, type) { Float($0) }
    case .float64: made(column, Value.self, type) { Double($0) }
    default: preconditionFailure("\(column.type) does not widen to \(type)")
    }
  }

  private static func made<Value: BitwiseCopyable, Wide: BitwiseCopyable>(
    _ column: Column, _: Value.Type, _ type: DataType, _ wide: (Value) -> Wide
  ) -> Column {
    let buffer = Buffer(byteCount: (column.offset + column.length) * MemoryLayout<Wide>.stride)
    let target = buffer.unsafeMutableValues(Wide.self)
    buffer.unsafeMutableAddress.initializeMemory(
      as: UInt8.self, repeating: 0, count: column.offset * MemoryLayout<Wide>.stride)
    let values = column.values(Value.self)
    for row in 0..<column.length { target[column.offset + row] = wide(values[row]) }
    return Column(
      type: type, length: column.length, offset: column.offset, validity: column.validity, buffers: [buffer])
  }
}
