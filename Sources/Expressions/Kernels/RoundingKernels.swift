import Arrow
import Base
import VolleyPlan

/// Rounding to a number of decimal digits.
enum RoundingKernels {
  /// The value is scaled, rounded and scaled back, as pyarrow does; one that the digits do not change stays as it is, and so
  /// does one that would become infinite.
  static func floats<Value: FloatValue>(
    _ column: Column, as _: Value.Type, _ rule: FloatingPointRoundingRule, _ digits: Int
  ) -> Column {
    switch rule {
    case .up where digits == 0: return FloatKernels.mapped(column, as: Value.self) { $0.rounded(.up) }
    case .down where digits == 0: return FloatKernels.mapped(column, as: Value.self) { $0.rounded(.down) }
    case .towardZero where digits == 0: return FloatKernels.mapped(column, as: Value.self) { $0.rounded(.towardZero) }
    case _ where digits == 0:
      return FloatKernels.mapped(column, as: Value.self) { $0.rounded(.toNearestOrAwayFromZero) }
    default: break
    }
    let power = power(abs(digits), as: Value.self)
    return FloatKernels.mapped(column, as: Value.self) { value in
      let scaled = digits > 0 ? value * power : value / power
      let whole = scaled.rounded(.down)
      if scaled - whole == 0 { return value }
      let rounded = scaled.rounded(rule)
      let result = digits > 0 ? rounded / power : rounded * power
      return result.isFinite ? result : value
    }
  }

  private static func power<Value: FloatValue>(_ exponent: Int, as _: Value.Type) -> Value {
    Value(widening: exponent <= 308 ? Double("1e\(exponent)") ?? .infinity : .infinity)
  }

  /// - Parameter drop: how many of the digits behind the point become 0, at least 1.
  static func decimals(
    _ column: Column, _ rule: FloatingPointRoundingRule, drop: Int, precision: Int, _ name: String
  ) throws(Failure) -> Column {
    let limit = DecimalPowers.unsigned(precision)
    return try CheckedCast.checked(column, column.type, .stop, failure: failure(column, name)) {
      (value: Int128) -> (value: Int128, fits: Bool) in
      guard let rounded = rounded(value, rule, drop: drop) else { return (0, false) }
      return (rounded, rounded.magnitude < limit)
    }
  }

  /// - Parameter drop: how many of the last digits become 0, at least 1.
  static func integers<Value: IntegerValue>(
    _ column: Column, as _: Value.Type, _ rule: FloatingPointRoundingRule, drop: Int, _ name: String
  ) throws(Failure) -> Column {
    try CheckedCast.checked(column, column.type, .stop, failure: failure(column, name)) {
      (value: Value) -> (value: Value, fits: Bool) in
      guard let rounded = rounded(Int128(truncatingIfNeeded: value), rule, drop: drop) else { return (0, false) }
      let result = Value(truncatingIfNeeded: rounded)
      return (result, Int128(truncatingIfNeeded: result) == rounded)
    }
  }

  private static func failure(_ column: Column, _ name: String) -> (Int) -> Failure {
    { ArithmeticFailure.doesNotFit(name, "\(name) of \(column.text(at: $0))", column.type) }
  }

  /// Nil when it is no Int128.
  private static func rounded(_ value: Int128, _ rule: FloatingPointRoundingRule, drop: Int) -> Int128? {
    // Half of a power with more digits is more than any value.
    guard drop <= 38 else { return rule == .up && value > 0 || rule == .down && value < 0 ? nil : 0 }
    let unit = DecimalPowers.signed(drop)
    let (quotient, rest) = value.quotientAndRemainder(dividingBy: unit)
    if rest == 0 { return value }
    let isAway: Bool =
      switch rule {
      case .up: value > 0
      case .down: value < 0
      case .towardZero: false
      default: rest.magnitude >= unit.magnitude / 2
      }
    let whole = isAway ? quotient + (value < 0 ? -1 : 1) : quotient
    let (result, overflow) = whole.multipliedReportingOverflow(by: unit)
    return overflow ? nil : result
  }
}
