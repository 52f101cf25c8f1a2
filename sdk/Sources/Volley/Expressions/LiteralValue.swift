import VolleyPlan

/// What `lit` takes.
public protocol LiteralValue: ColumnValue {
  /// The constant as it stands in a plan.
  var literal: Literal { get }
}

extension Bool: LiteralValue { public var literal: Literal { .bool(self) } }
extension Int8: LiteralValue { public var literal: Literal { .integer(Int128(self), .int8) } }
extension Int16: LiteralValue { public var literal: Literal { .integer(Int128(self), .int16) } }
extension Int32: LiteralValue { public var literal: Literal { .int32(self) } }
extension Int64: LiteralValue { public var literal: Literal { .int64(self) } }
extension Int: LiteralValue { public var literal: Literal { .int64(Int64(self)) } }
extension UInt8: LiteralValue { public var literal: Literal { .integer(Int128(self), .uint8) } }
extension UInt16: LiteralValue { public var literal: Literal { .integer(Int128(self), .uint16) } }
extension UInt32: LiteralValue { public var literal: Literal { .integer(Int128(self), .uint32) } }
extension UInt64: LiteralValue { public var literal: Literal { .integer(Int128(self), .uint64) } }
extension UInt: LiteralValue { public var literal: Literal { .integer(Int128(self), .uint64) } }
extension Float16: LiteralValue { public var literal: Literal { .float(Double(self), .float16) } }
extension Float: LiteralValue { public var literal: Literal { .float(Double(self), .float32) } }
extension Double: LiteralValue { public var literal: Literal { .float64(self) } }
extension String: LiteralValue { public var literal: Literal { .utf8(self) } }
extension Array: LiteralValue where Element == UInt8 { public var literal: Literal { .binary(self, .binary) } }
extension CalendarDate: LiteralValue { public var literal: Literal { .integer(Int128(daysSinceEpoch), .date32) } }
extension Timestamp: LiteralValue {
  public var literal: Literal { .timestamp(microseconds, .microsecond, timezone: nil) }
}
extension Duration: LiteralValue {
  /// In whole microseconds; the host refuses one that 64 bits of them do not hold.
  public var literal: Literal {
    let (seconds, attoseconds) = components
    return .integer(Int128(seconds) * 1_000_000 + Int128(attoseconds / 1_000_000_000_000), .duration(.microsecond))
  }
}
