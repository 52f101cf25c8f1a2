import Keys

/// What a table compares of a key of bytes, in two words: of a short key its length and all its bytes, of a longer one its length, its
/// hash and its first four bytes.
struct KeyHead {
  /// Bytes 0 to 8, zero behind a shorter key; the hash of a longer one.
  var low: UInt64
  /// Bytes 8 to 12, or the first four of a longer key, and above them the length.
  var high: UInt64

  /// Bytes of a short key, all of which the head holds.
  static let byteCount = 12
  static let none = KeyHead(low: 0, high: 0)

  private init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// - Parameter end: the end of the memory that may be read, which is behind the key.
  @inline(__always)  // The loop over it does little else.
  init(_ key: UnsafeRawPointer, _ length: Int, _ end: UnsafeRawPointer) {
    if length > Self.byteCount {
      self = Self.long(key, length)
      return
    }
    var words = (UInt64(0), UInt64(0))
    if key + 16 <= end {
      words.0 = UInt64(littleEndian: key.loadUnaligned(as: UInt64.self))
      words.1 = UInt64(littleEndian: key.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    } else {
      words = Self.slowly(key, length)
    }
    let lowMask: UInt64 = length >= 8 ? .max : (1 &<< UInt64(truncatingIfNeeded: 8 &* length)) &- 1
    let rest = length &- 8
    let highMask: UInt64 =
      rest >= 4 ? 0xFFFF_FFFF : rest <= 0 ? 0 : (1 &<< UInt64(truncatingIfNeeded: 8 &* rest)) &- 1
    low = words.0 & lowMask
    high = words.1 & highMask | UInt64(truncatingIfNeeded: length) &<< 32
  }

  private static func long(_ key: UnsafeRawPointer, _ length: Int) -> KeyHead {
    let first = UInt64(UInt32(littleEndian: key.loadUnaligned(as: UInt32.self)))
    return KeyHead(
      low: XXH3.hash64(key, count: length), high: first | UInt64(truncatingIfNeeded: length) &<< 32)
  }

  /// Near the end of the memory.
  @inline(never)
  private static func slowly(_ key: UnsafeRawPointer, _ length: Int) -> (UInt64, UInt64) {
    var words = (UInt64(0), UInt64(0))
    withUnsafeMutableBytes(of: &words) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: key, count: length))
    }
    return (UInt64(littleEndian: words.0), UInt64(littleEndian: words.1))
  }

  @inline(__always)  // As above.
  var length: Int { Int(truncatingIfNeeded: high &>> 32) }

  @inline(__always)  // As above.
  var isLong: Bool { length > Self.byteCount }

  /// A hash whose top bits choose the place: of a short key both words folded by a multiplication of 128 bits.
  @inline(__always)  // As above.
  var hash: UInt64 {
    if isLong { return low }
    let product = (low ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: high ^ 0xD6E8_FEB8_6659_FD93)
    return (product.high ^ product.low) &* 0x9FB2_1C65_1E98_DF25
  }

  @inline(__always)  // As above.
  func isEqual(to other: KeyHead) -> Bool { (low ^ other.low) | (high ^ other.high) == 0 }

  /// Writes the bytes of a short key; sixteen bytes may be written.
  @inline(__always)  // Two stores in a loop over keys.
  func write(to target: UnsafeMutableRawPointer) {
    target.storeBytes(of: low.littleEndian, as: UInt64.self)
    target.storeBytes(of: (high & 0xFFFF_FFFF).littleEndian, toByteOffset: 8, as: UInt64.self)
  }
}
