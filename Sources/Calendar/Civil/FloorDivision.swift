/// The quotient rounded down, and the remainder, which is not negative.
///
/// - Parameter divisor: positive.
@inline(__always)  // Part of loops over rows: called, it is 2 ns more.
public func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
  let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
  return remainder < 0 ? (quotient &- 1, remainder &+ divisor) : (quotient, remainder)
}

/// Division by one positive number, rounded down, as a multiplication: about 1 ns where the processor's division of 64
/// bits takes 6 to 20.
///
/// A negative value is divided as its complement, which is not negative and so below 2^63; there a multiplier of 64 bits
/// is exact for every divisor. Source: Granlund and Montgomery, "Division by Invariant Integers using Multiplication",
/// 1994, theorem 4.2 with N = 63.
public struct FloorDivisor: Sendable {
  /// Positive.
  public let divisor: Int64
  @usableFromInline let multiplier: UInt64
  @usableFromInline let shift: UInt64
  /// All ones for the divisor 1, which no multiplier of 64 bits stands for.
  @usableFromInline let identity: UInt64

  /// - Parameter divisor: positive.
  public init(_ divisor: Int64) {
    precondition(divisor > 0, "a divisor is positive, not \(divisor)")
    self.divisor = divisor
    guard divisor > 1 else {
      (multiplier, shift, identity) = (0, 0, .max)
      return
    }
    // 2^(shift+1) is the least power of two that is not below the divisor.
    let bits = 63 - (divisor - 1).leadingZeroBitCount
    // ceil(2^(64+bits) / divisor), which is at least 2^64 / 2 and below 2^64, as 2^bits < divisor.
    let unsigned = UInt64(divisor)
    let (quotient, remainder) = unsigned.dividingFullWidth((UInt64(1) << UInt64(bits), 0))
    multiplier = remainder == 0 ? quotient : quotient + 1
    shift = UInt64(bits)
    identity = 0
  }

  /// The quotient rounded down.
  @inlinable
  @inline(__always)  // Two of these a row are 1 ns in line and 4 as calls.
  public func quotient(_ value: Int64) -> Int64 {
    let sign = UInt64(bitPattern: value &>> 63)
    let magnitude = UInt64(bitPattern: value) ^ sign
    let product = magnitude.multipliedFullWidth(by: multiplier).high &>> shift
    return Int64(bitPattern: (product | magnitude & identity) ^ sign)
  }

  /// The quotient of a value that is not negative.
  @inlinable
  @inline(__always)  // As `quotient`.
  func quotient(ofNatural value: Int64) -> Int64 {
    let magnitude = UInt64(bitPattern: value)
    return Int64(bitPattern: magnitude.multipliedFullWidth(by: multiplier).high &>> shift | magnitude & identity)
  }

  /// The multiple of the divisor that is at or next below the value; wraps where that is below `Int64.min`.
  @inlinable
  @inline(__always)  // As `quotient`.
  public func floor(_ value: Int64) -> Int64 { quotient(value) &* divisor }

  /// The quotient rounded down, and the remainder, which is not negative.
  @inlinable
  @inline(__always)  // As `quotient`.
  public func divide(_ value: Int64) -> (quotient: Int64, remainder: Int64) {
    let quotient = quotient(value)
    return (quotient, value &- quotient &* divisor)
  }
}
