import Arrow
import TestSupport
import VolleyPlan

/// A value as what it means, whatever the width of its type.
enum Value: Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case text(String)

  /// As a key: every NaN is one key, and -0.0 is 0.0.
  var asKey: Value {
    switch self {
    case .double(let value) where value.isNaN: .text("NaN")
    case .double(let value) where value == 0: .double(0)
    default: self
    }
  }
}

/// One of about `distinct` values, now and then a null.
func randomLiteral(_ type: DataType, distinct: Int, _ random: inout SeededGenerator) -> Literal {
  let pick = Int.random(in: 0..<distinct, using: &random)
  if pick == 0, Bool.random(using: &random) { return .null(type) }
  switch type {
  case .bool: return .bool(pick % 2 == 1)
  case .int32: return .int32(Int32(truncatingIfNeeded: pick &* 7_919 &- 40_000))
  case .int64: return .int64(Int64(pick) &* 0x9E37_79B9_7F4A_7C1)
  case .timestamp(let unit, let zone): return .timestamp(Int64(pick) * 1_000_003, unit, timezone: zone)
  case .float64:
    switch pick % 7 {
    case 0: return .float64(.nan)
    case 1: return .float64(-0.0)
    case 2: return .float64(0)
    default: return .float64(Double(pick) * 0.37 - 5)
    }
  case .utf8: return .utf8(pick % 5 == 0 ? "" : String(repeating: "k\u{0}é", count: pick % 9) + "\(pick)")
  default: preconditionFailure("no \(type) is made here")
  }
}

/// A column of random values that begins `padding` rows into its buffers.
func randomColumn(
  _ type: DataType, rows: Int, distinct: Int, padding: Int = 0, _ random: inout SeededGenerator
) -> Column {
  let builder = ColumnBuilder(type)
  for _ in 0..<padding + rows { builder.append(randomLiteral(type, distinct: distinct, &random)) }
  return builder.finish().slice(padding..<padding + rows)
}

/// What a column holds.
func values(_ column: Column) -> [Value] {
  (0..<column.length).map { row in
    guard column.isValid(row) else { return .null }
    switch column.type {
    case .bool: return .bool(column.bit(row))
    case .int32: return .int(Int64(column.values(Int32.self)[row]))
    case .int64, .timestamp: return .int(column.values(Int64.self)[row])
    case .float64: return .double(column.values(Double.self)[row])
    case .utf8:
      let start = Int(column.offsets32[row])
      let count = Int(column.offsets32[row + 1]) - start
      return .text(String(decoding: UnsafeBufferPointer(start: column.bytes + start, count: count), as: UTF8.self))
    default: preconditionFailure("no \(column.type) is read here")
    }
  }
}

let allTypes: [DataType] = [.bool, .int32, .int64, .float64, .utf8, .timestamp]
