/// A decimal number: `digits` × 10^`exponent`.
struct ShortDecimal: Equatable {
  var digits: UInt64
  var exponent: Int

  init(digits: UInt64, exponent: Int) {
    self.digits = digits
    self.exponent = exponent
  }

  /// The decimal of fewest digits that reads back as `value`, and the nearest of those; trailing zeros are possible.
  ///
  /// - Parameter value: finite and greater than 0.
  init(_ value: Double) {
    self.init(
      fraction: value.significandBitPattern, biased: Int(value.exponentBitPattern), fractionBits: 52, bias: 1075)
  }

  /// As of a double; the decimal reads back as the same float32.
  init(_ value: Float) {
    self.init(
      fraction: UInt64(value.significandBitPattern), biased: Int(value.exponentBitPattern), fractionBits: 23, bias: 150)
  }

  /// As of a double; the decimal reads back as the same float16.
  init(_ value: Float16) {
    self.init(
      fraction: UInt64(value.significandBitPattern), biased: Int(value.exponentBitPattern), fractionBits: 10, bias: 25)
  }

  /// Source: Giulietti, "The Schubfach way to render doubles", 2021. The powers of doubles are more exact than those of
  /// narrower floats need to be.
  ///
  /// - Parameters:
  ///   - fraction: the significand without its first bit.
  ///   - biased: the exponent as it is kept; 0 for a subnormal.
  ///   - bias: what is taken from it to have the exponent of the significand's last bit.
  @inline(__always)  // Three formats, whose constants fold.
  private init(fraction: UInt64, biased: Int, fractionBits: Int, bias: Int) {
    let isNormal = biased != 0
    let significand = isNormal ? fraction | 1 << UInt64(fractionBits) : fraction
    let binary = (isNormal ? biased : 1) - bias
    if isNormal, binary <= 0, binary >= -fractionBits, significand & (1 << UInt64(-binary) - 1) == 0 {
      (digits, exponent) = (significand >> UInt64(-binary), 0)
      return
    }
    let isEven = significand & 1 == 0
    // Below a power of two the neighbour is only half as far.
    let isCloserBelow = fraction == 0 && biased > 1
    let below = 4 * significand - 2 + (isCloserBelow ? 1 : 0)
    let centre = 4 * significand
    let above = 4 * significand + 2
    // floor(log10(2^binary)), or of three quarters of it.
    let decimal = (binary * 1_262_611 - (isCloserBelow ? 524_031 : 0)) >> 22
    let shift = UInt64(binary + (-decimal * 1_741_647) >> 19 + 1)
    var power = PowersOfTen.entry(-decimal)
    // 10^0 ... 10^55 are exact in 128 bits.
    if decimal > 0 || decimal < -55 { power = power.next }
    let lowest = Self.multiplyToOdd(power, below << shift) + (isEven ? 0 : 1)
    let middle = Self.multiplyToOdd(power, centre << shift)
    let highest = Self.multiplyToOdd(power, above << shift) - (isEven ? 0 : 1)
    let whole = middle / 4
    if whole >= 10 {
      let shorter = whole / 10
      let isBelowInside = lowest <= 40 * shorter
      let isAboveInside = 40 * shorter + 40 <= highest
      if isBelowInside != isAboveInside {
        (digits, exponent) = (shorter + (isAboveInside ? 1 : 0), decimal + 1)
        return
      }
    }
    exponent = decimal
    let isBelowInside = lowest <= 4 * whole
    let isAboveInside = 4 * whole + 4 <= highest
    if isBelowInside != isAboveInside {
      digits = whole + (isAboveInside ? 1 : 0)
      return
    }
    let half = 4 * whole + 2
    let roundsUp = middle > half || (middle == half && whole & 1 != 0)
    digits = whole + (roundsUp ? 1 : 0)
  }

  /// The upper 64 bits of a 192-bit product, their last bit set when anything below them is: enough to compare with.
  @inline(__always)  // Three of them a number.
  private static func multiplyToOdd(_ power: PowersOfTen.Entry, _ factor: UInt64) -> UInt64 {
    let low = power.low.multipliedFullWidth(by: factor)
    let high = power.high.multipliedFullWidth(by: factor)
    let (middle, carry) = high.low.addingReportingOverflow(low.high)
    return (carry ? high.high &+ 1 : high.high) | (middle > 1 ? 1 : 0)
  }
}
