/// The random numbers of one event, which depend on the seed and the event's number only: whoever makes the event makes it
/// the same.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014 (SplitMix64).
struct EventRandom {
  private var state: UInt64

  /// - Parameter stream: what is to be made, an event's number or one of `Stream`.
  init(seed: UInt64, stream: UInt64) {
    state = Self.mixed(Self.mixed(seed &+ 0x9E37_79B9_7F4A_7C15) &+ stream &* 0xD1B5_4A32_D192_ED03)
  }

  /// Numbers that belong to no event; no event's number is as large.
  enum Stream {
    static let padding = UInt64.max
    static let channels = UInt64.max - 1
    /// Of a group of shuffled events.
    static func group(_ number: Int64) -> UInt64 { 1 << 63 | UInt64(number) }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(state)
  }

  /// A number of `0 ..< bound`; each is as likely as the others to within bound / 2^64.
  mutating func below(_ bound: Int64) -> Int64 {
    Int64(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// True in `bound - 1` of `bound` cases.
  mutating func isHot(_ bound: Int64) -> Bool { below(bound) > 0 }

  /// A number of `0 ..< 1`, a multiple of 2^-53.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
