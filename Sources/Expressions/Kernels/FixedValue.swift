import Arrow
import VolleyPlan

/// The Swift type that keeps a fixed-width column's values: kernels are written once for each of these, whatever the
/// logical types that are kept so. Dates, times, timestamps and durations share the kernels of Int32 and Int64, decimals
/// have those of Int128.
protocol FixedValue: BitwiseCopyable, Comparable, Sendable {
  /// The value of a literal whose type is kept as this type.
  init(_ literal: Literal)
}

/// An integer type of columns.
protocol IntegerValue: FixedValue, FixedWidthInteger {
  // One of each type's own, since the generic initialisers of the standard library are 20 times slower.
  /// Rounded to the nearest.
  var asDouble: Double { get }
  /// Rounded to the nearest.
  var asFloat: Float { get }
  /// Toward zero, of a value that fits.
  init(truncating value: Double)
}

/// A floating-point type that arithmetic and functions are computed in.
protocol FloatValue: FixedValue, BinaryFloatingPoint {
  init(widening value: Double)
}

extension FixedValue where Self: FixedWidthInteger {
  init(_ literal: Literal) {
    guard let value = literal.integer else { preconditionFailure("a kernel of integers got a \(literal.type)") }
    self = Self(truncatingIfNeeded: value)
  }
}

extension Literal {
  /// The integer that the value is kept as, if it is.
  var integer: Int128? {
    switch self {
    case .int32(let value): Int128(value)
    case .int64(let value), .timestamp(let value, _, _): Int128(value)
    case .integer(let value, _): value
    default: nil
    }
  }

  /// The value of a float of any width.
  var float: Double? {
    switch self {
    case .float64(let value), .float(let value, _): value
    default: nil
    }
  }
}

extension Int8: IntegerValue {
  var asDouble: Double { Double(self) }
  var asFloat: Float { Float(self) }
  init(truncating value: Double) { self = Int8(value) }
}

extension Int16: IntegerValue {
  var asDouble: Double { Double(self) }
  var asFloat: Float { Float(self) }
  init(truncating value: Double) { self = Int16(value) }
}

extension Int32: IntegerValue {
  var asDouble: Double { Double(self) }
  var asFloat: Float { Float(self) }
  init(truncating value: Double) { self = Int32(value) }
}

extension Int64: IntegerValue {
  var asDouble: Double { Double(self) }
  var asFloat: Float { Float(self) }
  init(truncating value: Double) { self = Int64(value) }
}

extension UInt8: IntegerValue {
  var asDouble: Double { Double(self) }
  var asFloat: Float { Float(self) }
  init(truncating value: Double) { self = UInt8(value) }
}

extension UInt16: IntegerValue {
  var asDouble: Double { Double(self) }
  var asFloat: Float { Float(self) }
  init(truncating value: Double) { self = UInt16(value) }
}

extension UInt32: IntegerValue {
  var asDouble: Double { Double(self) }
  var asFloat: Float { Float(self) }
  init(truncating value: Double) { self = UInt32(value) }
}

extension UInt64: IntegerValue {
  var asDouble: Double { Double(self) }
  var asFloat: Float { Float(self) }
  init(truncating value: Double) { self = UInt64(value) }
}

extension Int128: FixedValue {}

extension Float: FloatValue {
  init(_ literal: Literal) {
    guard let value = literal.float else { preconditionFailure("a float32 kernel got a \(literal.type)") }
    self = Float(value)
  }

  init(widening value: Double) { self = Float(value) }
}

extension Double: FloatValue {
  init(_ literal: Literal) {
    guard let value = literal.float else { preconditionFailure("a float64 kernel got a \(literal.type)") }
    self = value
  }

  init(widening value: Double) { self = value }
}

/// How the values of a type are kept, for kernels.
enum PhysicalType {
  case bits
  case int8, int16, int32, int64, uint8, uint16, uint32, uint64
  case float16, float32, float64
  /// decimal128, unscaled.
  case int128
  /// Text and bytes with 32-bit offsets.
  case bytes
  case fixedBytes(width: Int)
}

extension DataType {
  /// Nil for the types whose values kernels do not look at: they are cast first, or only moved.
  var physical: PhysicalType? {
    switch self {
    case .bool: .bits
    case .int8: .int8
    case .int16: .int16
    case .int32, .date32, .time32: .int32
    case .int64, .date64, .time64, .timestamp, .duration: .int64
    case .uint8: .uint8
    case .uint16: .uint16
    case .uint32: .uint32
    case .uint64: .uint64
    case .float16: .float16
    case .float32: .float32
    case .float64: .float64
    case .decimal128: .int128
    case .utf8, .binary: .bytes
    case .fixedSizeBinary(let width): .fixedBytes(width: width)
    case .null, .largeUtf8, .utf8View, .largeBinary, .binaryView, .interval, .list, .largeList, .fixedSizeList,
      .struct, .map, .dictionary:
      nil
    }
  }
}
