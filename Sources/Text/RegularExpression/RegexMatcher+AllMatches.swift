extension RegexMatcher {
  /// Calls `body` with the matches from the start of the text on, none within another, at most `limit`. An empty match right
  /// behind another match is none, as in RE2's GlobalReplace.
  @inline(__always)  // So that what `body` does is part of the loop.
  func forEachMatch(in text: TextBytes, limit: Int, _ body: (Range<Int>) -> Void) {
    var place = 0
    var lastEnd = -1
    var left = limit
    while left > 0, place <= text.count, let match = firstMatch(in: text, from: place) {
      if match.isEmpty, match.lowerBound == lastEnd {
        guard place < text.count else { return }
        // The whole character: matches do not begin within one.
        place = min(place &+ UTF8Text.width(text[place]), text.count)
        continue
      }
      body(match)
      place = match.upperBound
      lastEnd = place
      left &-= 1
    }
  }

  /// How many matches there are, none within another.
  public func count(in text: TextBytes) -> Int {
    var count = 0
    forEachMatch(in: text, limit: .max) { _ in count &+= 1 }
    return count
  }

  /// Calls `body` with the bytes before, between and after the first `limit` matches: once for a text without any.
  public func split(_ text: TextBytes, limit: Int = .max, _ body: (Range<Int>) -> Void) {
    var start = 0
    forEachMatch(in: text, limit: limit) { match in
      body(start..<match.lowerBound)
      start = match.upperBound
    }
    body(start..<text.count)
  }

  /// Writes the text with the first `limit` matches replaced. Writes no more when the writer is full.
  public func replace(
    _ text: TextBytes, with template: RegexTemplate, limit: Int = .max, into writer: inout TextWriter
  ) {
    var start = 0
    forEachMatch(in: text, limit: limit) { match in
      if writer.isFull { return }
      writer.append(text.slice(start..<match.lowerBound))
      if template.needsGroups { findGroups(in: text, of: match) }
      for index in 0..<template.parts.count where !writer.isFull {
        switch template.parts[index] {
        case .text(let literal): writer.append(literal.bytes)
        case .group(0): writer.append(text.slice(match))
        case .group(let group):
          if let range = self.group(group) { writer.append(text.slice(range)) }
        }
      }
      start = match.upperBound
    }
    writer.append(text.from(start))
  }
}
