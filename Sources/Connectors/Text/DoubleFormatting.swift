/// A decimal number: `digits` × 10^`exponent`.
struct ShortDecimal: Equatable {
  var digits: UInt64
  var exponent: Int
}

/// The decimal of fewest digits that reads back as `value`, and the nearest of those; trailing zeros are possible.
/// Source: Giulietti, "The Schubfach way to render doubles", 2021.
///
/// - Parameter value: finite and greater than 0.
func shortestDecimal(_ value: Double) -> ShortDecimal {
  let fraction = value.significandBitPattern
  let biased = Int(value.exponentBitPattern)
  let isNormal = biased != 0
  let significand = isNormal ? fraction | 1 << 52 : fraction
  let binary = (isNormal ? biased : 1) - 1075
  if isNormal, binary <= 0, binary > -53, significand & (1 << UInt64(-binary) - 1) == 0 {
    return ShortDecimal(digits: significand >> UInt64(-binary), exponent: 0)
  }
  let isEven = significand & 1 == 0
  // Below a power of two the neighbour is only half as far.
  let isCloserBelow = fraction == 0 && biased > 1
  let below = 4 * significand - 2 + (isCloserBelow ? 1 : 0)
  let centre = 4 * significand
  let above = 4 * significand + 2
  // floor(log10(2^binary)), or of three quarters of it.
  let exponent = (binary * 1_262_611 - (isCloserBelow ? 524_031 : 0)) >> 22
  let shift = UInt64(binary + (-exponent * 1_741_647) >> 19 + 1)
  var power = PowersOfTen.entry(-exponent)
  // 10^0 ... 10^55 are exact in 128 bits.
  if exponent > 0 || exponent < -55 { power = power.next }
  let lowest = multiplyToOdd(power, below << shift) + (isEven ? 0 : 1)
  let middle = multiplyToOdd(power, centre << shift)
  let highest = multiplyToOdd(power, above << shift) - (isEven ? 0 : 1)
  let digits = middle / 4
  if digits >= 10 {
    let shorter = digits / 10
    let isBelowInside = lowest <= 40 * shorter
    let isAboveInside = 40 * shorter + 40 <= highest
    if isBelowInside != isAboveInside {
      return ShortDecimal(digits: shorter + (isAboveInside ? 1 : 0), exponent: exponent + 1)
    }
  }
  let isBelowInside = lowest <= 4 * digits
  let isAboveInside = 4 * digits + 4 <= highest
  if isBelowInside != isAboveInside {
    return ShortDecimal(digits: digits + (isAboveInside ? 1 : 0), exponent: exponent)
  }
  let half = 4 * digits + 2
  let roundsUp = middle > half || (middle == half && digits & 1 != 0)
  return ShortDecimal(digits: digits + (roundsUp ? 1 : 0), exponent: exponent)
}

/// The upper 64 bits of a 192-bit product, their last bit set when anything below them is: enough to compare with.
@inline(__always)
private func multiplyToOdd(_ power: PowersOfTen.Entry, _ factor: UInt64) -> UInt64 {
  let low = power.low.multipliedFullWidth(by: factor)
  let high = power.high.multipliedFullWidth(by: factor)
  let (middle, carry) = high.low.addingReportingOverflow(low.high)
  return (carry ? high.high &+ 1 : high.high) | (middle > 1 ? 1 : 0)
}

/// Most bytes that `writeDouble` writes.
let doubleBound = 32

/// Writes the shortest text that reads back as the same double, spelled as Python does: 3.0, 0.1, 1e-05, 1.5e+300, and
/// NaN, Infinity, -Infinity. Returns where it ends.
func writeDouble(_ value: Double, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  var at = out
  if value.isNaN { return writeWord("NaN", to: at) }
  if value.sign == .minus {
    at.pointee = UInt8(ascii: "-")
    at += 1
  }
  let magnitude = value.magnitude
  if magnitude.isInfinite { return writeWord("Infinity", to: at) }
  if magnitude == 0 { return writeWord("0.0", to: at) }
  if let end = writePlainDouble(magnitude, to: at) { return end }
  var decimal = shortestDecimal(magnitude)
  while decimal.digits % 10 == 0 {
    decimal.digits /= 10
    decimal.exponent += 1
  }
  let count = digitCount(decimal.digits)
  // The point stands behind that many digits.
  let point = count + decimal.exponent
  if point > 16 || point < -3 { return writeScientific(decimal, count, point - 1, to: at) }
  if point >= count {
    writeDigits(decimal.digits, count: count, to: at)
    at += count
    for _ in 0..<(point - count) {
      at.pointee = 48
      at += 1
    }
    return writeWord(".0", to: at)
  }
  if point <= 0 {
    at = writeWord("0.", to: at)
    for _ in 0..<(-point) {
      at.pointee = 48
      at += 1
    }
    writeDigits(decimal.digits, count: count, to: at)
    return at + count
  }
  writeDigits(decimal.digits, count: count, to: at + 1)
  for index in 0..<point { at[index] = at[index + 1] }
  at[point] = UInt8(ascii: ".")
  return at + count + 1
}

/// A number with at most four decimals, such as a price: it is `scaled` / 10^k exactly rounded, and `scaled` has so few
/// digits that no other decimal of as few reads back the same. Nil for others.
@inline(__always)
private func writePlainDouble(
  _ magnitude: Double, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8>? {
  guard magnitude < 1e9, magnitude >= 1e-3 else { return nil }
  let scaled = (magnitude * 10_000).rounded()
  guard scaled / 10_000 == magnitude else { return nil }
  let all = UInt64(scaled)
  let whole = all / 10_000
  var fraction = all % 10_000
  let count = digitCount(whole)
  writeDigits(whole, count: count, to: out)
  let at = out + count
  at.pointee = UInt8(ascii: ".")
  var places = 4
  while places > 1, fraction % 10 == 0 {
    fraction /= 10
    places &-= 1
  }
  writeDigits(fraction, count: places, to: at + 1)
  return at + 1 + places
}

private func writeScientific(
  _ decimal: ShortDecimal, _ count: Int, _ exponent: Int, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
  writeDigits(decimal.digits, count: count, to: out + 1)
  out[0] = out[1]
  var at = out + 1
  if count > 1 {
    out[1] = UInt8(ascii: ".")
    at += count
  }
  at[0] = UInt8(ascii: "e")
  at[1] = exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
  let digits = exponent.magnitude >= 100 ? 3 : 2
  writeDigits(UInt64(exponent.magnitude), count: digits, to: at + 2)
  return at + 2 + digits
}

@inline(__always)
func writeWord(_ word: StaticString, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  out.update(from: word.utf8Start, count: word.utf8CodeUnitCount)
  return out + word.utf8CodeUnitCount
}
