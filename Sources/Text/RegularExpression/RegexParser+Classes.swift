import Base

extension RegexParser {
  /// `[…]`
  mutating func bracket() throws(Failure) -> ScalarSet {
    let start = position
    position += 1
    let inverted = skip("^")
    var ranges: [ScalarSet.Span] = []
    var first = true
    while true {
      guard next != nil else { throw failure(at: start, "the [ has no ]; write \\[ for a bracket") }
      if !first, skip("]") { break }
      first = false
      if let set = try named() {
        ranges += set.ranges
        continue
      }
      let place = position
      let low = try classCharacter(start)
      guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
        ranges += cased(ScalarSet(low)).ranges
        continue
      }
      position += 1
      let high = try classCharacter(start)
      guard low <= high else {
        let text = String(String.UnicodeScalarView(scalars[place..<position]))
        throw failure(at: place, "the range \(text) ends before it begins; write its ends the other way round")
      }
      ranges += cased(ScalarSet([low...high])).ranges
    }
    let set = ScalarSet(ranges)
    return inverted ? set.inverted : set
  }

  /// A set with a name at this place: `[:alpha:]`, `\d`, `\pL`; nil when there is none.
  private mutating func named() throws(Failure) -> ScalarSet? {
    if next == "[", position + 1 < scalars.count, scalars[position + 1] == ":" { return try posix() }
    return try namedEscape()
  }

  /// `[:alpha:]`, within brackets; without its end, the bracket is a character.
  private mutating func posix() throws(Failure) -> ScalarSet? {
    var end = position + 2
    while end + 1 < scalars.count, !(scalars[end] == ":" && scalars[end + 1] == "]") { end += 1 }
    guard end + 1 < scalars.count else { return nil }
    var name = String(String.UnicodeScalarView(scalars[(position + 2)..<end]))
    let inverted = name.hasPrefix("^")
    if inverted { name.removeFirst() }
    guard let set = ScalarSet.posix(name) else {
      throw failure(
        "there is no class [:\(name):]; there are alnum, alpha, ascii, blank, cntrl, digit, graph, lower, print, punct, space, upper, word and xdigit"
      )
    }
    position = end + 2
    return inverted ? cased(set).inverted : cased(set)
  }

  private mutating func classCharacter(_ start: Int) throws(Failure) -> UInt32 {
    guard let scalar = next else { throw failure(at: start, "the [ has no ]; write \\[ for a bracket") }
    if scalar == "\\" { return try escapedCharacter() }
    position += 1
    return scalar.value
  }

  /// `\d`, `\pL`, `\p{Lu}` and the like; nil, without a step, when something else stands here.
  mutating func namedEscape() throws(Failure) -> ScalarSet? {
    guard next == "\\", position + 1 < scalars.count else { return nil }
    let letter = scalars[position + 1]
    if let set = ScalarSet.perl(letter) {
      position += 2
      return cased(set)
    }
    if let lower = letter.properties.lowercaseMapping.unicodeScalars.first, lower != letter,
      let set = ScalarSet.perl(lower)
    {
      position += 2
      return cased(set).inverted
    }
    guard letter == "p" || letter == "P" else { return nil }
    return try category(inverted: letter == "P")
  }

  private mutating func category(inverted: Bool) throws(Failure) -> ScalarSet {
    let start = position
    position += 2
    var (inverted, name) = (inverted, "")
    if skip("{") {
      if skip("^") { inverted.toggle() }
      let first = position
      while let scalar = next, scalar != "}" {
        _ = scalar
        position += 1
      }
      name = String(String.UnicodeScalarView(scalars[first..<position]))
      guard skip("}") else { throw failure(at: start, "the { has no }") }
    } else if let letter = next {
      position += 1
      name = String(String.UnicodeScalarView([letter]))
    }
    guard let set = ScalarSet.unicode(name) ?? ScalarSet.script(name) else {
      throw failure(
        at: start,
        "there is no Unicode category or script \(name); categories are such as L, Lu, Nd, P, scripts such as Greek, Latin"
      )
    }
    return inverted ? cased(set).inverted : cased(set)
  }
}
