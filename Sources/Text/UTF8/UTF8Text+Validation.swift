import CPlatform

extension UTF8Text {
  /// The place of the first byte that is not part of valid UTF-8 (Unicode 15, table 3-7), or nil: no overlong forms, no
  /// surrogates, nothing above U+10FFFF, no character that is cut.
  public static func firstInvalidByte(_ text: TextBytes) -> Int? {
    guard let base = text.baseAddress else { return nil }
    var index = 0
    while index < text.count {
      if index &+ 16 <= text.count {
        let high = platform_high_bytes16(base + index)
        if high == 0 {
          index &+= 16
          continue
        }
        index &+= high.trailingZeroBitCount
      }
      let lead = base[index]
      if lead < 0x80 {
        index &+= 1
        continue
      }
      let width = characterWidth(text, at: index, lead)
      if width == 0 { return index }
      index &+= width
    }
    return nil
  }

  /// Bytes of the character of more than one byte at `index`, or 0.
  private static func characterWidth(_ text: TextBytes, at index: Int, _ lead: UInt8) -> Int {
    // What the second byte may be, which depends on the first.
    let (width, low, high): (Int, UInt8, UInt8) =
      switch lead {
      case 0xC2...0xDF: (2, 0x80, 0xBF)
      case 0xE0: (3, 0xA0, 0xBF)
      case 0xED: (3, 0x80, 0x9F)
      case 0xE1...0xEF: (3, 0x80, 0xBF)
      case 0xF0: (4, 0x90, 0xBF)
      case 0xF1...0xF3: (4, 0x80, 0xBF)
      case 0xF4: (4, 0x80, 0x8F)
      default: (0, 0, 0)
      }
    guard width > 0, index &+ width <= text.count, text[index &+ 1] >= low, text[index &+ 1] <= high else { return 0 }
    for place in 2..<max(width, 2) where text[index &+ place] & 0xC0 != 0x80 { return 0 }
    return width
  }
}
