import TestSupport
import Testing
import Text
import VolleyPlan

struct UTF8Tests {
  private let generator: SeededGenerator
  private let texts: [String]

  init() {
    var generator = SeededGenerator()
    texts =
      ["", "a", "é", "😀", " ", "\u{3000}a\u{3000}"]
      + (0..<1500).map { RandomText.make(&generator, upTo: $0 % 20 == 0 ? 60 : 12) }
    self.generator = generator
  }

  /// A list that Python makes of `texts`, and what to make of each text here.
  private struct Case {
    var name: String
    var program: String
    var found: (String) -> String?

    init(_ name: String, _ program: String, _ found: @escaping (String) -> String?) {
      (self.name, self.program, self.found) = (name, program, found)
    }
  }

  private func check(_ cases: [Case]) throws {
    let programs = cases.map { "(\($0.program)).to_pylist()" }.joined(separator: ",\n  ")
    let answer = try Peer.ask(
      .object([.init("texts", .strings(texts))]), "texts = pa.array(document['texts'])\nanswer = [\n  \(programs)]")
    for (item, wanted) in zip(cases, answer.items) {
      #expect(wanted.items.count == texts.count)
      for (text, wanted) in zip(texts, wanted.items) {
        let found = item.found(text)
        let same =
          switch wanted {
          case .string(let wanted): found?.utf8.elementsEqual(wanted.utf8) ?? false
          case .int(let wanted): found == String(wanted)
          case .bool(let wanted): found == String(wanted)
          default: found == nil
          }
        if same { continue }
        Issue.record(
          "\(generator): \(item.name) of \(text.debugDescription) gave \(found.debugDescription), not \(wanted.text)")
      }
    }
  }

  @Test("lengths in characters, whole texts and slices are pyarrow's")
  func lengths() throws {
    var cases = [
      Case("length", "pc.utf8_length(texts)") { withBytes($0) { String(UTF8Text.characterCount($0)) } },
      Case("is ascii", "pc.string_is_ascii(texts)") { withBytes($0) { String(UTF8Text.isASCII($0)) } },
    ]
    for (start, stop) in [
      (0, nil), (2, nil), (-3, nil), (0, 3), (1, 4), (3, 2), (-4, -1), (-4, 3), (2, -2), (0, 0), (-1, -3), (40, 50),
      (-50, 2), (-50, -40), (1, -100), (20, 48),
    ] as [(Int, Int?)] {
      let end = stop.map { ", \($0)" } ?? ""
      cases.append(
        Case("slice \(start) \(end)", "pc.utf8_slice_codeunits(texts, \(start)\(end))") { text in
          part(text) { UTF8Text.slice($0, from: start, to: stop) }
        })
    }
    try check(cases)
  }

  @Test("slices at the ends of Int are the nearest places")
  func extremeSlices() {
    for (start, stop, wanted) in [
      (Int.min, Int.max, "aé😀"), (.max, .max, ""), (.min, .min, ""), (.max, .min, ""), (1, .max, "é😀"),
      (-2, .max, "é😀"),
      (0, .min, ""),
    ] as [(Int, Int, String)] {
      #expect(part("aé😀") { UTF8Text.slice($0, from: start, to: stop) } == wanted)
    }
  }

  @Test("trimming is pyarrow's")
  func trims() throws {
    let set = withBytes("ab é😀,") { TrimSet($0) }
    try check(
      [(TextSide.both, "trim"), (.start, "ltrim"), (.end, "rtrim")].flatMap { side, name in
        [
          Case(name, "pc.utf8_\(name)_whitespace(texts)") { text in
            part(text) { UTF8Text.trim($0, of: .whitespace, at: side) }
          },
          Case(name, "pc.utf8_\(name)(texts, 'ab é😀,')") { text in
            part(text) { UTF8Text.trim($0, of: set, at: side) }
          },
        ]
      })
  }

  @Test("padding is pyarrow's; a fill of several characters is repeated and cut")
  func pads() throws {
    try check(
      [(TextSide.start, "lpad"), (.end, "rpad"), (.both, "center")].flatMap { side, name in
        ["*", "é", "😀"].map { fill in
          Case(name, "pc.utf8_\(name)(texts, 9, '\(fill)')") { text in pad(text, 9, fill, side) }
        }
      })
    func pad(_ text: String, _ width: Int, _ fill: String, _ side: TextSide) -> String {
      withBytes(fill) { fill in
        withBytes(text) { text in written { UTF8Text.pad(text, to: width, with: fill, at: side, into: &$0) } }
      }
    }
    #expect(pad("a", 6, "é12", .start) == "é12é1a")
    #expect(pad("a", 6, "é12", .both) == "é1aé12")
    #expect(pad("a", 6, "", .end) == "a")
    #expect(pad("abc", -1, "x", .end) == "abc")
    #expect(pad("", 0, "x", .end) == "")
  }

  @Test("a text is longer than the least width")
  func leastWidth() {
    for width in [Int.min, .min + 1, -1, 0] {
      for side in [TextSide.start, .end, .both] {
        #expect(
          withBytes("aé") { text in
            withBytes("x") { fill in written { UTF8Text.pad(text, to: width, with: fill, at: side, into: &$0) } }
          } == "aé")
      }
    }
  }

  @Test("case, titles, reversal and repetition are pyarrow's")
  func transforms() throws {
    let functions: [(String, String, (TextBytes, inout TextWriter) -> Void)] = [
      ("upper", "pc.utf8_upper(texts)", { UTF8Text.uppercase($0, into: &$1) }),
      ("lower", "pc.utf8_lower(texts)", { UTF8Text.lowercase($0, into: &$1) }),
      ("title", "pc.utf8_title(texts)", { UTF8Text.titlecase($0, into: &$1) }),
      ("reverse", "pc.utf8_reverse(texts)", { UTF8Text.reverse($0, into: &$1) }),
      ("repeat", "pc.binary_repeat(texts, 3)", { UTF8Text.repeat($0, 3, into: &$1) }),
      ("repeat", "pc.binary_repeat(texts, 0)", { UTF8Text.repeat($0, 0, into: &$1) }),
    ]
    try check(
      functions.map { name, program, function in
        Case(name, program) { text in withBytes(text) { bytes in written { function(bytes, &$0) } } }
      })
  }

  @Test("replacing is pyarrow's, all and the first few")
  func replaces() throws {
    let arguments: [(String, String, Int?)] = [
      ("a", "xyz", nil), ("ab", "", nil), ("b", "b", 1), ("aa", "a", nil), ("é", "ab", 2), ("a", "", 0),
      ("zz", "q", nil),
    ]
    try check(
      arguments.map { pattern, replacement, limit in
        let searcher = SubstringSearcher(pattern.utf8)
        let count = limit.map { ", max_replacements=\($0)" } ?? ""
        return Case("replace", "pc.replace_substring(texts, '\(pattern)', '\(replacement)'\(count))") { text in
          withBytes(replacement) { replacement in
            withBytes(text) { text in
              written { UTF8Text.replace(text, searcher, with: replacement, limit: limit ?? .max, into: &$0) }
            }
          }
        }
      })
    let nothing = SubstringSearcher([])
    #expect(withBytes("ab") { text in written { UTF8Text.replace(text, nothing, with: text, into: &$0) } } == "ab")
  }

  @Test("places are Python's, in characters")
  func positions() throws {
    try check(
      ["a", "b", "ab", "é", "", "本", "a b"].map { pattern in
        let searcher = SubstringSearcher(pattern.utf8)
        return Case("position", "pa.array([t.find('\(pattern)') for t in document['texts']])") { text in
          withBytes(text) { String(UTF8Text.position(of: searcher, in: $0)) }
        }
      })
  }

  @Test("parts are DuckDB's, but that there is no part 0", arguments: [",", "a", "ab", "é", "aa"])
  func parts(_ separator: String) throws {
    let searcher = SubstringSearcher(separator.utf8)
    try check(
      [1, 2, 3, 7, -1, -2, -5].map { number in
        let program = """
          duckdb.sql("select split_part(t, '\(separator)', \(number)) p from\
           (select unnest($texts) t, unnest(range(len($texts))) i) order by i",
           params={"texts": document["texts"]}).to_arrow_table()["p"]
          """
        return Case("part \(number)", program) { text in
          part(text) { UTF8Text.split($0, at: searcher, part: number) ?? 0..<0 }
        }
      })
    withBytes("a\(separator)b") { text in
      #expect(UTF8Text.split(text, at: searcher, part: 0) == nil)
      #expect(UTF8Text.split(text, at: searcher, part: .min) == nil)
      #expect(UTF8Text.split(text, at: searcher, part: .max) == nil)
    }
  }

  @Test("an empty separator stands between characters")
  func emptySeparator() {
    let searcher = SubstringSearcher([])
    withBytes("aé😀") { text in
      let parts = [1, 2, 3, 4, -1, -2, -3, -4].map { UTF8Text.split(text, at: searcher, part: $0) }
      #expect(parts == [0..<1, 1..<3, 3..<7, nil, 3..<7, 1..<3, 0..<1, nil])
    }
  }

  @Test("the mappings of every character are pyarrow's, but for those that its Unicode does not have yet")
  func everyMapping() throws {
    let answer = try Peer.ask(
      .null,
      """
      scalars = [c for c in range(0x20000) if not 0xD800 <= c < 0xE000]
      texts = pa.array([chr(c) for c in scalars])
      names = ["utf8_upper", "utf8_lower"]
      maps = [[ord(t) if len(t) == 1 else -1 for t in getattr(pc, n)(texts).to_pylist()] for n in names]
      answer = [[c, u, l] for c, u, l in zip(scalars, *maps) if u != c or l != c]
      """)
    var theirs: [Int: (Int, Int)] = [:]
    for item in answer.items {
      let numbers = item.items.compactMap(\.number)
      theirs[numbers[0]] = (numbers[1], numbers[2])
    }
    // Letters that got a partner after the Unicode of the standard library: there the partner is no character yet.
    func known(_ value: Int) -> Bool {
      Unicode.Scalar(UInt32(value)).map { $0.properties.generalCategory != .unassigned } ?? false
    }
    var different: [String] = []
    for value in 0..<UInt32(0x2_0000) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let (upper, lower) = theirs[Int(value)] ?? (Int(value), Int(value))
      let text = String(String.UnicodeScalarView([scalar]))
      let ours = withBytes(text) { bytes in
        [written { UTF8Text.uppercase(bytes, into: &$0) }, written { UTF8Text.lowercase(bytes, into: &$0) }]
      }.map { Int($0.unicodeScalars.first?.value ?? 0) }
      guard ours != [upper, lower], known(Int(value)), known(upper), known(lower) else { continue }
      different.append("\(String(value, radix: 16)): \(ours), not \([upper, lower])")
    }
    #expect(different == [])
  }

  @Test("valid UTF-8 is what Swift's own decoder takes")
  func validation() {
    var generator = SeededGenerator()
    let bytes: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
      0xF0,
      0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    func check(_ sample: [UInt8]) {
      let wanted = String(validating: sample, as: UTF8.self) != nil
      let found = withBytes(sample) { UTF8Text.firstInvalidByte($0) }
      if (found == nil) != wanted { Issue.record("\(generator): \(sample): \(String(describing: found))") }
      guard let found else { return }
      #expect(String(validating: sample[..<found], as: UTF8.self) != nil, "\(sample)")
    }
    for a in bytes { for b in bytes { for c in bytes { check([a, b, c]) } } }
    for _ in 0..<20_000 {
      var sample = Array(RandomText.make(&generator, upTo: 30).utf8)
      if Bool.random(using: &generator) {
        let place = Int.random(in: 0...sample.count, using: &generator)
        sample.insert(bytes.randomElement(using: &generator)!, at: place)
      }
      check(sample)
    }
  }

  @Test("bytes that are no UTF-8 give some text and touch nothing outside")
  func invalid() {
    var generator = SeededGenerator()
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      withBytes(bytes) { text in
        let count = UTF8Text.characterCount(text)
        #expect(count <= bytes.count)
        for side in [TextSide.start, .end, .both] {
          #expect(UTF8Text.trim(text, of: .whitespace, at: side).upperBound <= bytes.count)
          _ = written { UTF8Text.pad(text, to: 12, with: text, at: side, into: &$0) }
        }
        #expect(UTF8Text.slice(text, from: -3, to: nil).upperBound == bytes.count)
        #expect(UTF8Text.slice(text, from: 2, to: 5).upperBound <= bytes.count)
        _ = written { writer in
          UTF8Text.uppercase(text, into: &writer)
          UTF8Text.lowercase(text, into: &writer)
          UTF8Text.titlecase(text, into: &writer)
          UTF8Text.reverse(text, into: &writer)
          UTF8Text.fold(text, into: &writer)
        }
        _ = UTF8Text.split(text, at: SubstringSearcher([]), part: 2)
        _ = UTF8Text.split(text, at: SubstringSearcher([]), part: -2)
        _ = TrimSet(text)
      }
    }
  }
}
