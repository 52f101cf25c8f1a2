import Base
import TestSupport
import Testing
import Text
import VolleyPlan

struct LikeTests {
  private func like(_ pattern: String, _ text: String, ignoringCase: Bool = false) throws -> Bool {
    let pattern = try LikePattern(pattern, ignoringCase: ignoringCase)
    let text = ignoringCase ? written { writer in withBytes(text) { UTF8Text.fold($0, into: &writer) } } : text
    return withBytes(text) { pattern.matches($0) }
  }

  /// The definition: no cleverness, exponential.
  private func reference(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    if first == UInt8(ascii: "%") {
      return reference(pattern.dropFirst(), text) || (!text.isEmpty && reference(pattern, text.dropFirst()))
    }
    guard let letter = text.first else { return false }
    return (first == UInt8(ascii: "_") || first == letter) && reference(pattern.dropFirst(), text.dropFirst())
  }

  @Test("every pattern of up to 5 signs matches every text of up to 5 letters as the definition says")
  func small() throws {
    func all(_ length: Int, _ signs: String) -> [String] {
      length == 0 ? [""] : all(length - 1, signs).flatMap { rest in signs.map { rest + String($0) } }
    }
    let texts = (0...5).flatMap { all($0, "ab") }
    for pattern in (0...5).flatMap({ all($0, "ab%_") }) {
      let compiled = try LikePattern(pattern)
      for text in texts {
        let found = withBytes(text) { compiled.matches($0) }
        if found != reference(Array(pattern.utf8)[...], Array(text.utf8)[...]) {
          Issue.record("\(text) like \(pattern) gave \(found)")
        }
      }
    }
  }

  @Test("simple patterns become comparisons and searches")
  func shapes() throws {
    func name(_ pattern: String) throws -> String {
      switch try LikePattern(pattern).shape {
      case .equals(let searcher): "equals \(String(decoding: searcher.bytes, as: UTF8.self))"
      case .hasPrefix(let searcher): "prefix \(String(decoding: searcher.bytes, as: UTF8.self))"
      case .hasSuffix(let searcher): "suffix \(String(decoding: searcher.bytes, as: UTF8.self))"
      case .contains(let searcher): "contains \(String(decoding: searcher.bytes, as: UTF8.self))"
      case .everything: "everything"
      case .pieces: "pieces"
      }
    }
    #expect(try name("") == "equals ")
    #expect(try name("ab") == "equals ab")
    #expect(try name("ab%%") == "prefix ab")
    #expect(try name("%%ab") == "suffix ab")
    #expect(try name("%ab%%") == "contains ab")
    #expect(try name("%\\%%") == "contains %")
    #expect(try name("%%%") == "everything")
    #expect(try name("a%b") == "pieces")
    #expect(try name("%a%b%") == "pieces")
    #expect(try name("%a_%") == "pieces")
  }

  @Test("a pattern that ends in the escape is refused")
  func refused() {
    #expect {
      try LikePattern("50\\")
    } throws: {
      "\($0)"
        == "like: the pattern \"50\\\" ends in a backslash that escapes nothing; write two for a backslash"
    }
  }

  @Test("random patterns match as in pyarrow, with case and without")
  func peer() throws {
    var generator = SeededGenerator()
    let patterns =
      ["%\\b", "\\a%", "%\\\\b", "%\\a\\b%"]
      + (0..<300).map { _ -> String in
        var pattern = RandomText.make(&generator, upTo: 7, of: ["%", "a", "_", "b"] + RandomText.letters)
        // pyarrow takes a final backslash for nothing; here it is refused.
        while pattern.unicodeScalars.last == "\\" { pattern.unicodeScalars.removeLast() }
        return pattern
      }
    let texts = ["ab", "a\\b"] + (0..<100).map { _ in RandomText.make(&generator, upTo: 9) }
    let answer = try Peer.ask(
      .object([.init("patterns", .strings(patterns)), .init("texts", .strings(texts))]),
      """
      texts = pa.array(document["texts"])

      def regex(pattern):
          regex, letters = "", iter(pattern)
          for c in letters:
              if c in "%_": regex += {"%": ".*", "_": "."}[c]
              else: regex += "\\\\x{%x}" % ord(next(letters) if c == chr(92) else c)
          return "\\\\A(?s:" + regex + ")\\\\z"

      def like(pattern, ignore_case):
          # Beside a % at an end pyarrow takes the rest as it stands, escapes and all, but not when case is ignored.
          if chr(92) in pattern and not ignore_case: return pc.match_substring_regex(texts, regex(pattern))
          return pc.match_like(texts, pattern, ignore_case=ignore_case)

      answer = [[like(p, i).to_pylist() for i in (False, True)] for p in document["patterns"]]
      """)
    for (pattern, wanted) in zip(patterns, answer.items) {
      for (index, text) in texts.enumerated() {
        for (ignoringCase, results) in zip([false, true], wanted.items) {
          let found = try like(pattern, text, ignoringCase: ignoringCase)
          #expect(
            found == results.items[index].flag,
            "\(generator): \(text.debugDescription) like \(pattern.debugDescription), case ignored: \(ignoringCase)")
        }
      }
    }
  }
}
