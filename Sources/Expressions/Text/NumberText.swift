import Glibc
import Text

/// Numbers and booleans as text, without allocation but for float64s of more than 15 characters.
enum NumberText {
  /// Bytes of the longest Int64.
  static let integerWidth = 20
  /// Bytes of the longest shortest decimal of a float.
  static let doubleWidth = doubleBound

  /// An optional sign and digits; nil for anything else and for what does not fit.
  static func integer<Value: FixedWidthInteger>(_ text: UnsafeBufferPointer<UInt8>, as _: Value.Type) -> Value? {
    var index = 0
    var negative = false
    if let first = text.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      negative = first == UInt8(ascii: "-")
      index = 1
    }
    guard index < text.count else { return nil }
    var value: Value = 0
    while index < text.count {
      let digit = text[index] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      // Downwards for negative numbers, since the least one has no positive counterpart.
      let (next, carry) =
        negative
        ? scaled.subtractingReportingOverflow(Value(digit)) : scaled.addingReportingOverflow(Value(digit))
      guard !overflow && !carry else { return nil }
      value = next
      index &+= 1
    }
    return value
  }

  /// "true" or "1", "false" or "0", in upper or lower case.
  static func bool(_ text: UnsafeBufferPointer<UInt8>) -> Bool? {
    if text.count == 1 { return text[0] == UInt8(ascii: "1") ? true : text[0] == UInt8(ascii: "0") ? false : nil }
    if equalsIgnoringCase(text, "true") { return true }
    if equalsIgnoringCase(text, "false") { return false }
    return nil
  }

  /// A decimal number with an optional sign, fraction and exponent, rounded to the nearest float64, or "inf",
  /// "infinity", "nan" in upper or lower case with an optional sign. A number that is too large is infinite, as the
  /// nearest float is in every arithmetic. Nil for anything else.
  static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    guard let decimal = Decimal(text) else { return special(text) }
    if let value = decimal.exactly { return decimal.negative ? -value : value }
    // More digits or a larger exponent than two exact doubles give: the C library rounds it.
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { copy in
      for index in 0..<text.count { copy[index] = CChar(bitPattern: text[index]) }
      copy[text.count] = 0
      guard let start = copy.baseAddress else { return nil }
      return strtod(start, nil)
    }
  }

  /// As `double`, rounded once to the nearest float32.
  static func float(_ text: UnsafeBufferPointer<UInt8>) -> Float? {
    guard Decimal(text) != nil else { return special(text).map { Float($0) } }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { copy in
      for index in 0..<text.count { copy[index] = CChar(bitPattern: text[index]) }
      copy[text.count] = 0
      guard let start = copy.baseAddress else { return nil }
      return strtof(start, nil)
    }
  }

  /// As `double`, rounded once to the nearest float16.
  static func half(_ text: UnsafeBufferPointer<UInt8>) -> Float16? {
    guard let double = double(text) else { return nil }
    return double.isFinite ? Float16(nearest: double, to: text) : Float16(double)
  }

  private static func special(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    guard let first = text.first else { return nil }
    let negative = first == UInt8(ascii: "-")
    let signed = negative || first == UInt8(ascii: "+")
    let name = UnsafeBufferPointer(rebasing: text.dropFirst(signed ? 1 : 0))
    if equalsIgnoringCase(name, "nan") { return .nan }
    guard equalsIgnoringCase(name, "inf") || equalsIgnoringCase(name, "infinity") else { return nil }
    return negative ? -.infinity : .infinity
  }

  private static func equalsIgnoringCase(_ text: UnsafeBufferPointer<UInt8>, _ name: StaticString) -> Bool {
    guard text.count == name.utf8CodeUnitCount else { return false }
    for index in 0..<text.count where text[index] | 0x20 != name.utf8Start[index] { return false }
    return true
  }

  /// Returns the number of bytes written, at most `integerWidth`.
  @inline(__always)  // Part of the loop over the rows.
  static func write<Value: FixedWidthInteger>(_ value: Value, to target: UnsafeMutablePointer<UInt8>) -> Int {
    let magnitude = UInt64(truncatingIfNeeded: value.magnitude)
    let sign = value < 0 ? 1 : 0
    if sign == 1 { target[0] = UInt8(ascii: "-") }
    let count = digitCount(magnitude)
    writeDigits(magnitude, count: count, to: target + sign)
    return sign &+ count
  }

  /// The shortest decimal that reads back as the same value, spelled as files have it, but "nan", "inf" and "-inf".
  static func write(_ value: Double, to target: UnsafeMutablePointer<UInt8>) -> Int {
    value.isFinite ? writeDouble(value, to: target) - target : writeSpecial(value, to: target)
  }

  static func write(_ value: Float, to target: UnsafeMutablePointer<UInt8>) -> Int {
    value.isFinite ? writeFloat(value, to: target) - target : writeSpecial(Double(value), to: target)
  }

  static func write(_ value: Float16, to target: UnsafeMutablePointer<UInt8>) -> Int {
    value.isFinite ? writeFloat(value, to: target) - target : writeSpecial(Double(value), to: target)
  }

  private static func writeSpecial(_ value: Double, to target: UnsafeMutablePointer<UInt8>) -> Int {
    write(value.isNaN ? "nan" : value < 0 ? "-inf" : "inf", to: target)
  }

  static func write(_ text: StaticString, to target: UnsafeMutablePointer<UInt8>) -> Int {
    writeWord(text, to: target) - target
  }
}

/// A decimal number's digits and exponent.
private struct Decimal {
  var negative = false
  /// The first 19 significant digits.
  var digits: UInt64 = 0
  /// Whether there are more.
  var truncated = false
  /// The number is `digits` * 10^`exponent`, if not truncated.
  var exponent = 0

  /// Nil when the text is no decimal number.
  init?(_ text: UnsafeBufferPointer<UInt8>) {
    var index = 0
    if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
      negative = text[index] == UInt8(ascii: "-")
      index = 1
    }
    var digitCount = 0
    while index < text.count, take(text[index]) {
      digitCount &+= 1
      index &+= 1
    }
    if index < text.count, text[index] == UInt8(ascii: ".") {
      index &+= 1
      while index < text.count, take(text[index]) {
        exponent &-= 1
        digitCount &+= 1
        index &+= 1
      }
    }
    guard digitCount > 0 else { return nil }
    guard index < text.count else { return }
    guard text[index] | 0x20 == UInt8(ascii: "e") else { return nil }
    let power = UnsafeBufferPointer(rebasing: text[(index + 1)...])
    guard let first = power.first else { return nil }
    let signed = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
    guard power.count > (signed ? 1 : 0) else { return nil }
    for digit in power.dropFirst(signed ? 1 : 0) where digit &- UInt8(ascii: "0") > 9 { return nil }
    // An exponent of more digits than an Int32 holds is far outside; strtod tells 0 from too large.
    guard let given = NumberText.integer(power, as: Int32.self) else {
      truncated = true
      return
    }
    exponent += Int(given)
  }

  /// Takes a digit, if it is one.
  private mutating func take(_ byte: UInt8) -> Bool {
    let digit = byte &- UInt8(ascii: "0")
    guard digit < 10 else { return false }
    if digits >= 1_000_000_000_000_000_000 {
      truncated = true
    } else {
      digits = digits &* 10 &+ UInt64(digit)
    }
    return true
  }

  /// The value when one correctly rounded operation on two exact doubles gives it (W. D. Clinger, "How to read floating
  /// point numbers accurately", 1990).
  var exactly: Double? {
    guard !truncated, digits <= 1 << 53, exponent >= -22, exponent <= 22 else { return nil }
    let value = Double(digits)
    return exponent < 0 ? value / Self.powers[-exponent] : value * Self.powers[exponent]
  }

  /// The powers of ten that a double holds exactly.
  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21,
    1e22,
  ]
}
