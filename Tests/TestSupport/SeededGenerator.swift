/// A random generator whose seed a failing test prints: `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom
/// number generators", 2014).
public struct SeededGenerator: RandomNumberGenerator, CustomStringConvertible {
  public let seed: UInt64
  private var state: UInt64

  /// - Parameter seed: nil takes a random one; `VOLLEY_TEST_SEED` in the environment wins over that.
  public init(seed: UInt64? = nil) {
    let fixed = TestEnvironment.value("VOLLEY_TEST_SEED").flatMap { UInt64($0) }
    self.seed = seed ?? fixed ?? UInt64.random(in: 0 ... .max)
    state = self.seed
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  public var description: String { "VOLLEY_TEST_SEED=\(seed)" }
}
