import Arrow
import Base
import VolleyPlan

/// An unscaled decimal at another scale.
struct DecimalRescale {
  private let isFiner: Bool
  /// 10 to the power of the difference of the scales; nil when no value but 0 could have it.
  private let factor: Int128?
  private let limit: UInt128

  /// - Parameter precision: of the result.
  init(from scale: Int, to target: Int, precision: Int) {
    isFiner = target >= scale
    let shift = abs(target - scale)
    factor = shift <= 38 ? DecimalPowers.signed(shift) : nil
    limit = DecimalPowers.unsigned(precision)
  }

  /// Fits when no digit is lost and there are not too many.
  @inline(__always)  // A multiplication or a division in the loops over it.
  func apply(_ value: Int128) -> (value: Int128, fits: Bool) {
    guard let factor else { return (0, value == 0) }
    if isFiner {
      let (scaled, overflow) = value.multipliedReportingOverflow(by: factor)
      return (scaled, !overflow && scaled.magnitude < limit)
    }
    let (quotient, rest) = value.quotientAndRemainder(dividingBy: factor)
    return (quotient, rest == 0 && quotient.magnitude < limit)
  }
}

/// A float as an unscaled decimal: its exact value rounded to the nearest, ties to the even digit.
struct DecimalRounding {
  private let scale: Int
  private let limit: UInt128

  init(precision: Int, scale: Int) {
    self.scale = scale
    limit = DecimalPowers.unsigned(precision)
  }

  /// The value is `significand` · 2^`exponent`; times 10^`scale` it is an exact integer of at most 180 bits or a fraction
  /// whose denominator is a power of two.
  func apply(_ value: Double) -> (value: Int128, fits: Bool) {
    guard value.isFinite else { return (0, false) }
    if value == 0 { return (0, true) }
    let bits = value.magnitude.bitPattern
    let isNormal = bits >> 52 != 0
    let significand = UInt128(isNormal ? bits & (1 << 52 - 1) | 1 << 52 : bits)
    let exponent = Int(isNormal ? bits >> 52 : 1) - 1075
    guard let magnitude = scale >= 0 ? scaledUp(significand, exponent) : scaledDown(significand, exponent),
      magnitude < limit
    else { return (0, false) }
    let result = Int128(magnitude)
    return (value < 0 ? -result : result, true)
  }

  private func scaledUp(_ significand: UInt128, _ exponent: Int) -> UInt128? {
    let product = significand.multipliedFullWidth(by: DecimalPowers.unsigned(scale))
    if exponent >= 0 {
      guard product.high == 0, product.low.leadingZeroBitCount > exponent else { return nil }
      return product.low << UInt128(exponent)
    }
    let shift = -exponent
    if shift >= 256 { return 0 }
    let (high, low) = (product.high, product.low)
    let whole: UInt128
    let rest: (high: UInt128, low: UInt128)
    let half: (high: UInt128, low: UInt128)
    if shift >= 128 {
      whole = shift == 128 ? high : high >> UInt128(shift - 128)
      rest = (shift == 128 ? 0 : high & (1 << UInt128(shift - 128) - 1), low)
      half = shift == 128 ? (0, 1 << 127) : (1 << UInt128(shift - 129), 0)
    } else {
      guard high >> UInt128(shift) == 0 else { return nil }
      whole = low >> UInt128(shift) | high << UInt128(128 - shift)
      rest = (0, low & (1 << UInt128(shift) - 1))
      half = (0, 1 << UInt128(shift - 1))
    }
    let isAbove = rest.high != half.high ? rest.high > half.high : rest.low > half.low
    let isTie = rest == half
    return isAbove || isTie && whole & 1 != 0 ? whole + 1 : whole
  }

  /// A scale below 0: the value divided by a power of ten.
  private func scaledDown(_ significand: UInt128, _ exponent: Int) -> UInt128? {
    let divisor = DecimalPowers.unsigned(-scale)
    guard exponent > 0 else {
      let whole = exponent > -64 ? significand >> UInt128(-exponent) : 0
      let hasFraction = exponent <= -64 || significand & (1 << UInt128(-exponent) - 1) != 0
      let (quotient, rest) = whole.quotientAndRemainder(dividingBy: divisor)
      return rounded(quotient, rest, divisor, hasFraction: hasFraction)
    }
    // Less than 10^76, the largest that 38 digits in front of 38 zeros make, has fewer than 256 bits.
    guard exponent < 256 - 53 else { return nil }
    let shift = UInt128(exponent)
    let high = exponent >= 128 ? significand << (shift - 128) : significand >> (128 - shift)
    guard high < divisor else { return nil }
    let (quotient, rest) = divisor.dividingFullWidth((high, exponent >= 128 ? 0 : significand << shift))
    return rounded(quotient, rest, divisor, hasFraction: false)
  }

  /// - Parameter hasFraction: whether there is something behind the point of what was divided: it only decides a tie.
  private func rounded(_ quotient: UInt128, _ rest: UInt128, _ divisor: UInt128, hasFraction: Bool) -> UInt128? {
    let half = divisor / 2
    let isUp = rest > half || rest == half && (hasFraction || quotient & 1 != 0)
    guard isUp else { return quotient }
    return quotient < .max ? quotient + 1 : nil
  }
}

/// Decimals as other numbers. A digit behind the point that the target does not keep is a failure, since decimals are
/// chosen to be exact; floats are the nearest.
enum DecimalCasts {
  static func cast(_ column: Column, to target: DataType, _ policy: FailurePolicy) throws(Failure) -> Column {
    guard case .decimal128(_, let scale) = column.type else { preconditionFailure("\(column.type) is no decimal") }
    switch target {
    case .bool: return BoolCasts.nonZero(column, as: Int128.self, zero: 0)
    case .int8: return try integers(column, Int8.self, scale, target, policy)
    case .int16: return try integers(column, Int16.self, scale, target, policy)
    case .int32: return try integers(column, Int32.self, scale, target, policy)
    case .int64: return try integers(column, Int64.self, scale, target, policy)
    case .uint8: return try integers(column, UInt8.self, scale, target, policy)
    case .uint16: return try integers(column, UInt16.self, scale, target, policy)
    case .uint32: return try integers(column, UInt32.self, scale, target, policy)
    case .uint64: return try integers(column, UInt64.self, scale, target, policy)
    case .float16: return CheckedCast.mapped(column, target) { DecimalFloats.half($0, scale: scale) }
    case .float32: return CheckedCast.mapped(column, target) { DecimalFloats.float($0, scale: scale) }
    case .float64: return CheckedCast.mapped(column, target) { DecimalFloats.double($0, scale: scale) }
    case .decimal128(let precision, let targetScale):
      let rescale = DecimalRescale(from: scale, to: targetScale, precision: precision)
      return try CheckedCast.checked(column, target, policy, failure: lost(column, target)) { (value: Int128) in
        rescale.apply(value)
      }
    default: preconditionFailure("a cast from \(column.type) to \(target) is refused when the plan is made")
    }
  }

  private static func integers<Target: IntegerValue>(
    _ column: Column, _: Target.Type, _ scale: Int, _ target: DataType, _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    let rescale = DecimalRescale(from: scale, to: 0, precision: 38)
    let (low, high) = (Int128(Target.min), Int128(Target.max))
    return try CheckedCast.checked(column, target, policy, failure: lost(column, target)) { (value: Int128) in
      let (whole, fits) = rescale.apply(value)
      return (Target(truncatingIfNeeded: whole), fits && whole >= low && whole <= high)
    }
  }

  private static func lost(_ column: Column, _ target: DataType) -> (Int) -> Failure {
    { CastFailure.losesDigits(column.text(at: $0), target) }
  }
}
