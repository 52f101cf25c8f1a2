import Arrow
import Base
import VolleyPlan

/// Bools as numbers, 1 and 0, and numbers as bools: whether they differ from 0.
enum BoolCasts {
  static func cast(_ column: Column, to target: DataType) -> Column {
    switch target {
    case .int8, .uint8: return numbers(column, target, one: UInt8(1), zero: 0)
    case .int16, .uint16: return numbers(column, target, one: UInt16(1), zero: 0)
    case .int32, .uint32: return numbers(column, target, one: UInt32(1), zero: 0)
    case .int64, .uint64: return numbers(column, target, one: UInt64(1), zero: 0)
    case .float16: return numbers(column, target, one: Float16(1).bitPattern, zero: 0)
    case .float32: return numbers(column, target, one: Float(1).bitPattern, zero: 0)
    case .float64: return numbers(column, target, one: Double(1).bitPattern, zero: 0)
    default: preconditionFailure("a cast from bool to \(target) is refused when the plan is made")
    }
  }

  /// Numbers by the bits of 1 and 0.
  private static func numbers<Value: BitwiseCopyable>(
    _ column: Column, _ target: DataType, one: Value, zero: Value
  ) -> Column {
    let count = column.length
    let buffer = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let values = buffer.unsafeMutableValues(Value.self)
    let bits = Bits(valuesOf: column)
    var row = 0
    while row < count {
      let rows = min(64, count &- row)
      let word = bits.word(row, rows)
      for bit in 0..<rows { values[row &+ bit] = (word &>> UInt64(truncatingIfNeeded: bit)) & 1 != 0 ? one : zero }
      row &+= rows
    }
    return column.replacing(values: buffer, type: target)
  }

  static func nonZero<Source: BitwiseCopyable & Equatable>(_ column: Column, as _: Source.Type, zero: Source) -> Column
  {
    let source = column.values(Source.self)
    return bools(column) { source[$0] != zero }
  }

  /// NaN differs from 0, and -0.0 does not.
  static func nonZero<Source: FloatColumnValue>(_ column: Column, from _: Source.Type) -> Column {
    let source = column.values(Source.self)
    return bools(column) { source[$0].asDouble != 0 }
  }

  @inline(__always)  // So that the closure is part of the loop.
  private static func bools(_ column: Column, _ holds: (Int) -> Bool) -> Column {
    let words = Words(count: column.length) { start, rows in
      var word: UInt64 = 0
      for bit in 0..<rows { word |= (holds(start &+ bit) ? 1 : 0) &<< UInt64(truncatingIfNeeded: bit) }
      return word
    }
    return words.column(validity: commonValidity([column], count: column.length))
  }
}
