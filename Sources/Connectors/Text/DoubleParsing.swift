import Text

/// A decimal number as it was read: `mantissa` × 10^`exponent`, and what a grammar wants to know of its spelling.
struct ScannedDecimal {
  var mantissa: UInt64 = 0
  var exponent = 0
  var isNegative = false
  /// Digits before the point.
  var integerDigits = 0
  /// Digits behind the point; -1 without one.
  var fractionDigits = -1
  /// Digits of the exponent; -1 without one.
  var exponentDigits = -1
  /// More than 19 significant digits: the mantissa holds the first 19, more follow.
  var isTruncated = false

  /// A sign, digits, perhaps with a point, perhaps with an exponent that has digits.
  var isNumber: Bool { integerDigits + max(0, fractionDigits) > 0 && exponentDigits != 0 }
}

/// Reads `[-+]digits[.digits][e[-+]digits]` as far as it goes and returns where it ends. Something that is no digit must
/// stand behind the text.
@inline(__always)
func scanDecimal(_ start: UnsafePointer<UInt8>, _ scanned: inout ScannedDecimal) -> UnsafePointer<UInt8> {
  var at = start
  if at.pointee == UInt8(ascii: "-") {
    scanned.isNegative = true
    at += 1
  } else if at.pointee == UInt8(ascii: "+") {
    at += 1
  }
  var mantissa: UInt64 = 0
  let integer = at
  while true {
    let digit = at.pointee &- 48
    if digit > 9 { break }
    mantissa = mantissa &* 10 &+ UInt64(digit)
    at += 1
  }
  scanned.integerDigits = at - integer
  var digits = at - integer
  if at.pointee == UInt8(ascii: ".") {
    at += 1
    let fraction = at
    while true {
      let digit = at.pointee &- 48
      if digit > 9 { break }
      mantissa = mantissa &* 10 &+ UInt64(digit)
      at += 1
    }
    scanned.fractionDigits = at - fraction
    digits += at - fraction
    scanned.exponent = fraction - at
  }
  scanned.mantissa = mantissa
  if digits > 19 { rescanLongMantissa(integer, &scanned) }
  if at.pointee | 0x20 == UInt8(ascii: "e") { at = scanExponent(at, &scanned) }
  return at
}

/// The mantissa of more than 19 digits: leading zeros do not count, and what is beyond the 19th significant digit only moves
/// the exponent.
@inline(never)
private func rescanLongMantissa(_ start: UnsafePointer<UInt8>, _ scanned: inout ScannedDecimal) {
  var mantissa: UInt64 = 0
  var significant = 0
  var left = scanned.integerDigits + max(0, scanned.fractionDigits)
  var at = start
  var pointPassed = false
  var exponent = 0
  while left > 0 {
    if at.pointee == UInt8(ascii: ".") {
      pointPassed = true
      at += 1
      continue
    }
    let digit = at.pointee &- 48
    at += 1
    left -= 1
    if significant == 19 {
      if !pointPassed { exponent += 1 }
      if digit != 0 { scanned.isTruncated = true }
      continue
    }
    mantissa = mantissa * 10 + UInt64(digit)
    if significant > 0 || digit > 0 { significant += 1 }
    if pointPassed { exponent -= 1 }
  }
  scanned.mantissa = mantissa
  scanned.exponent = exponent
}

/// The exponent at `start`, where an "e" stands. Values beyond ±100,000 stay there: all that differs is how far out of
/// range they are.
@inline(never)
private func scanExponent(_ start: UnsafePointer<UInt8>, _ scanned: inout ScannedDecimal) -> UnsafePointer<UInt8> {
  var at = start + 1
  let isNegative = at.pointee == UInt8(ascii: "-")
  if isNegative || at.pointee == UInt8(ascii: "+") { at += 1 }
  let digits = at
  var exponent = 0
  while true {
    let digit = at.pointee &- 48
    if digit > 9 { break }
    if exponent < 100_000 { exponent = exponent * 10 + Int(digit) }
    at += 1
  }
  scanned.exponentDigits = at - digits
  scanned.exponent += isNegative ? -exponent : exponent
  return at
}

/// The double nearest to the number that was scanned from `start`..<`end`, ties to even; infinite when it is out of range.
@inline(__always)
func double(of scanned: ScannedDecimal, _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Double {
  // Both operands are exact, so the one rounding is the right one (Clinger, "How to read floating point numbers accurately").
  if !scanned.isTruncated, scanned.mantissa <= 1 << 53, scanned.exponent >= -22, scanned.exponent <= 22 {
    let mantissa = Double(scanned.mantissa)
    let magnitude =
      scanned.exponent < 0
      ? mantissa / PowersOfTen.exact[-scanned.exponent] : mantissa * PowersOfTen.exact[scanned.exponent]
    return scanned.isNegative ? -magnitude : magnitude
  }
  return longDouble(of: scanned, start, end)
}

@inline(never)
private func longDouble(of scanned: ScannedDecimal, _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>)
  -> Double
{
  let magnitude = decimalToDouble(scanned.mantissa, scanned.exponent)
  if scanned.isTruncated, magnitude != decimalToDouble(scanned.mantissa + 1, scanned.exponent) {
    return doubleByLibrary(start, end)
  }
  return scanned.isNegative ? -magnitude : magnitude
}

/// `mantissa` × 10^`exponent`, correctly rounded.
/// Source: Lemire, "Number parsing at a gigabyte per second", 2021 (the Eisel-Lemire algorithm); Mushtak and Lemire, "Fast
/// number parsing without fallback", 2022.
func decimalToDouble(_ mantissa: UInt64, _ exponent: Int) -> Double {
  if mantissa == 0 || exponent < PowersOfTen.smallest { return 0 }
  if exponent > 308 { return .infinity }
  let zeros = mantissa.leadingZeroBitCount
  let normal = mantissa << UInt64(zeros)
  var power = PowersOfTen.entry(exponent)
  if exponent < 0, exponent >= -27 { power = power.next }
  var product = normal.multipliedFullWidth(by: power.high)
  // 55 bits decide: 53 of the result, one that the product may lose, one for the rounding.
  let undecided = UInt64.max >> 55
  if product.high & undecided == undecided {
    let second = normal.multipliedFullWidth(by: power.low)
    let (sum, carry) = product.low.addingReportingOverflow(second.high)
    product = (carry ? product.high &+ 1 : product.high, sum)
  }
  let upper = Int(product.high >> 63)
  var bits = product.high >> UInt64(upper + 9)
  // floor(log2(10^exponent)) is (217706 * exponent) >> 16 in this range.
  var binary = (217_706 * exponent) >> 16 + 63 + upper - zeros + 1023
  if binary <= 0 {
    if 1 - binary >= 64 { return 0 }
    bits >>= UInt64(1 - binary)
    bits += bits & 1
    return Double(bitPattern: bits >> 1)
  }
  // Exactly between two doubles: to the even one.
  if product.low <= 1, exponent >= -4, exponent <= 23, bits & 3 == 1, bits << UInt64(upper + 9) == product.high {
    bits &= ~1
  }
  bits += bits & 1
  bits >>= 1
  if bits >= 1 << 53 {
    bits = 1 << 52
    binary += 1
  }
  if binary >= 0x7FF { return .infinity }
  return Double(bitPattern: bits & ~(1 << 52) | UInt64(binary) << 52)
}

/// The standard library's answer, which no locale changes, for the few numbers of more than 19 digits whose first 19 do not
/// decide.
private func doubleByLibrary(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Double {
  let text = String(decoding: UnsafeBufferPointer(start: start, count: end - start), as: UTF8.self)
  guard let value = Double(text) else { preconditionFailure("a scanned decimal is a double") }
  return value
}
