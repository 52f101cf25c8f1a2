/// The first 128 bits of 10 to the power of -342 ... 324, which reading and writing floats multiply with.
///
/// 11 kB, computed from exact integers when first used, in well under a millisecond.
public enum PowersOfTen {
  /// The exponents of the table's ends.
  public static let smallest = -342
  public static let largest = 324

  /// The leading 128 bits of a power, rounded down; the first one is 1.
  @frozen public struct Entry: Sendable {
    public var high: UInt64
    public var low: UInt64

    @inlinable init(high: UInt64, low: UInt64) {
      self.high = high
      self.low = low
    }

    /// The same, rounded up: right for a power whose bits do not end here.
    @inlinable
    @inline(__always)  // An addition.
    public var next: Entry {
      let (sum, carry) = low.addingReportingOverflow(1)
      return Entry(high: carry ? high &+ 1 : high, low: sum)
    }
  }

  // Written once, by its initialiser.
  @usableFromInline nonisolated(unsafe) static let entries = UnsafePointer(makeEntries())

  /// The power 10^`exponent`, rounded down; `exponent` from `smallest` to `largest`.
  @inlinable
  @inline(__always)  // A load.
  public static func entry(_ exponent: Int) -> Entry { entries[exponent + 342] }

  /// 10^0 ... 10^22: all that a double holds exactly.
  nonisolated(unsafe) public static let exact: UnsafePointer<Double> = {
    let powers = UnsafeMutablePointer<Double>.allocate(capacity: 23)
    var power = 1.0
    for exponent in 0...22 {
      powers[exponent] = power
      power *= 10
    }
    return UnsafePointer(powers)
  }()

  private static func makeEntries() -> UnsafeMutablePointer<Entry> {
    let entries = UnsafeMutablePointer<Entry>.allocate(capacity: largest - smallest + 1)
    // 10^n and 5^n have the same leading bits.
    var power = WideInteger(one: 0)
    for exponent in 0...largest {
      entries[exponent - smallest] = power.leadingBits
      power.multiply(by: 5)
    }
    // floor(floor(x / 5) / 5) = floor(x / 25), so each quotient is exact; 2^1216 / 5^342 has more than 400 bits.
    var quotient = WideInteger(one: 1216)
    for exponent in stride(from: -1, through: smallest, by: -1) {
      quotient.divide(by: 5)
      entries[exponent - smallest] = quotient.leadingBits
    }
    return entries
  }
}

/// An unsigned integer of any size; least significant word first, no leading zero words.
private struct WideInteger {
  private var words: [UInt64]

  /// 2^`bit`.
  init(one bit: Int) {
    words = [UInt64](repeating: 0, count: bit / 64) + [1 << UInt64(bit % 64)]
  }

  mutating func multiply(by factor: UInt64) {
    var carry: UInt64 = 0
    for index in words.indices {
      let product = words[index].multipliedFullWidth(by: factor)
      let (sum, overflow) = product.low.addingReportingOverflow(carry)
      words[index] = sum
      carry = product.high + (overflow ? 1 : 0)
    }
    if carry > 0 { words.append(carry) }
  }

  mutating func divide(by divisor: UInt64) {
    var remainder: UInt64 = 0
    for index in words.indices.reversed() {
      (words[index], remainder) = divisor.dividingFullWidth((remainder, words[index]))
    }
    while words.count > 1, words.last == 0 { words.removeLast() }
  }

  var leadingBits: PowersOfTen.Entry {
    let count = words.count
    let top = words[count - 1]
    let second = count > 1 ? words[count - 2] : 0
    let third = count > 2 ? words[count - 3] : 0
    let shift = UInt64(top.leadingZeroBitCount)
    if shift == 0 { return PowersOfTen.Entry(high: top, low: second) }
    return PowersOfTen.Entry(
      high: top << shift | second >> (64 - shift), low: second << shift | third >> (64 - shift))
  }
}
