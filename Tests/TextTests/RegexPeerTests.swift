import Base
import TestSupport
import Testing
import Text
import VolleyPlan

/// Random expressions and texts through RE2, which is what pyarrow's regex functions are, and through ours.
struct RegexPeerTests {
  /// What one expression makes of all texts.
  private struct Outcome: Equatable {
    var matches: [Bool] = []
    /// All matches in angle brackets.
    var marked: [String] = []
    /// The groups of the first match, nil without a match.
    var groups: [[String]?] = []
  }

  private static let program = """
    texts = pa.array(document["texts"])

    def outcome(pattern):
        try:
            matches = pc.match_substring_regex(texts, pattern).to_pylist()
        except pa.ArrowInvalid:
            return None
        try:
            marked = pc.replace_substring_regex(texts, pattern, "<\\\\0>").cast("binary").to_pylist()
            marked = [m.decode("utf-8", "replace") for m in marked]
        except pa.ArrowInvalid:
            marked = []  # pyarrow puts the pattern in parentheses here, which an open \\Q takes in.
        groups = []
        if "(?P<" in pattern:
            try:
                rows = pc.extract_regex(texts, pattern).to_pylist()
                groups = [None if row is None else list(row.values()) for row in rows]
            except pa.ArrowInvalid:
                pass
        return [matches, marked, groups]

    answer = [outcome(p) for p in document["patterns"]]
    """

  private func ours(_ pattern: String, _ texts: [String], groups: Bool) throws -> Outcome? {
    let expression: RegularExpression
    do { expression = try RegularExpression(pattern) } catch { return nil }
    let template = try RegexTemplate("<\\0>", for: expression)
    return expression.withMatcher { matcher in
      var outcome = Outcome()
      for text in texts {
        withBytes(text) { bytes in
          outcome.matches.append(matcher.matches(bytes))
          outcome.marked.append(written { matcher.replace(bytes, with: template, into: &$0) })
          guard groups else { return }
          guard let match = matcher.firstMatch(in: bytes) else {
            outcome.groups.append(nil)
            return
          }
          matcher.findGroups(in: bytes, of: match)
          outcome.groups.append(
            expression.captureNames.indices.map { index in
              matcher.group(index + 1).map { String(decoding: bytes[$0], as: UTF8.self) } ?? ""
            })
        }
      }
      return outcome
    }
  }

  private func compare(_ patterns: [String], _ texts: [String], _ generator: SeededGenerator) throws -> Int {
    let answer = try Peer.ask(
      .object([.init("patterns", .strings(patterns)), .init("texts", .strings(texts))]), Self.program)
    var valid = 0
    for (pattern, item) in zip(patterns, answer.items) {
      let wanted = item.items
      let groups = wanted.count == 3 ? wanted[2].items : []
      let found = try ours(pattern, texts, groups: !groups.isEmpty)
      guard wanted.count == 3 else {
        #expect(found == nil, "\(generator): RE2 refuses \(pattern.debugDescription)")
        continue
      }
      guard let found else {
        Issue.record("\(generator): RE2 takes \(pattern.debugDescription)")
        continue
      }
      valid += 1
      for (index, text) in texts.enumerated() {
        // There \B matches between the bytes of a character.
        if pattern.components(of: "\\B").count > 1, text.utf8.contains(where: { $0 >= 0x80 }) { continue }
        let place = "\(generator): \(pattern.debugDescription) in \(text.debugDescription)"
        #expect(found.matches[index] == wanted[0].items[index].flag, "\(place)")
        if index < wanted[1].items.count {
          #expect(found.marked[index] == wanted[1].items[index].string, "\(place)")
        }
        guard !groups.isEmpty else { continue }
        #expect(
          found.groups[index] == (groups[index] == .null ? nil : groups[index].items.compactMap(\.string)), "\(place)")
      }
    }
    return valid
  }

  /// A part of an expression.
  struct Piece {
    var text: String
    var mayBeEmpty: Bool
  }

  /// A grammar of expressions.
  struct Grammar {
    var generator: SeededGenerator
    var groups = 0
    var named: Bool
    /// Also lazy repetitions that may take nothing within a loop, or loop over nothing. There RE2 takes something where
    /// its own rules prefer nothing, and a pair of parentheses around the whole changes what it takes:
    /// "((?:(?:a|b)??)*)" and "(?:(?:a|b)??)*" in "ab". We keep to the rules; `lazyLoops` compares those with Python's.
    var hasLazyLoops = false

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &generator)! }

    /// - Parameter inLoop: it is within a repetition of more than one turn.
    mutating func expression(_ depth: Int, inLoop: Bool = false) -> Piece {
      switch Int.random(in: 0..<(depth > 0 ? 12 : 4), using: &generator) {
      case 0...2: return Piece(text: pick(["a", "b", "c", "é", "日", "k", "\\n", "x", "😀"]), mayBeEmpty: false)
      case 3:
        if Int.random(in: 0..<3, using: &generator) == 0 {
          return Piece(text: pick(["^", "$", "\\b", "\\B", "\\A", "\\z", "(?m:^)", "(?m:$)", ""]), mayBeEmpty: true)
        }
        let set = pick([
          ".", "\\d", "\\w", "\\s", "\\W", "[ab]", "[^a]", "[a-c\\d]", "\\pL", "\\p{Lu}", "\\PN", "[[:alpha:]]",
          "[^\\n]", "\\p{Greek}", "[à-ü]", "[b-日]", "\\x{1F600}", "(?i:k)", "(?i)s", "(?s:.)", "(?i:[^k])", "\\Qa.\\E",
        ])
        return Piece(text: set, mayBeEmpty: false)
      case 4...6:
        let (first, second) = (expression(depth - 1, inLoop: inLoop), expression(depth - 1, inLoop: inLoop))
        return Piece(text: first.text + second.text, mayBeEmpty: first.mayBeEmpty && second.mayBeEmpty)
      case 7:
        let (first, second) = (expression(depth - 1, inLoop: inLoop), expression(depth - 1, inLoop: inLoop))
        return Piece(text: "(?:\(first.text)|\(second.text))", mayBeEmpty: first.mayBeEmpty || second.mayBeEmpty)
      case 8:
        groups += 1
        let number = groups
        let inner = expression(depth - 1, inLoop: inLoop)
        return Piece(text: named ? "(?P<g\(number)>\(inner.text))" : "(\(inner.text))", mayBeEmpty: inner.mayBeEmpty)
      case 9...10: return repetition(depth, of: ["*", "+", "?"], inLoop: inLoop)
      default: return repetition(depth, of: ["{0}", "{1}", "{2}", "{1,3}", "{0,2}", "{2,}", "{0,}"], inLoop: inLoop)
      }
    }

    private mutating func repetition(_ depth: Int, of counts: [String], inLoop: Bool) -> Piece {
      let count = pick(counts)
      let repeats = !["?", "{0}", "{1}"].contains(count)
      let inner = expression(depth - 1, inLoop: inLoop || repeats)
      let mayBeEmpty = inner.mayBeEmpty || ["*", "?"].contains(count) || count.hasPrefix("{0")
      let mayBeLazy = hasLazyLoops || !(mayBeEmpty && inLoop) && !(inner.mayBeEmpty && repeats)
      return Piece(text: "(?:\(inner.text))\(count)\(mayBeLazy ? pick(["", "?"]) : "")", mayBeEmpty: mayBeEmpty)
    }
  }

  static let letters: [Unicode.Scalar] = [
    "a", "b", "c", "a", "b", "k", "K", "\u{212A}", "s", "ſ", "é", "à", "日", "σ", "Σ", " ", "\n", "1", "_", "x", "😀",
    ".",
  ]

  @Test("random expressions match, mark and capture as RE2's", arguments: [false, true])
  func expressions(named: Bool) throws {
    var grammar = Grammar(generator: SeededGenerator(), named: named)
    let seed = grammar.generator
    var patterns: [String] = []
    while patterns.count < 900 {
      grammar.groups = 0
      var pattern = grammar.expression(Int.random(in: 1...5, using: &grammar.generator)).text
      // Some that are read from the text's end.
      if Int.random(in: 0..<4, using: &grammar.generator) == 0 {
        pattern = "(?:\(pattern))\(grammar.pick(["$", "\\z"]))"
      }
      if pattern.utf8.count < 300, !named || grammar.groups > 0 { patterns.append(pattern) }
    }
    let texts =
      ["", "a", "\n", "ab\nab"]
      + (0..<26).map { _ in RandomText.make(&grammar.generator, upTo: 14, of: Self.letters) }
    #expect(try compare(patterns, texts, seed) > 500)
  }

  @Test("every small loop over what may be empty, with and without conditions, goes as RE2's")
  func emptyLoops() throws {
    let atoms = ["a", "b", "\\b", "\\B", "^", "$", "", "a?", "b*"]
    var patterns: [String] = []
    for first in atoms {
      for second in atoms {
        for sign in ["*", "+", "?", "*?", "+?"] {
          let loop = "(?:\(first)|\(second))\(sign)"
          patterns += [loop, "a\(loop)b", "(?:\(loop)a)*"]
          for third in ["b", "\\b", "\\B"] { patterns += ["(?:\(third)|\(loop))+", "(?:\(loop)|\(third))*"] }
        }
      }
    }
    // What is lazy within a loop, with something behind it.
    for lazy in ["(?:a|b)??", "(?:a|b){0,2}?", "(?:ab?)??", "(?:a+)*?"] {
      for loop in ["*", "+", "{2,}", "{0,3}"] { patterns.append("(?:\(lazy))\(loop)b") }
    }
    // A repetition after what only sets flags or quotes nothing is about the element before; counts have no zeros
    // before them.
    patterns += ["a(?i)*b", "ab(?)+", "a*(?s)?b", "a\\Q\\E{2}", "a{01}", "b{1,02}?", "a{0}b"]
    let texts = ["", "a", "b", "ab", "ba", "aab", "abab", "a b", "bb a", "aabac", "cab", "a{01}", "b{1,02"]
    #expect(try compare(patterns, texts, SeededGenerator(seed: 0)) == patterns.count)
  }

  @Test("lazy repetitions that may take nothing, in loops, take what Python's take")
  func lazyLoops() throws {
    let atoms = ["a", "b", "$", "", "a|b", "ab?", "a+", "a*?", "b??"]
    let texts = ["", "a", "b", "aaab", "abab", "bbaa", "cab"]
    var patterns: [String] = []
    for first in atoms {
      for lazy in ["*?", "??", "{0,2}?", "{0,}?"] {
        for loop in ["*", "+", "{2,}", "{0,3}"] {
          let body = "(?:(?:\(first))\(lazy))\(loop)"
          patterns += [body, "(\(body))", "(?:\(body)|b)*", "(?:c|\(body)){1,2}$"]
        }
      }
    }
    let answer = try Peer.ask(
      .object([.init("patterns", .strings(patterns)), .init("texts", .strings(texts))]),
      """
      import re

      def span(pattern, text):
          found = re.search(pattern, text)
          return [found.start(), found.end()] if found else []

      answer = [[span(p, t) for t in document["texts"]] for p in document["patterns"]]
      """)
    for (pattern, item) in zip(patterns, answer.items) {
      // Python's `$` is true before a line break at the end too; no text here has one.
      try RegularExpression(pattern).withMatcher { matcher in
        for (text, span) in zip(texts, item.items) {
          let found = withBytes(text) { matcher.firstMatch(in: $0) }
          #expect(
            found.map { [$0.lowerBound, $0.upperBound] } ?? [] == span.items.compactMap(\.number),
            "\(pattern) in \(text)")
        }
      }
    }
  }

  @Test("strings of syntax are taken and refused as by RE2")
  func syntax() throws {
    var generator = SeededGenerator()
    let seed = generator
    let pieces = [
      "(", ")", "[", "]", "{", "}", "*", "+", "?", "|", "\\", "^", "$", ".", "-", ",", ":", "<", ">", "=", "!", "P",
      "a", "b",
      "z", "d", "W", "Q", "E", "i", "s", "0", "1", "2", "8", "(?", "(?P<n", "[^", "[:", ":]", "\\p", "\\P{", "\\x",
      "\\x{", "L",
      "alpha", "{1,", "U", "m", "_", " ", "é", "&", "\\0", "\\1",
    ]
    var patterns: [String] = []
    while patterns.count < 4000 {
      let pattern = (0..<Int.random(in: 1...7, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }
        .joined()
      // Two groups of one name are refused here only.
      if pattern.components(of: "<n").count < 3 { patterns.append(pattern) }
    }
    #expect(try compare(patterns, ["", "a", "ab", "ab-b", "]a", "{1,2}", "a\nZ", "ÉE0_", "[:a:]", "d1 W"], seed) > 500)
  }

  /// Characters that got another category or a partner of other case between RE2's version of Unicode, 15, and 17.
  private static let changed: Set<Int> = [0x19B, 0x264, 0x295, 0xA7D3, 0xA7D5]

  @Test("sets of characters are RE2's, but where Unicode's versions differ")
  func sets() throws {
    let patterns = [
      "(?i)[a-z]", "(?i)[α-ω]", "(?i)[À-þ]", "(?i)[\\x{1E00}-\\x{1FFF}]", "(?i)\\p{Lu}", "\\pL", "\\p{Ll}", "\\pN",
      "\\pZ",
      "\\pM", "\\pP", "\\pS", "\\pC", "\\P{Lo}", "\\p{Han}", "\\p{Cyrillic}", "\\P{Latin}", "[[:^word:]]", "\\p{Any}",
      "\\D", ".",
      "(?s).", "(?i)[^\\pL]",
    ]
    let answer = try Peer.ask(
      .object([.init("patterns", .strings(patterns))]),
      """
      scalars = [c for c in range(0x40000) if not 0xD800 <= c < 0xE000] + list(range(0xE0000, 0xE0200)) + [0xF0000, 0x10FFFD]
      texts = pa.array([chr(c) for c in scalars])

      def runs(flags):
          out = []
          for c, f in zip(scalars, flags):
              if f:
                  if out and out[-1] == c - 1: out[-1] = c
                  else: out += [c, c]
          return out

      answer = [runs(pc.match_substring_regex(texts, p).to_pylist()) for p in document["patterns"]]
      """)
    // Scalars that RE2's version of Unicode does not have yet are not compared.
    let assigned = try Peer.ask(
      .null,
      """
      scalars = [c for c in range(0x40000) if not 0xD800 <= c < 0xE000]
      flags = pc.match_substring_regex(pa.array([chr(c) for c in scalars]), r"[\\pL\\pN\\pM\\pP\\pS\\pZ\\pC]").to_pylist()
      answer = [c for c, f in zip(scalars, flags) if f]
      """)
    let known = Set(assigned.items.compactMap(\.number))
    for (pattern, item) in zip(patterns, answer.items) {
      let ends = item.items.compactMap(\.number)
      let wanted = stride(from: 0, to: ends.count, by: 2).map { ends[$0]...ends[$0 + 1] }
      let expression = try RegularExpression(pattern)
      var different: [String] = []
      expression.withMatcher { matcher in
        var run = 0
        for value in 0..<0x4_0000 {
          guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
          while run < wanted.count, wanted[run].upperBound < value { run += 1 }
          let isWanted = run < wanted.count && wanted[run].contains(value)
          var found = false
          withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4) { bytes in
            var count = 0
            for byte in UTF8.encode(scalar)! {
              bytes[count] = byte
              count += 1
            }
            found = matcher.matches(TextBytes(rebasing: UnsafeBufferPointer(bytes)[..<count]))
          }
          if found == isWanted || !known.contains(value) || Self.changed.contains(value) { continue }
          different.append(String(value, radix: 16))
        }
      }
      #expect(different == [], "\(pattern)")
    }
  }
}

extension String {
  fileprivate func components(of separator: String) -> [Substring] {
    split(separator: separator, omittingEmptySubsequences: false)
  }
}
