/// Values as integers that compare as they do, and back: what `QuantileSketch` keeps.
public enum OrderedKey {
  /// -infinity < … < -0.0 = 0.0 < … < infinity < NaN, and all NaNs are one, as `ORDER BY` has it.
  @inlinable
  public static func key(of value: Double) -> Int64 {
    if value != value { return Int64(bitPattern: Double.nan.bitPattern) }
    let bits = Int64(bitPattern: (value + 0.0).bitPattern)  // -0.0 + 0.0 is 0.0.
    return bits ^ Int64(bitPattern: UInt64(bitPattern: bits >> 63) >> 1)
  }

  @inlinable
  public static func double(_ key: Int64) -> Double {
    Double(bitPattern: UInt64(bitPattern: key ^ Int64(bitPattern: UInt64(bitPattern: key >> 63) >> 1)))
  }

  @inlinable
  public static func key(of value: UInt64) -> Int64 { Int64(bitPattern: value ^ (1 << 63)) }

  @inlinable
  public static func unsigned(_ key: Int64) -> UInt64 { UInt64(bitPattern: key) ^ (1 << 63) }
}
