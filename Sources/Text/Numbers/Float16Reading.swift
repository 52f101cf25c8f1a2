extension Double {
  /// Whether the value may be the middle between two neighbouring float16s: those have 12 bits at most.
  public var mayBeBetweenFloat16s: Bool { significandBitPattern & (1 << 41 - 1) == 0 }
}

extension Float16 {
  /// The float16 nearest to a decimal number, ties to even: rounded once, though the number is known as a double.
  /// Infinite from 65520 on.
  ///
  /// - Parameters:
  ///   - text: a sign or none, digits with or without a point among them, an exponent or none.
  ///   - double: the double nearest to the same number.
  public init(nearest double: Double, to text: TextBytes) {
    self = Float16(double)
    guard double.isFinite, double.mayBeBetweenFloat16s else { return }
    let magnitude = double.magnitude
    var lower = Float16(magnitude)
    if Double(lower) > magnitude { lower = lower.nextDown }
    let isLargest = lower == .greatestFiniteMagnitude
    let middle = isLargest ? 65_520 : (Double(lower) + Double(lower.nextUp)) / 2
    // Only there a double hides on which side of the middle the number is.
    guard magnitude == middle, let side = side(of: text, middle: middle), side != 0 else { return }
    let result = side < 0 ? lower : lower.nextUp
    self = double < 0 ? -result : result
  }
}

/// Whether a number is below (-1), at (0) or above (1) a middle of two float16s that differs from it by less than a
/// half; the number's sign does not count. Nil for what is no decimal number.
private func side(of text: TextBytes, middle: Double) -> Int? {
  // Middles are multiples of 2^-25, so that 25 decimals hold them: at most 100 bits.
  let places = 25
  var wanted = UInt128(middle * 33_554_432)
  for _ in 0..<places { wanted *= 5 }
  guard let exponent = exponent(of: text) else { return nil }
  let digits = text.prefix { $0 | 0x20 != UInt8(ascii: "e") }
  // The place of the next digit: 0 for ones.
  var place = exponent - 1 + (digits.firstIndex(of: UInt8(ascii: ".")) ?? digits.count)
  if let first = digits.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") { place -= 1 }
  var found: UInt128 = 0
  for byte in digits {
    let digit = byte &- 48
    guard digit <= 9 else { continue }
    if place < -places {
      if digit > 0 { return found >= wanted ? 1 : -1 }
    } else if found > 0 || digit > 0 {
      found = found * 10 + UInt128(digit)
      // The double said that the number is near the middle.
      if found > wanted { return 1 }
    }
    place -= 1
  }
  // Zeros that the text leaves to its exponent.
  while found > 0, found <= wanted, place >= -places { (found, place) = (found * 10, place - 1) }
  return found < wanted ? -1 : found > wanted ? 1 : 0
}

/// The number behind the "e" of a decimal number, 0 without one; nil when it is far out of any range.
private func exponent(of text: TextBytes) -> Int? {
  guard let start = text.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return 0 }
  return Int(String(decoding: text[(start + 1)...], as: UTF8.self))
}
