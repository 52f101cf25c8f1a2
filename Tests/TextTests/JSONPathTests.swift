import Base
import TestSupport
import Testing
import Text
import VolleyPlan

struct JSONPathTests {
  /// The raw text and the unescaped one; nil for nothing.
  private func find(_ path: JSONPath, _ text: String) -> (raw: String, text: String)? {
    withBytes(text) { bytes in
      path.find(in: bytes).map { slice in
        (String(decoding: bytes[slice.range], as: UTF8.self), written { JSONPath.write(slice, of: bytes, into: &$0) })
      }
    }
  }

  private func raw(_ path: String, _ text: String) throws -> String? { find(try JSONPath(path), text)?.raw }

  @Test("paths lead to members and elements, from both ends")
  func small() throws {
    let document = #" {"a": {"b": [1, "x\"\u00e9", {"c d": null}]}, "é": true, "": 2, "a": 9, "\u0061b": [] } "#
    #expect(try raw("$", "  7 ") == "7")
    #expect(try raw("$.a.b[0]", document) == "1")
    #expect(try raw("$.a.b[-1]", document) == #"{"c d": null}"#)
    #expect(try raw("$.a.b[#-3]", document) == "1")
    #expect(try raw("$.a.b[-4]", document) == nil)
    #expect(try raw("$.a.b[3]", document) == nil)
    #expect(try raw("$.a.b[2]['c d']", document) == "null")
    #expect(try raw(#"$["a"]."b"[2]."c d""#, document) == "null")
    #expect(try raw("$.é", document) == "true")
    #expect(try raw("$[\"\"]", document) == "2")
    #expect(try raw("$.ab", document) == "[]")
    #expect(try raw("$.a[0]", document) == nil)
    #expect(try raw("$.a.b.c", document) == nil)
    #expect(find(try JSONPath("$.a.b[1]"), document)?.text == "x\"é")
    #expect(find(try JSONPath("$"), #""\ud83d\ude00\/\n""#)?.text == "😀/\n")
  }

  @Test("damage anywhere gives nothing, also behind what the path leads to")
  func damaged() throws {
    for text in [
      "", " ", "{", #"{"a":1"#, #"{"a":1,}"#, #"{"a":1}x"#, #"{"a":1,"b":01}"#, #"{"a":1,"b":"\x"}"#,
      "{\"a\":1,\"b\":\"\n\"}",
      #"{"a":1,"b":tru}"#, #"{"a":1,"b":"\ud800"}"#, #"{"a":1,"b":"\ude00"}"#, #"{"a":1 "b":2}"#, #"{"a":1,b:2}"#,
      #"{"a":1,"b":[1,]}"#, #"{"a":1,"b":1.}"#, #"{"a":1,"b":-}"#, #"{"a":1,"b":1e}"#, #"{"a":1,"b":NaN}"#,
      #"{"a":1,"b":"\u12"}"#,
    ] {
      #expect(try raw("$.a", text) == nil, "\(text)")
    }
    #expect(try raw("$.a", #"{"a":1,"b":-0.5E+7}"#) == "1")
  }

  @Test("documents nest 500 deep, and deeper ones give nothing")
  func depth() throws {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(try raw("$", nested(500)) == nested(500))
    #expect(try raw("$", nested(501)) == nil)
    #expect(try raw("$", String(repeating: "[", count: 1_000_000)) == nil)
    #expect(try raw("$" + String(repeating: "[0]", count: 600), nested(600)) == nil)
  }

  @Test(
    "a path that is none is refused with its place",
    arguments: [
      ("a", 1), ("", 1), ("$a", 2), ("$.", 3), ("$[", 3), ("$[0", 4), ("$[x]", 3), ("$['a]", 6), ("$.*", 4),
      ("$[*]", 3),
      ("$[#1]", 5), ("$..a", 3),
    ])
  func refused(_ path: String, _ place: Int) {
    #expect {
      try JSONPath(path)
    } throws: {
      "\($0)".hasPrefix("JSON path \"\(path)\", byte \(place): ")
    }
  }

  /// A random document of few names, so that paths hit, with odd spaces and escapes.
  private func document(_ generator: inout SeededGenerator, _ depth: Int) -> String {
    func pick(_ texts: [String]) -> String { texts.randomElement(using: &generator)! }
    func space() -> String { pick(["", "", "", " ", "\n\t"]) }
    switch Int.random(in: 0..<(depth > 0 ? 8 : 4), using: &generator) {
    case 0: return pick(["0", "-1", "12", "123456789012345", "-7", "20"])
    case 1: return pick(["true", "false", "null"])
    case 2...3:
      return pick([
        #""""#, #""a""#, #""x\ny""#, #""\u00e9\"\\""#, #""\ud83d\ude00""#,
        #""日本 a longer string, of more than 16 bytes""#,
        #""\/b""#,
      ])
    case 4...5:
      let items = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        space() + document(&generator, depth - 1) + space()
      }
      return "[" + items.joined(separator: ",") + "]"
    default:
      let members = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        space() + pick([#""a""#, #""b""#, #""x y""#, #""\u0061""#, #""é""#]) + space() + ":" + space()
          + document(&generator, depth - 1) + space()
      }
      return "{" + members.joined(separator: ",") + "}"
    }
  }

  private static let paths = [
    "$", "$.a", "$.b", "$[0]", "$[1]", "$[-1]", "$.a.b", "$.a.a", "$.a[0]", "$[0].a", #"$."x y""#, "$.é", "$[0][0]",
    "$.b.a",
    "$[-2]", "$.a[-1].b",
  ]

  @Test("random documents give what DuckDB extracts")
  func duckdb() throws {
    var generator = SeededGenerator()
    let texts = (0..<1500).map { _ in document(&generator, 4) }
    let answer = try Peer.ask(
      .object([.init("texts", .strings(texts)), .init("paths", .strings(Self.paths))]),
      """
      t = pa.table({"t": document["texts"], "i": range(len(document["texts"]))})
      answer = []
      for path in document["paths"]:
          rows = duckdb.sql("select json_extract(t, $p)::varchar, json_extract_string(t, $p) from t order by i", params={"p": path})
          answer.append([list(r) for r in rows.fetchall()])
      """)
    for (path, rows) in zip(Self.paths, answer.items) {
      let compiled = try JSONPath(path)
      for (text, row) in zip(texts, rows.items) {
        let found = find(compiled, text)
        let wanted = row.items[0].string
        // DuckDB writes values anew; they are compared as what they are, but for those with a name twice, which the parser
        // here refuses.
        var same = (found == nil) == (wanted == nil)
        if let found, let wanted, let theirs = try? JSONValue.parse(wanted) {
          same = try JSONValue.parse(found.raw) == theirs
        }
        if !same {
          Issue.record("\(generator): \(path) in \(text) gave \(found?.raw ?? "nothing"), not \(wanted ?? "nothing")")
        }
        guard let found, found.raw.first != "{", found.raw.first != "[", found.raw != "null" else { continue }
        #expect(found.text == row.items[1].string, "\(generator): \(path) in \(text)")
      }
    }
  }

  @Test("mutated documents are JSON when Python says so")
  func mutated() throws {
    var generator = SeededGenerator()
    let texts = (0..<6000).map { _ -> String in
      var scalars = Array(document(&generator, 3).unicodeScalars)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0...scalars.count, using: &generator)
        let letter = Array("{}[]:,\"\\ud8e0-+.1tn\n ".unicodeScalars).randomElement(using: &generator)!
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: scalars.insert(letter, at: place)
        case 1 where place < scalars.count: scalars.remove(at: place)
        case _ where place < scalars.count: scalars[place] = letter
        default: break
        }
      }
      return String(String.UnicodeScalarView(scalars))
    }
    let answer = try Peer.ask(
      .object([.init("texts", .strings(texts))]),
      """
      def refuse(name): raise ValueError(name)

      def valid(text):
          try:
              value = json.loads(text, parse_constant=refuse, object_pairs_hook=list)
              json.dumps(value, ensure_ascii=False).encode("utf-8")  # Half a surrogate pair is refused here.
              return True
          except ValueError:
              return False

      answer = [valid(t) for t in document["texts"]]
      """)
    let path = try JSONPath("$")
    let deep = try JSONPath("$.a[-1].b")
    for (text, wanted) in zip(texts, answer.items) {
      let found = find(path, text)
      #expect((found != nil) == wanted.flag, "\(generator): \(text.debugDescription)")
      if found == nil { #expect(find(deep, text) == nil, "\(generator): \(text.debugDescription)") }
    }
  }

  @Test("any bytes give something or nothing, and touch nothing outside")
  func anyBytes() throws {
    var generator = SeededGenerator()
    let paths = try Self.paths.map { try JSONPath($0) }
    for _ in 0..<20_000 {
      let signs = Array("{}[]:,\"\\ua1e- \u{7F}".utf8) + [0x80, 0xFF, 0x00]
      let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in signs.randomElement(using: &generator)! }
      withBytes(bytes) { text in
        for path in paths {
          guard let slice = path.find(in: text) else { continue }
          #expect(slice.range.upperBound <= bytes.count)
          _ = written { JSONPath.write(slice, of: text, into: &$0) }
        }
      }
    }
  }
}
