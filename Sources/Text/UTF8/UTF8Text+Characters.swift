import CPlatform

extension UTF8Text {
  /// How many characters the text has.
  public static func characterCount(_ text: TextBytes) -> Int {
    guard let base = text.baseAddress else { return 0 }
    var count = 0
    var index = 0
    while index &+ 16 <= text.count {
      count &+= platform_character_starts16(base + index).nonzeroBitCount
      index &+= 16
    }
    while index < text.count {
      count &+= base[index] & 0xC0 == 0x80 ? 0 : 1
      index &+= 1
    }
    return count
  }

  /// Whether all bytes are below 0x80, so that characters are bytes.
  public static func isASCII(_ text: TextBytes) -> Bool {
    guard let base = text.baseAddress else { return true }
    var index = 0
    while index &+ 16 <= text.count {
      if platform_high_bytes16(base + index) != 0 { return false }
      index &+= 16
    }
    var seen: UInt8 = 0
    while index < text.count {
      seen |= base[index]
      index &+= 1
    }
    return seen < 0x80
  }

  /// Where the character begins that is `characters` after the one at byte `start`; `text.count` when there are not so many.
  public static func offset(in text: TextBytes, from start: Int = 0, forward characters: Int) -> Int {
    guard let base = text.baseAddress, characters > 0 else { return start }
    // `left` starts are still to pass; the one at `start` is passed first.
    var left = characters
    var index = start
    while index &+ 16 <= text.count, left >= 16 {
      left &-= platform_character_starts16(base + index).nonzeroBitCount
      index &+= 16
    }
    while index < text.count {
      if base[index] & 0xC0 != 0x80 {
        if left == 0 { return index }
        left &-= 1
      }
      index &+= 1
    }
    return text.count
  }

  /// Where the character begins that is `characters` before byte `end`, or nil when there are not so many.
  public static func offset(in text: TextBytes, before end: Int, back characters: Int) -> Int? {
    var left = characters
    var index = end
    while left > 0 {
      guard index > 0 else { return nil }
      index &-= 1
      if text[index] & 0xC0 != 0x80 { left &-= 1 }
    }
    return index
  }

  /// The bytes of the characters from place `start` to before place `stop`, nil for the end; negative places count from the
  /// end, places outside are the nearest ones. pyarrow's `utf8_slice_codeunits`.
  public static func slice(_ text: TextBytes, from start: Int, to stop: Int?) -> Range<Int> {
    let first = place(text, start)
    guard let stop else { return first..<text.count }
    if start >= 0, stop >= 0 {
      guard stop > start else { return first..<first }
      return first..<offset(in: text, from: first, forward: stop &- start)
    }
    return first..<max(place(text, stop), first)
  }

  private static func place(_ text: TextBytes, _ index: Int) -> Int {
    if index >= 0 { return offset(in: text, forward: index) }
    guard index != .min else { return 0 }
    return offset(in: text, before: text.count, back: 0 &- index) ?? 0
  }
}
