import Arrow
import VolleyPlan

/// How one column's values follow from the seed and the row's number, and from nothing else.
enum GeneratedColumn: Sendable {
  /// start + row × step, wrapping.
  case sequence(start: Int64, step: Int64)
  case doubleSequence(start: Double, step: Double)
  /// Integers from `minimum` on, `span` of them; 0 stands for all 2^64.
  case uniform(minimum: Int64, span: UInt64)
  /// In minimum ..< minimum + width.
  case doubleUniform(minimum: Double, width: Double)
  case coin
  case integerChoice([Int64])
  case doubleChoice([Double])
  case boolChoice([Bool])
  case textChoice([[UInt8]])
  /// The prefix and start + row × step.
  case textSequence(prefix: [UInt8], start: Int64, step: Int64)
  /// The prefix and a number as of `uniform`.
  case textUniform(prefix: [UInt8], minimum: Int64, span: UInt64)
}

/// 64 random bits for each row of a column: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014) at position `row`.
struct RowHash {
  private let key: UInt64

  /// The column's name is part of the key, so that its values do not depend on which other columns there are.
  init(seed: UInt64, column: String) {
    // FNV-1a.
    var name: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in column.utf8 { name = (name ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    key = Self.mix(seed &+ Self.mix(name))
  }

  @inline(__always)
  subscript(row: Int64) -> UInt64 { Self.mix(key &+ UInt64(bitPattern: row) &* 0x9E37_79B9_7F4A_7C15) }

  @inline(__always)
  private static func mix(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number below `span` (0 stands for 2^64), with a bias below span / 2^64.
  @inline(__always)
  func below(_ span: UInt64, _ row: Int64) -> UInt64 {
    span == 0 ? self[row] : self[row].multipliedFullWidth(by: span).high
  }

  /// In 0 ..< 1, of 53 bits.
  @inline(__always)
  func fraction(_ row: Int64) -> Double { Double(Int64(self[row] >> 11)) * 0x1p-53 }
}
