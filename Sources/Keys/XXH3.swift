/// The hash XXH3 with 64 bits and seed 0. Its results are on disks and on the wire: they never change.
/// Source: https://github.com/Cyan4973/xxHash/blob/v0.8.3/doc/xxhash_spec.md, section "XXH3 Algorithm Description".
public enum XXH3 {
  @usableFromInline static let prime32x1: UInt64 = 0x9E37_79B1
  static let prime32x2: UInt64 = 0x85EB_CA77
  static let prime32x3: UInt64 = 0xC2B2_AE3D
  static let prime64x1: UInt64 = 0x9E37_79B1_85EB_CA87
  @usableFromInline static let prime64x2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  @usableFromInline static let prime64x3: UInt64 = 0x1656_67B1_9E37_79F9
  static let prime64x4: UInt64 = 0x85EB_CA77_C2B2_AE63
  static let prime64x5: UInt64 = 0x27D4_EB2F_1656_67C5

  /// The hash of `count` bytes.
  public static func hash64(_ bytes: UnsafeRawPointer, count: Int) -> UInt64 {
    if count <= 16 { return upTo16(bytes, count) }
    if count <= 128 { return upTo128(bytes, count) }
    if count <= 240 { return upTo240(bytes, count) }
    return long(bytes, count)
  }

  public static func hash64(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    guard let address = bytes.baseAddress else { return ofNothing }
    return hash64(address, count: bytes.count)
  }

  public static func hash64(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { hash64($0) } }

  /// The hash of the value's 8 bytes, least significant first.
  @inlinable
  public static func hash64(_ value: UInt64) -> UInt64 {
    mixedFor4To8(((value << 32) | (value >> 32)) ^ 0xC73A_B174_C5EC_D5A2, 8)
  }

  /// The hash of the value's 4 bytes, least significant first.
  @inlinable
  public static func hash64(_ value: UInt32) -> UInt64 {
    mixedFor4To8((UInt64(value) | (UInt64(value) << 32)) ^ 0xC73A_B174_C5EC_D5A2, 4)
  }

  /// The hash of one byte.
  @inlinable
  public static func hash64(_ value: UInt8) -> UInt64 {
    let byte = UInt64(value)
    return avalancheXXH64(((byte << 16) | (byte << 24) | byte | (1 << 8)) ^ 0x8727_5A9B)
  }

  static let ofNothing = avalancheXXH64(read(secret, 56) ^ read(secret, 64))

  /// The last steps for 4 to 8 bytes; `keyed` has been combined with the secret.
  @inlinable
  static func mixedFor4To8(_ keyed: UInt64, _ count: UInt64) -> UInt64 {
    var hash = keyed ^ ((keyed << 49) | (keyed >> 15)) ^ ((keyed << 24) | (keyed >> 40))
    hash = hash &* 0x9FB2_1C65_1E98_DF25
    hash ^= (hash >> 35) &+ count
    hash = hash &* 0x9FB2_1C65_1E98_DF25
    return hash ^ (hash >> 28)
  }

  @inlinable
  static func avalancheXXH64(_ value: UInt64) -> UInt64 {
    var hash = value ^ (value >> 33)
    hash = hash &* prime64x2
    hash ^= hash >> 29
    hash = hash &* prime64x3
    return hash ^ (hash >> 32)
  }

  private static func upTo16(_ bytes: UnsafeRawPointer, _ count: Int) -> UInt64 {
    let length = UInt64(count)
    if count > 8 {
      let low = read(bytes, 0) ^ (read(secret, 24) ^ read(secret, 32))
      let high = read(bytes, count - 8) ^ (read(secret, 40) ^ read(secret, 48))
      return avalanche(length &+ low.byteSwapped &+ high &+ foldedProduct(low, high))
    }
    if count >= 4 {
      let first = UInt64(read32(bytes, 0))
      let last = UInt64(read32(bytes, count - 4))
      return mixedFor4To8((last &+ (first << 32)) ^ (read(secret, 8) ^ read(secret, 16)), length)
    }
    if count > 0 {
      let first = UInt64(bytes.load(as: UInt8.self))
      let middle = UInt64(bytes.load(fromByteOffset: count >> 1, as: UInt8.self))
      let last = UInt64(bytes.load(fromByteOffset: count - 1, as: UInt8.self))
      let combined = (first << 16) | (middle << 24) | last | (length << 8)
      return avalancheXXH64(combined ^ UInt64(read32(secret, 0) ^ read32(secret, 4)))
    }
    return ofNothing
  }

  private static func upTo128(_ bytes: UnsafeRawPointer, _ count: Int) -> UInt64 {
    var sum = UInt64(count) &* prime64x1
    if count > 32 {
      if count > 64 {
        if count > 96 {
          sum = sum &+ mix16(bytes + 48, secret + 96) &+ mix16(bytes + (count - 64), secret + 112)
        }
        sum = sum &+ mix16(bytes + 32, secret + 64) &+ mix16(bytes + (count - 48), secret + 80)
      }
      sum = sum &+ mix16(bytes + 16, secret + 32) &+ mix16(bytes + (count - 32), secret + 48)
    }
    return avalanche(sum &+ mix16(bytes, secret) &+ mix16(bytes + (count - 16), secret + 16))
  }

  private static func upTo240(_ bytes: UnsafeRawPointer, _ count: Int) -> UInt64 {
    let secret = self.secret
    var sum = UInt64(count) &* prime64x1
    for step in 0..<8 { sum = sum &+ mix16(bytes + 16 * step, secret + 16 * step) }
    sum = avalanche(sum)
    for step in 8..<(count / 16) { sum = sum &+ mix16(bytes + 16 * step, secret + (16 * (step - 8) + 3)) }
    return avalanche(sum &+ mix16(bytes + (count - 16), secret + (136 - 17)))
  }
}
