import Base

/// A LIKE pattern as the pieces between its `%`.
struct LikePieces: Sendable {
  /// Literals with numbers of any characters around them: `_a__b` is skip 1, "a", skip 2, "b".
  struct Piece: Sendable {
    var parts: [Part] = []
    /// Any characters after the last literal.
    var trailing = 0
    /// All its characters.
    var characters = 0
  }

  struct Part: Sendable {
    /// Any characters before the literal.
    var skip: Int
    var literal: SubstringSearcher
  }

  private var pieces: [Piece] = []

  init(_ pattern: String, ignoringCase: Bool) throws(Failure) {
    var piece = Piece()
    var literal: [UInt8] = []
    var skip = 0
    func endLiteral() {
      guard !literal.isEmpty else { return }
      piece.parts.append(Part(skip: skip, literal: SubstringSearcher(literal)))
      (literal, skip) = ([], 0)
    }
    var escaped = false
    for scalar in pattern.unicodeScalars {
      switch scalar {
      case "%" where !escaped:
        endLiteral()
        piece.trailing = skip
        pieces.append(piece)
        (piece, skip) = (Piece(), 0)
      case "_" where !escaped:
        endLiteral()
        skip += 1
        piece.characters += 1
      case "\\" where !escaped:
        escaped = true
        continue
      default:
        let value = ignoringCase ? ScalarMapping.folded[scalar.value] : scalar.value
        literal += Unicode.Scalar(value).map { Array(UTF8.encode($0) ?? UTF8.encodedReplacementCharacter) } ?? []
        piece.characters += 1
      }
      escaped = false
    }
    guard !escaped else {
      throw Failure(
        .usage, "like: the pattern \"\(pattern)\" ends in a backslash that escapes nothing; write two for a backslash")
    }
    endLiteral()
    piece.trailing = skip
    pieces.append(piece)
  }

  var shape: LikePattern.Shape {
    let literals = pieces.map { piece -> SubstringSearcher? in
      if piece.characters == 0 { return SubstringSearcher([]) }
      guard piece.parts.count == 1, piece.parts[0].skip == 0, piece.trailing == 0 else { return nil }
      return piece.parts[0].literal
    }
    let inner = pieces.dropFirst().dropLast().indices.filter { pieces[$0].characters > 0 }
    guard let first = literals[0], let last = literals[pieces.count - 1] else { return .pieces }
    switch (pieces.count > 1, first.bytes.count, last.bytes.count, inner.count) {
    case (false, _, _, _): return .equals(first)
    case (true, 0, 0, 0): return .everything
    case (true, _, 0, 0): return .hasPrefix(first)
    case (true, 0, _, 0): return .hasSuffix(last)
    case (true, 0, 0, 1): return literals[inner[0]].map { .contains($0) } ?? .pieces
    default: return .pieces
    }
  }

  func matches(_ text: TextBytes) -> Bool {
    guard let first = pieces.first, let last = pieces.last, let head = Self.end(of: first, in: text, at: 0) else {
      return false
    }
    if pieces.count == 1 { return head == text.count }
    guard let tail = UTF8Text.offset(in: text, before: text.count, back: last.characters) else { return false }
    var place = head
    for index in 1..<(pieces.count &- 1) {
      guard let end = Self.firstEnd(of: pieces[index], in: text, from: place) else { return false }
      place = end
    }
    return tail >= place && Self.end(of: last, in: text, at: tail) == text.count
  }

  /// Where the piece ends when it begins at `start`, or nil when it does not fit there.
  private static func end(of piece: borrowing Piece, in text: TextBytes, at start: Int) -> Int? {
    var place = start
    for index in 0..<piece.parts.count {
      guard let after = passed(piece.parts[index].skip, in: text, from: place),
        text.holds(piece.parts[index].literal.bytes, at: after)
      else { return nil }
      place = after &+ piece.parts[index].literal.bytes.count
    }
    return passed(piece.trailing, in: text, from: place)
  }

  /// Where the piece ends at the first place, from `start` on, where it fits: with it, all that follows has the most room.
  private static func firstEnd(of piece: borrowing Piece, in text: TextBytes, from start: Int) -> Int? {
    guard piece.parts.count > 0 else { return passed(piece.trailing, in: text, from: start) }
    guard var place = passed(piece.parts[0].skip, in: text, from: start) else { return nil }
    while true {
      let found = piece.parts[0].literal.firstOffset(in: text, from: place)
      guard found >= 0 else { return nil }
      if let end = rest(of: piece, in: text, at: found) { return end }
      place = found &+ 1
    }
  }

  private static func rest(of piece: borrowing Piece, in text: TextBytes, at first: Int) -> Int? {
    var place = first &+ piece.parts[0].literal.bytes.count
    for index in 1..<piece.parts.count {
      guard let after = passed(piece.parts[index].skip, in: text, from: place),
        text.holds(piece.parts[index].literal.bytes, at: after)
      else { return nil }
      place = after &+ piece.parts[index].literal.bytes.count
    }
    return passed(piece.trailing, in: text, from: place)
  }

  /// Where the text goes on after so many characters, or nil when it has fewer.
  private static func passed(_ characters: Int, in text: TextBytes, from start: Int) -> Int? {
    var place = start
    for _ in 0..<characters {
      guard place < text.count else { return nil }
      place = min(place &+ UTF8Text.width(text[place]), text.count)
    }
    return place
  }
}
