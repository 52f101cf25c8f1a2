/// Reads an integer of any size up to 38 digits that fills `start`..<`end`: a sign and digits.
func parseWideInteger(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ value: inout Int128
) -> ValueProblem {
  parseDecimal(start, end, precision: 38, scale: 0, allowsPoint: false, &value)
}

/// Reads a plain decimal number that fills `start`..<`end`: a sign, digits, and a point with digits behind it. Decimals beyond the
/// scale must be 0: nothing is rounded.
///
/// - Parameters:
///   - precision: digits of `value` at most, 1...38.
///   - scale: `value` is the number times 10 to the power of this; it may be negative.
func parseDecimal(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, precision: Int, scale: Int, allowsPoint: Bool = true,
  _ value: inout Int128
) -> ValueProblem {
  var at = start
  guard at < end else { return .malformed }
  let isNegative = at.pointee == UInt8(ascii: "-")
  if isNegative || at.pointee == UInt8(ascii: "+") { at += 1 }
  var magnitude: UInt128 = 0
  var digits = 0
  var fraction: Int?
  // Zeros that are not in `magnitude` yet: those at the end may be beyond the scale.
  var zeros = 0
  var isTooLarge = false
  while at < end {
    let byte = at.pointee
    at += 1
    if byte == UInt8(ascii: "."), allowsPoint, fraction == nil {
      fraction = 0
      continue
    }
    let digit = byte &- 48
    guard digit <= 9 else { return .malformed }
    digits += 1
    if let places = fraction { fraction = places + 1 }
    if digit == 0 {
      zeros += 1
      continue
    }
    isTooLarge = isTooLarge || !scaleUp(&magnitude, by: zeros + 1)
    zeros = 0
    if !isTooLarge { magnitude += UInt128(digit) }
  }
  guard digits > 0 else { return .malformed }
  guard magnitude > 0 || isTooLarge else {
    value = 0
    return .none
  }
  // Places that the number must be moved by.
  let shift = scale - (fraction ?? 0) + zeros
  if isTooLarge || shift < 0 { return .outOfRange }
  guard scaleUp(&magnitude, by: shift), magnitude < powersOfTen128(precision) else { return .outOfRange }
  value = isNegative ? -Int128(magnitude) : Int128(magnitude)
  return .none
}

/// False when the result is more than 38 digits.
private func scaleUp(_ value: inout UInt128, by places: Int) -> Bool {
  if value == 0 { return true }
  guard places <= 38, value < powersOfTen128(38 - places) else { return false }
  value *= powersOfTen128(places)
  return true
}

/// 10 to the power of 0...38.
func powersOfTen128(_ exponent: Int) -> UInt128 {
  var power: UInt128 = 1
  for _ in 0..<exponent { power *= 10 }
  return power
}

extension ByteWriter {
  /// An unscaled decimal with its point; zeros before it where the scale is negative.
  func appendDecimal(_ value: Int128, scale: Int) {
    var digits = Array(String(value.magnitude).utf8)
    if scale < 0, value != 0 { digits += [UInt8](repeating: 48, count: -scale) }
    if value < 0 { append(byte: UInt8(ascii: "-")) }
    if scale > 0, digits.count <= scale {
      digits = [UInt8](repeating: 48, count: scale + 1 - digits.count) + digits
    }
    for (index, digit) in digits.enumerated() {
      if scale > 0, index == digits.count - scale { append(byte: UInt8(ascii: ".")) }
      append(byte: digit)
    }
  }

  /// The bytes that base 64 with padding stands for (RFC 4648, section 4); false when the text is none.
  func appendDecodedBase64(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard count % 4 == 0 else { return false }
    var index = 0
    while index < count {
      let isLast = index + 4 == count
      let padding = isLast && text[index + 3] == UInt8(ascii: "=") ? (text[index + 2] == UInt8(ascii: "=") ? 2 : 1) : 0
      var word: UInt32 = 0
      for place in 0..<4 {
        let digit = place < 4 - padding ? base64Digit(text[index + place]) : 0
        guard let digit else { return false }
        word = word << 6 | digit
      }
      // The bits that padding leaves over are 0, so that a value has one text.
      if padding > 0, word & (padding == 1 ? 0xFF : 0xFFFF) != 0 { return false }
      append(byte: UInt8(truncatingIfNeeded: word >> 16))
      if padding < 2 { append(byte: UInt8(truncatingIfNeeded: word >> 8)) }
      if padding < 1 { append(byte: UInt8(truncatingIfNeeded: word)) }
      index += 4
    }
    return true
  }
}

private func base64Digit(_ byte: UInt8) -> UInt32? {
  switch byte {
  case 65...90: UInt32(byte - 65)
  case 97...122: UInt32(byte - 71)
  case 48...57: UInt32(byte + 4)
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}
