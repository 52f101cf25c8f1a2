import Glibc
import Text

/// Decimals as the nearest floats.
enum DecimalFloats {
  /// `value` / 10^`scale`, correctly rounded.
  static func double(_ value: Int128, scale: Int) -> Double {
    // One rounding of two exact numbers (W. D. Clinger, "How to read floating point numbers accurately", 1990).
    if value.magnitude <= 1 << 53, scale >= 0, scale <= 22 {
      return Double(Int64(truncatingIfNeeded: value)) / doublePowers[scale]
    }
    return withText(value, scale: scale) { text, _ in strtod(characters(text), nil) }
  }

  /// As `double`; rounded once, too.
  static func float(_ value: Int128, scale: Int) -> Float {
    if value.magnitude <= 1 << 24, scale >= 0, scale <= 10 {
      return Float(Int64(truncatingIfNeeded: value)) / floatPowers[scale]
    }
    return withText(value, scale: scale) { text, _ in strtof(characters(text), nil) }
  }

  /// As `double`; rounded once, too.
  static func half(_ value: Int128, scale: Int) -> Float16 {
    let double = double(value, scale: scale)
    guard double.mayBeBetweenFloat16s else { return Float16(double) }
    return withText(value, scale: scale) { Float16(nearest: double, to: TextBytes(start: $0, count: $1)) }
  }

  /// The powers that a double holds exactly.
  private static let doublePowers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]
  private static let floatPowers: [Float] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]

  private static func characters(_ text: UnsafePointer<UInt8>) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self)
  }

  /// Digits and exponent, a 0 behind them for the C library, without a point: no locale changes what they mean.
  private static func withText<Result>(
    _ value: Int128, scale: Int, _ body: (_ text: UnsafePointer<UInt8>, _ count: Int) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { text in
      guard let start = text.baseAddress else { preconditionFailure("an allocation has an address") }
      var end = DecimalText.write(value, scale: 0, to: start)
      text[end] = UInt8(ascii: "e")
      end += 1
      end += NumberText.write(Int64(-scale), to: start + end)
      text[end] = 0
      return body(start, end)
    }
  }
}
