import Arrow
import Base
import VolleyPlan

/// A float as columns keep it. Double holds every value of the others.
protocol FloatColumnValue: BitwiseCopyable {
  var asDouble: Double { get }
  /// The nearest value, infinite when it is too large.
  init(rounding value: Double)
}

extension Float16: FloatColumnValue {
  var asDouble: Double { Double(self) }
  init(rounding value: Double) { self = Float16(value) }
}

extension Float: FloatColumnValue {
  var asDouble: Double { Double(self) }
  init(rounding value: Double) { self = Float(value) }
}

extension Double: FloatColumnValue {
  var asDouble: Double { self }
  init(rounding value: Double) { self = value }
}

/// Floats as other numbers: to integers toward zero, to narrower floats and to decimals to the nearest. NaN and infinities
/// fit floats and nothing else.
enum FloatCasts {
  static func cast<Source: FloatColumnValue>(
    _ column: Column, from _: Source.Type, to target: DataType, _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    switch target {
    case .bool: return BoolCasts.nonZero(column, from: Source.self)
    case .int8: return try truncated(column, Source.self, Int8.self, target, policy)
    case .int16: return try truncated(column, Source.self, Int16.self, target, policy)
    case .int32: return try truncated(column, Source.self, Int32.self, target, policy)
    case .int64: return try truncated(column, Source.self, Int64.self, target, policy)
    case .uint8: return try truncated(column, Source.self, UInt8.self, target, policy)
    case .uint16: return try truncated(column, Source.self, UInt16.self, target, policy)
    case .uint32: return try truncated(column, Source.self, UInt32.self, target, policy)
    case .uint64: return try truncated(column, Source.self, UInt64.self, target, policy)
    case .float16: return CheckedCast.mapped(column, target) { (value: Source) in Float16(rounding: value.asDouble) }
    case .float32: return CheckedCast.mapped(column, target) { (value: Source) in Float(rounding: value.asDouble) }
    case .float64: return CheckedCast.mapped(column, target) { (value: Source) in value.asDouble }
    case .decimal128(let precision, let scale):
      let rounding = DecimalRounding(precision: precision, scale: scale)
      return try CheckedCast.checked(column, target, policy) { (value: Source) in rounding.apply(value.asDouble) }
    default: preconditionFailure("a cast from \(column.type) to \(target) is refused when the plan is made")
    }
  }

  /// Toward zero.
  private static func truncated<Source: FloatColumnValue, Target: IntegerValue>(
    _ column: Column, _: Source.Type, _: Target.Type, _ target: DataType, _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    // Exclusive bounds of what truncates to a `Target`. Above: a power of two. Below: the minimum less 1, which a double
    // holds, but for Int64 the next double below the minimum, as there is none between.
    let upper = Double(sign: .plus, exponent: Target.bitWidth - (Target.isSigned ? 1 : 0), significand: 1)
    let lower = !Target.isSigned ? -1 : Target.bitWidth < 53 ? -upper - 1 : (-upper).nextDown
    return try CheckedCast.checked(column, target, policy) { (value: Source) in
      let value = value.asDouble
      let fits = value < upper && value > lower  // False for NaN.
      return (Target(truncating: fits ? value : 0), fits)
    }
  }
}
