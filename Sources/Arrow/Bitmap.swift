/// Bits, least significant first, as Arrow keeps validity and booleans.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#validity-bitmaps
public enum Bitmap {
  /// Bytes that `count` bits need.
  @inlinable
  public static func byteCount(_ count: Int) -> Int { (count + 7) >> 3 }

  /// Bytes to allocate for `count` bits so that whole 64-bit words may be written.
  @inlinable
  public static func paddedByteCount(_ count: Int) -> Int { ((count + 63) >> 6) << 3 }

  @inlinable
  public static func get(_ bits: UnsafeRawPointer, _ index: Int) -> Bool {
    (bits.load(fromByteOffset: index >> 3, as: UInt8.self) >> UInt8(index & 7)) & 1 != 0
  }

  @inlinable
  public static func set(_ bits: UnsafeMutableRawPointer, _ index: Int, _ value: Bool) {
    let byte = bits.load(fromByteOffset: index >> 3, as: UInt8.self)
    let mask = UInt8(1) << UInt8(index & 7)
    bits.storeBytes(of: value ? byte | mask : byte & ~mask, toByteOffset: index >> 3, as: UInt8.self)
  }

  /// Up to 64 bits that start at bit `index`; bits from `count` on are 0. Reads no byte that holds none of them.
  ///
  /// - Parameter count: 1...64.
  @inlinable
  public static func word(_ bits: UnsafeRawPointer, _ index: Int, count: Int = 64) -> UInt64 {
    let first = index >> 3
    let shift = UInt64(index & 7)
    let bytes = (Int(shift) + count + 7) >> 3
    var word: UInt64
    if bytes >= 8 {
      word = UInt64(littleEndian: bits.loadUnaligned(fromByteOffset: first, as: UInt64.self)) >> shift
      if bytes > 8 { word |= UInt64(bits.load(fromByteOffset: first + 8, as: UInt8.self)) << (64 - shift) }
    } else {
      word = 0
      for byte in 0..<bytes {
        word |= UInt64(bits.load(fromByteOffset: first + byte, as: UInt8.self)) << UInt64(8 * byte)
      }
      word >>= shift
    }
    return count == 64 ? word : word & ((1 << UInt64(count)) - 1)
  }

  /// How many of `count` bits from bit `index` on are 1.
  public static func countOnes(_ bits: UnsafeRawPointer, _ index: Int, count: Int) -> Int {
    var ones = 0
    var done = 0
    while done < count {
      let step = min(64, count - done)
      ones += word(bits, index + done, count: step).nonzeroBitCount
      done += step
    }
    return ones
  }
}
