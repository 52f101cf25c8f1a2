/// A constant. In JSON an object of one key: the type's name for the first six, `null`, or `value` for the rest.
public enum Literal: Sendable, Hashable {
  case bool(Bool)
  case int32(Int32)
  case int64(Int64)
  /// In JSON a number, or one of the strings "NaN", "Infinity", "-Infinity".
  case float64(Double)
  case utf8(String)
  /// `value` counts `unit`s since the epoch.
  case timestamp(Int64, TimeUnit, timezone: String?)
  /// A null of that type.
  case null(DataType)
  /// A value of another type that is kept as one integer: the other integers, dates, times, durations, months, decimals
  /// (unscaled).
  case integer(Int128, DataType)
  /// float16 or float32.
  case float(Double, DataType)
  /// Text of another type than utf8.
  case string(String, DataType)
  /// Bytes of any type that has them.
  case binary([UInt8], DataType)
  /// An interval of days and times: `day_time` has no months and whole milliseconds.
  case interval(months: Int32, days: Int32, nanoseconds: Int64, IntervalUnit)
  /// A list's items, a struct's fields, or a map's entries (each the fields of a struct).
  case nested([Literal], DataType)

  public var type: DataType {
    switch self {
    case .bool: .bool
    case .int32: .int32
    case .int64: .int64
    case .float64: .float64
    case .utf8: .utf8
    case .timestamp(_, let unit, let zone): .timestamp(unit, timezone: zone)
    case .null(let type), .integer(_, let type), .float(_, let type), .string(_, let type), .binary(_, let type),
      .nested(_, let type):
      type
    case .interval(_, _, _, let unit): .interval(unit)
    }
  }
}
