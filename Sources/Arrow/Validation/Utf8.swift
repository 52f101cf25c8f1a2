/// Whether bytes are UTF-8.
///
/// Source: RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
public enum Utf8 {
  /// Whether all of the bytes are UTF-8.
  public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool { firstInvalid(bytes) == nil }

  /// Whether no byte is above 127.
  public static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    var index = 0
    var high = SIMD4<UInt64>()
    while index &+ 32 <= bytes.count {
      high |= (base + index).loadUnaligned(as: SIMD4<UInt64>.self)
      index &+= 32
    }
    var rest = (high[0] | high[1] | high[2] | high[3]) & 0x8080_8080_8080_8080
    while index < bytes.count {
      rest |= UInt64((base + index).load(as: UInt8.self)) & 0x80
      index &+= 1
    }
    return rest == 0
  }

  /// The first byte of the first sequence that is not UTF-8; nil when all are. Text of ASCII goes 32 bytes at a time.
  public static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let count = bytes.count
    let text = base.assumingMemoryBound(to: UInt8.self)
    var index = 0
    while index < count {
      while index &+ 32 <= count {
        let block = (base + index).loadUnaligned(as: SIMD4<UInt64>.self)
        let high = block & 0x8080_8080_8080_8080
        if (high[0] | high[1] | high[2] | high[3]) != 0 { break }
        index &+= 32
      }
      guard index < count else { break }
      // A run of other text is decoded up to the next stretch where ASCII may be fast again.
      let stretch = min(count, index &+ 32)
      while index < stretch {
        let length = sequence(text + index, count &- index)
        if length == 0 { return index }
        index &+= length
      }
    }
    return nil
  }

  /// Whether a byte continues a sequence, so that no text begins with it.
  @inlinable
  public static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

  /// Bytes of the sequence that begins here, 0 when it is none.
  @inline(__always)  // Called once a character: the call alone would double the time of a two-byte one.
  private static func sequence(_ text: UnsafePointer<UInt8>, _ left: Int) -> Int {
    let lead = text[0]
    if lead < 0x80 { return 1 }
    if lead < 0xC2 { return 0 }
    if lead < 0xE0 { return left >= 2 && isContinuation(text[1]) ? 2 : 0 }
    if lead < 0xF0 {
      guard left >= 3, isContinuation(text[1]), isContinuation(text[2]) else { return 0 }
      if lead == 0xE0 && text[1] < 0xA0 || lead == 0xED && text[1] > 0x9F { return 0 }
      return 3
    }
    guard lead < 0xF5, left >= 4, isContinuation(text[1]), isContinuation(text[2]), isContinuation(text[3]) else {
      return 0
    }
    if lead == 0xF0 && text[1] < 0x90 || lead == 0xF4 && text[1] > 0x8F { return 0 }
    return 4
  }
}
