import Base

extension RegexParser {
  /// The atom with the repetition that follows it, if one does.
  mutating func repeated(_ atom: RegexNode) throws(Failure) -> RegexNode {
    let start = position
    guard let (low, high) = try repetition() else { return atom }
    let greedy = skip("?") == flags.ungreedy
    let end = position
    if try repetition() != nil {
      let text = String(String.UnicodeScalarView(scalars[start..<position]))
      throw failure(
        at: start, "\(text) repeats a repetition, which is not supported; put the inner one in a group, (?:…)")
    }
    position = end
    let node = RegexNode.repetition(atom, min: low, max: high, greedy: greedy)
    guard node.repetitionsLeft(of: Self.maximumRepetitions) > 0 else {
      throw failure(
        at: start,
        "the repetitions within each other come to more than \(Self.maximumRepetitions), the bound; ask for fewer")
    }
    return node
  }

  /// Steps over `*`, `+`, `?` or `{…}`.
  private mutating func repetition() throws(Failure) -> (Int, Int?)? {
    if skip("*") { return (0, nil) }
    if skip("+") { return (1, nil) }
    if skip("?") { return (0, 1) }
    guard let (counts, end) = try counts() else { return nil }
    position = end
    return counts
  }

  /// `{2}`, `{2,}` or `{2,5}` at this place and where it ends; nil for a brace that is a character.
  func counts() throws(Failure) -> (counts: (Int, Int?), end: Int)? {
    var reader = self
    guard reader.skip("{"), let low = reader.digits() else { return nil }
    var high: Int? = low
    if reader.skip(",") { high = reader.digits() }
    guard reader.skip("}") else { return nil }
    if let high, high < low {
      throw failure(
        "the repetition asks for at least \(low) and at most \(high); the second number must not be smaller")
    }
    guard low <= Self.maximumRepetitions, high ?? 0 <= Self.maximumRepetitions else {
      throw failure("a repetition counts to \(Self.maximumRepetitions) at most; use *, + or nested groups")
    }
    return ((low, high), reader.position)
  }

  /// A number, as in RE2 without zeros before it; what is too large is some number above every bound.
  private mutating func digits() -> Int? {
    let start = position
    if next == "0", position + 1 < scalars.count, scalars[position + 1].asciiDigit != nil { return nil }
    var value = 0
    while let scalar = next, let digit = scalar.asciiDigit {
      value = min(value * 10 + digit, 1_000_000)
      position += 1
    }
    return position > start ? value : nil
  }
}

extension Unicode.Scalar {
  /// The value of "0" to "9".
  var asciiDigit: Int? { (0x30...0x39).contains(value) ? Int(value) - 0x30 : nil }

  /// The value of "0" to "9", "a" to "f" and "A" to "F".
  var asciiHexDigit: UInt32? {
    switch value {
    case 0x30...0x39: value - 0x30
    case 0x41...0x46: value - 0x41 + 10
    case 0x61...0x66: value - 0x61 + 10
    default: nil
    }
  }
}
