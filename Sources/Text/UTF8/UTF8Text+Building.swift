import Glibc

// Functions that make longer or other text.
extension UTF8Text {
  /// Writes the text padded to `width` characters with `fill` over and over, cut in its characters. A text that is as long
  /// stays as it is; so does every text when `fill` is empty. Padding for which there is no room is not begun.
  ///
  /// - Parameter side: where the padding goes; `both` puts the smaller half in front when the number is odd.
  public static func pad(
    _ text: TextBytes, to width: Int, with fill: TextBytes, at side: TextSide, into writer: inout TextWriter
  ) {
    let missing = max(width, 0) - characterCount(text)
    let inFill = fill.count == 1 ? 1 : characterCount(fill)
    guard missing > 0, inFill > 0 else {
      writer.append(text)
      return
    }
    let (bytes, overflow) = fill.count.multipliedReportingOverflow(by: missing / inFill)
    let (all, isTooMany) = bytes.addingReportingOverflow(text.count)
    guard writer.makeRoom(overflow || isTooMany ? .max : all) else { return }
    let front =
      switch side {
      case .start: missing
      case .end: 0
      case .both: missing / 2
      }
    append(fill, inFill, characters: front, into: &writer)
    writer.append(text)
    append(fill, inFill, characters: missing &- front, into: &writer)
  }

  /// - Parameter inFill: how many characters the fill has, at least 1.
  private static func append(
    _ fill: TextBytes, _ inFill: Int, characters: Int, into writer: inout TextWriter
  ) {
    if fill.count == 1 {
      writer.reserve(characters)
      memset(writer.end, Int32(fill[0]), characters)
      writer.advance(characters)
      return
    }
    for _ in 0..<(characters / inFill) { writer.append(fill) }
    writer.append(fill.slice(0..<offset(in: fill, forward: characters % inFill)))
  }

  /// Writes the text `count` times, not at all for a count of 0 or below, or when there is no room for all of them.
  public static func `repeat`(_ text: TextBytes, _ count: Int, into writer: inout TextWriter) {
    guard count > 0, text.count > 0 else { return }
    let (bytes, overflow) = text.count.multipliedReportingOverflow(by: count)
    guard writer.makeRoom(overflow ? .max : bytes) else { return }
    for _ in 0..<count { writer.append(text) }
  }

  /// Writes the characters from the last to the first.
  public static func reverse(_ text: TextBytes, into writer: inout TextWriter) {
    writer.reserve(text.count)
    let target = writer.end
    var index = 0
    while index < text.count {
      let lead = text[index]
      if lead < 0x80 {
        index &+= 1
        target[text.count &- index] = lead
        continue
      }
      let width = min(width(lead), text.count &- index)
      index &+= width
      for place in 0..<width { target[text.count &- index &+ place] = text[index &- width &+ place] }
    }
    writer.advance(text.count)
  }

  /// Writes the text with the first `limit` places of what `searcher` looks for replaced, from the start, none within
  /// another. An empty one is found nowhere. Stops when the writer is full.
  public static func replace(
    _ text: TextBytes, _ searcher: SubstringSearcher, with replacement: TextBytes, limit: Int = .max,
    into writer: inout TextWriter
  ) {
    let width = searcher.bytes.count
    var start = 0
    var left = width == 0 ? 0 : limit
    while left > 0, !writer.isFull {
      let found = searcher.firstOffset(in: text, from: start)
      guard found >= 0 else { break }
      writer.append(text.slice(start..<found))
      writer.append(replacement)
      start = found &+ width
      left &-= 1
    }
    writer.append(text.from(start))
  }
}
