import Base
import TestSupport
import Testing
import Text

struct RegexTests {
  private func marked(_ pattern: String, _ text: String, limit: Int = .max, with template: String = "<\\0>") throws
    -> String
  {
    let expression = try RegularExpression(pattern)
    let template = try RegexTemplate(template, for: expression)
    return withBytes(text) { bytes in
      expression.withMatcher { matcher in written { matcher.replace(bytes, with: template, limit: limit, into: &$0) } }
    }
  }

  @Test("the first place wins, and there the alternative that comes first")
  func leftmostFirst() throws {
    #expect(try marked("a|ab|abc", "xabc") == "x<a>bc")
    #expect(try marked("abc|ab|a", "xabc") == "x<abc>")
    #expect(try marked("(?:a|ab)(?:c|bcd)", "abcd") == "<abcd>")
    #expect(try marked("a*", "baac") == "<>b<aa>c<>")
    #expect(try marked("a*?", "ba") == "<>b<>a<>")
    #expect(try marked("", "é😀") == "<>é<>😀<>")
    #expect(try marked("b+", "abbabbb", limit: 1) == "a<bb>abbb")
    #expect(try marked("(a)(b)?", "ab-a", with: "\\2\\1\\\\") == "ba\\-a\\")
  }

  @Test("no empty match stands within a character, unlike RE2's")
  func wholeCharacters() throws {
    #expect(try marked("\\B", "k日k") == "k日k")
    #expect(try marked("\\B", "日本") == "<>日<>本<>")
    #expect(try marked("\\B.", "k日本k") == "k日<本>k")
  }

  @Test("matches are counted and split by, none within another")
  func countAndSplit() throws {
    func pieces(_ pattern: String, _ text: String, _ limit: Int = .max) throws -> [String] {
      let expression = try RegularExpression(pattern)
      var pieces: [String] = []
      withBytes(text) { bytes in
        expression.withMatcher { matcher in
          matcher.split(bytes, limit: limit) { pieces.append(String(decoding: bytes[$0], as: UTF8.self)) }
          #expect(limit < .max || matcher.count(in: bytes) == pieces.count - 1)
        }
      }
      return pieces
    }
    #expect(try pieces(",\\s*", "a, b,,c") == ["a", "b", "", "c"])
    #expect(try pieces(",", "a,b,c", 1) == ["a", "b,c"])
    #expect(try pieces(",", "") == [""])
    #expect(try pieces("x*", "ab") == ["", "a", "b", ""])
  }

  @Test(
    "what is wrong is told with its place",
    arguments: [
      ("a(b", 2, "the ( has no )"), ("ab)", 3, "there is a ) without its ("), ("*a", 1, "nothing to repeat"),
      ("a**", 2, "repeats a repetition"), ("[a", 1, "the [ has no ]"), ("[z-a]", 2, "ends before it begins"),
      ("(?=a)", 1, "a lookahead, (?=, is not supported"), ("a(?<!b)", 2, "a lookbehind, (?<!, is not supported"),
      ("(a)\\1", 4, "\\1 refers back to a group, which is not supported"), ("(?P=n)", 1, "refers back to a group"),
      ("(?>a)", 1, "an atomic group"), ("\\y", 1, "the escape \\y is not known"), ("a\\", 2, "escapes nothing"),
      ("a{2,1}", 2, "must not be smaller"), ("a{1001}", 2, "counts to 1000 at most"),
      ("(?:a{50}){50}", 10, "come to more than 1000"), ("\\p{Elvish}", 1, "no Unicode category or script Elvish"),
      ("[[:foo:]]", 2, "no class [:foo:]"), ("(?P<a>x)(?P<a>y)", 9, "a group named a before this one"),
      ("\\x{110000}", 1, "up to 10FFFF"), ("(?z)", 1, "is not known"),
      (String(repeating: "(", count: 300), 251, "nest deeper than 250"),
    ])
  func failures(_ pattern: String, _ place: Int, _ reason: String) {
    #expect {
      try RegularExpression(pattern)
    } throws: { error in
      let message = "\(error)"
      #expect(message.hasPrefix("regular expression \"\(pattern)\", character \(place): "), "\(message)")
      #expect(message.contains(reason), "\(message)")
      return true
    }
  }

  @Test("an automaton that would be too large is refused")
  func tooLarge() {
    #expect {
      try RegularExpression("(?:\\pL{30}\\pN{30}){30}")
    } throws: {
      "\($0)".contains("its automaton takes more than")
    }
  }

  @Test("a template that names no group is refused")
  func templates() throws {
    let expression = try RegularExpression("(a)")
    for (template, reason) in [("\\2", "has 1"), ("\\", "two for a backslash"), ("\\x", "two for a backslash")] {
      #expect {
        try RegexTemplate(template, for: expression)
      } throws: {
        "\($0)".contains(reason)
      }
    }
  }

  @Test("what takes others exponential time takes linear time, and states that do not fit are forgotten")
  func linear() throws {
    // (a?){n}a{n} over a text of n; and one whose deterministic automaton has 2^20 states.
    #expect(try marked("(?:a?){400}a{400}", String(repeating: "a", count: 400)).count == 402)
    var generator = SeededGenerator()
    let text = (0..<60_000).map { _ in Bool.random(using: &generator) ? "a" : "b" }.joined()
    let expression = try RegularExpression("a[ab]{20}c|(?:[ab]*a[ab]{14}){3}$")
    withBytes(text) { bytes in
      expression.withMatcher { matcher in
        let match = matcher.firstMatch(in: bytes)
        // Greedy from the first letter: such a text has a fitting end almost surely, and then the match is all of it.
        let bytes = Array(text.utf8)
        let fits = bytes[bytes.count - 15] == UInt8(ascii: "a")
        #expect((match == 0..<bytes.count) == fits, "\(generator)")
      }
    }
  }

  @Test("bytes that are no UTF-8 are matched by nothing but bytes")
  func invalid() throws {
    var generator = SeededGenerator()
    let expressions = try ["(.)(b*)", "\\pL+", "[^a]", "\\b", "\\C", "(?i)k|é+", "a*?$"].map {
      try RegularExpression($0)
    }
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        [0x61, 0x62, 0xC3, 0xA9, 0x80, 0xFF, 0xE6, 0x97, 0xA5, 0xF0, UInt8.random(in: 0...255, using: &generator)]
          .randomElement(using: &generator)!
      }
      withBytes(bytes) { text in
        for expression in expressions {
          let template = try? RegexTemplate("\\0", for: expression)
          expression.withMatcher { matcher in
            guard let template else { return }
            #expect(
              written { matcher.replace(text, with: template, into: &$0) } == String(decoding: bytes, as: UTF8.self))
            #expect(matcher.matches(text) == (matcher.firstMatch(in: text) != nil))
          }
        }
      }
    }
  }
}
