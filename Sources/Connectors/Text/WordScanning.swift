/// Eight bytes at a time in one register.
/// Source: Anderson, "Bit Twiddling Hacks", "Determine if a word has a zero byte".
enum WordScanning {
  static let lows: UInt64 = 0x0101_0101_0101_0101
  static let highs: UInt64 = 0x8080_8080_8080_8080

  /// The byte in all eight places.
  @inline(__always)
  static func pattern(_ byte: UInt8) -> UInt64 { lows &* UInt64(byte) }

  @inline(__always)
  static func load(_ at: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt64.self))
  }

  /// Non-zero when the word has a zero byte; its lowest set bit is the top bit of the first one. Higher bits may be wrong.
  @inline(__always)
  static func zeroBytes(_ word: UInt64) -> UInt64 { (word &- lows) & ~word & highs }

  /// Non-zero when the word has a byte below 0x20; the lowest set bit is right.
  @inline(__always)
  static func controlBytes(_ word: UInt64) -> UInt64 { (word &- pattern(0x20)) & ~word & highs }

  /// The index of the byte whose top bit is the lowest set one.
  @inline(__always)
  static func firstByte(_ mask: UInt64) -> Int { mask.trailingZeroBitCount >> 3 }
}
