import Glibc

// Where parts of a text are.
extension UTF8Text {
  public static func hasPrefix(_ text: TextBytes, _ part: TextBytes) -> Bool { text.holds(part, at: 0) }

  public static func hasSuffix(_ text: TextBytes, _ part: TextBytes) -> Bool {
    text.count >= part.count && text.holds(part, at: text.count &- part.count)
  }

  /// The first byte of `text` where `part` begins, or -1: for parts that differ from row to row. `SubstringSearcher` is faster
  /// for one part and many texts.
  public static func firstOffset(of part: TextBytes, in text: TextBytes) -> Int {
    guard let needle = part.baseAddress, part.count > 0 else { return 0 }
    guard let base = text.baseAddress else { return -1 }
    let last = text.count &- part.count
    var place = 0
    while place <= last, let found = memchr(base + place, Int32(needle[0]), last &- place &+ 1) {
      place = UnsafeRawPointer(found) - UnsafeRawPointer(base)
      if memcmp(base + place, needle, part.count) == 0 { return place }
      place &+= 1
    }
    return -1
  }

  /// `position(of:in:)` for parts that differ from row to row.
  public static func position(of part: TextBytes, in text: TextBytes) -> Int {
    let offset = firstOffset(of: part, in: text)
    return offset <= 0 ? offset : characterCount(text.slice(0..<offset))
  }

  /// The number of the first character, 0 for an empty text.
  public static func firstScalar(of text: TextBytes) -> Int { text.isEmpty ? 0 : Int(decode(text, at: 0).scalar) }

  /// The place, in characters from 0, of the first of what `searcher` looks for; -1 when there is none.
  public static func position(of searcher: SubstringSearcher, in text: TextBytes) -> Int {
    let offset = searcher.firstOffset(in: text)
    return offset <= 0 ? offset : characterCount(text.slice(0..<offset))
  }

  /// The bytes of one part of the text between separators, or nil when there is no such part.
  ///
  /// - Parameters:
  ///   - searcher: the separator; an empty one stands between any two characters.
  ///   - part: 1 for the first, -1 for the last; there is no part 0.
  public static func split(_ text: TextBytes, at searcher: SubstringSearcher, part: Int) -> Range<Int>? {
    if part == 0 || part == .min { return nil }
    let width = searcher.bytes.count
    guard width > 0 else { return character(text, part) }
    return part > 0 ? split(text, at: searcher, forward: part) : split(text, at: searcher, backward: 0 &- part)
  }

  private static func split(_ text: TextBytes, at searcher: SubstringSearcher, forward part: Int) -> Range<Int>? {
    let width = searcher.bytes.count
    var start = 0
    var left = part
    while true {
      let found = searcher.firstOffset(in: text, from: start)
      left &-= 1
      if left == 0 { return start..<(found < 0 ? text.count : found) }
      if found < 0 { return nil }
      start = found &+ width
    }
  }

  /// Separators are counted from the start, as they are for parts counted from the start, and so overlap the same way.
  private static func split(_ text: TextBytes, at searcher: SubstringSearcher, backward part: Int) -> Range<Int>? {
    let width = searcher.bytes.count
    var parts = 1
    var start = 0
    while true {
      let found = searcher.firstOffset(in: text, from: start)
      if found < 0 { break }
      parts &+= 1
      start = found &+ width
    }
    return part <= parts ? split(text, at: searcher, forward: parts &- part &+ 1) : nil
  }

  private static func character(_ text: TextBytes, _ part: Int) -> Range<Int>? {
    if part > 0 {
      let start = offset(in: text, forward: part &- 1)
      return start < text.count ? start..<offset(in: text, from: start, forward: 1) : nil
    }
    guard let start = offset(in: text, before: text.count, back: 0 &- part) else { return nil }
    return start..<offset(in: text, from: start, forward: 1)
  }
}
