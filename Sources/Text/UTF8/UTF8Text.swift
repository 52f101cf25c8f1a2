/// Functions over UTF-8 text. A character is a Unicode scalar, as in pyarrow's `utf8_*` functions; lengths and places are
/// in characters where they say so, else in bytes.
public enum UTF8Text {}

extension UTF8Text {
  /// Bytes of the character that begins with `lead`; 1 for a byte that begins none.
  @inline(__always)  // A shift of a constant.
  static func width(_ lead: UInt8) -> Int {
    lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
  }

  /// The scalar that begins at `offset` and its bytes; U+FFFD and 1 where none does.
  @inline(__always)  // The first line is the whole work for ASCII.
  static func decode(_ text: TextBytes, at offset: Int) -> (scalar: UInt32, width: Int) {
    let lead = text[offset]
    if lead < 0x80 { return (UInt32(lead), 1) }
    return decodeLong(text, at: offset)
  }

  private static func decodeLong(_ text: TextBytes, at offset: Int) -> (scalar: UInt32, width: Int) {
    let lead = text[offset]
    let width = width(lead)
    guard width > 1, lead < 0xF5, offset &+ width <= text.count else { return (0xFFFD, 1) }
    var scalar = UInt32(lead) & (0x7F &>> UInt32(width))
    for index in 1..<width {
      let byte = text[offset &+ index]
      guard byte & 0xC0 == 0x80 else { return (0xFFFD, 1) }
      scalar = scalar &<< 6 | UInt32(byte & 0x3F)
    }
    return (scalar, width)
  }

  /// Writes a scalar's one to four bytes and returns how many; what is no scalar becomes U+FFFD.
  static func encode(_ scalar: UInt32, to target: UnsafeMutablePointer<UInt8>) -> Int {
    if scalar < 0x80 {
      target[0] = UInt8(truncatingIfNeeded: scalar)
      return 1
    }
    if scalar < 0x800 {
      target[0] = UInt8(truncatingIfNeeded: 0xC0 | scalar &>> 6)
      target[1] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
      return 2
    }
    if scalar < 0x1_0000 {
      let scalar = scalar & 0xF800 == 0xD800 ? 0xFFFD : scalar
      target[0] = UInt8(truncatingIfNeeded: 0xE0 | scalar &>> 12)
      target[1] = UInt8(truncatingIfNeeded: 0x80 | (scalar &>> 6) & 0x3F)
      target[2] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
      return 3
    }
    guard scalar <= 0x10_FFFF else { return encode(0xFFFD, to: target) }
    target[0] = UInt8(truncatingIfNeeded: 0xF0 | scalar &>> 18)
    target[1] = UInt8(truncatingIfNeeded: 0x80 | (scalar &>> 12) & 0x3F)
    target[2] = UInt8(truncatingIfNeeded: 0x80 | (scalar &>> 6) & 0x3F)
    target[3] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
    return 4
  }
}
