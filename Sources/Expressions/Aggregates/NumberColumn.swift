import Arrow
import VolleyPlan

/// Columns whose values are converted before a loop, for loops that do enough that one more pass does not matter.
enum NumberColumn {
  /// The values of a number column as doubles; the nulls are those of the column, and are not in the result.
  ///
  /// - Parameter divisor: what unscaled decimals are divided by.
  static func doubles(_ column: Column, divisor: Double = 1) -> Column {
    switch column.type {
    case .int8: convert(column, .float64) { Double($0 as Int8) }
    case .int16: convert(column, .float64) { Double($0 as Int16) }
    case .int32: convert(column, .float64) { Double($0 as Int32) }
    case .int64: convert(column, .float64) { Double($0 as Int64) }
    case .uint8: convert(column, .float64) { Double($0 as UInt8) }
    case .uint16: convert(column, .float64) { Double($0 as UInt16) }
    case .uint32: convert(column, .float64) { Double($0 as UInt32) }
    case .uint64: convert(column, .float64) { Double($0 as UInt64) }
    case .float16: convert(column, .float64) { Double($0 as Float16) }
    case .float32: convert(column, .float64) { Double($0 as Float) }
    case .float64: column
    case .decimal128: convert(column, .float64) { Double($0 as Int128) / divisor }
    default: preconditionFailure("\(column.type) is no number")
    }
  }

  @inline(__always)  // The closure becomes the loop's body.
  static func convert<Source: BitwiseCopyable, Target: BitwiseCopyable>(
    _ column: Column, _ type: DataType, _ value: (Source) -> Target
  ) -> Column {
    let buffer = Buffer(byteCount: column.length * MemoryLayout<Target>.size)
    let (source, target) = (column.values(Source.self), buffer.unsafeMutableValues(Target.self))
    for row in 0..<column.length { target[row] = value(source[row]) }
    return Column(type: type, length: column.length, validity: nil, buffers: [buffer])
  }
}
