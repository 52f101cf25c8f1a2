import TestSupport
import Testing
import VolleyPlan

@Suite("JSON documents")
struct JSONParserTests {
  @Test(
    "every kind of value is read and written",
    arguments: [
      ("null", JSONValue.null), ("true", .bool(true)), ("false", .bool(false)), ("0", .int(0)), ("-1", .int(-1)),
      ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)), ("1.5", .double(1.5)),
      ("-0.0", .double(-0.0)), ("1e+20", .double(1e20)), ("5e-324", .double(.leastNonzeroMagnitude)),
      ("1.7976931348623157e+308", .double(.greatestFiniteMagnitude)), ("\"\"", .string("")),
      ("\"a\\\"\\\\\\n\\r\\t\\u0001é😀\"", .string("a\"\\\n\r\t\u{1}é😀")), ("[]", .array([])), ("{}", .object([])),
      ("[1,[2]]", .array([.int(1), .array([.int(2)])])),
      ("{\"b\":1,\"a\":{}}", .object([.init("b", .int(1)), .init("a", .object([]))])),
    ])
  func readAndWrite(text: String, value: JSONValue) throws {
    #expect(try JSONValue.parse(text) == value)
    #expect(value.text == text)
    #expect(try JSONValue.parse(value.prettyText) == value)
  }

  @Test(
    "other spellings of the same value are read",
    arguments: [
      (" \t\r\n1 ", JSONValue.int(1)), ("-0", .double(-0.0)),
      ("9223372036854775808", .double(9_223_372_036_854_775_808)),
      ("1E2", .double(100)), ("1e-2", .double(0.01)),
      ("\"\\u0041\\u00e9\\ud83d\\ude00\\/\\b\\f\"", .string("Aé😀/\u{8}\u{c}")),
      ("[ 1 , 2 ]", .array([.int(1), .int(2)])), ("{ \"a\" : 1 }", .object([.init("a", .int(1))])),
    ])
  func spellings(text: String, value: JSONValue) throws { #expect(try JSONValue.parse(text) == value) }

  @Test(
    "a malformed document is refused with place and reason",
    arguments: [
      ("", "line 1, column 1, offset 0: expected a value, found the end of the document"),
      ("{\n  \"a\": 1,\n  b: 2\n}", "line 3, column 3, offset 14: expected a name in quotation marks, found 'b'"),
      ("{\"a\":1,\"a\":2}", "line 1, column 8, offset 7: the name 'a' stands twice in one object"),
      ("{\"a\" 1}", "line 1, column 6, offset 5: expected ':' after a name, found '1'"),
      ("[1 2]", "line 1, column 4, offset 3: expected ',' or ']', found '2'"),
      ("[1,]", "line 1, column 4, offset 3: expected a value, found ']'"),
      ("[", "line 1, column 2, offset 1: expected a value, found the end of the document"),
      ("1 2", "line 1, column 3, offset 2: expected the end of the document, found '2'"),
      ("01", "line 1, column 2, offset 1: expected the end of the document, found '1'"),
      ("1.", "line 1, column 3, offset 2: expected a digit, found the end of the document"),
      ("1e", "line 1, column 3, offset 2: expected a digit, found the end of the document"),
      ("-", "line 1, column 2, offset 1: expected a digit, found the end of the document"),
      ("1e999", "line 1, column 1, offset 0: the number 1e999 does not fit a 64-bit float"),
      ("nul", "line 1, column 1, offset 0: expected null, found 'n'"),
      ("\"a", "line 1, column 3, offset 2: expected '\"', found the end of the document"),
      ("\"\\x\"", "line 1, column 3, offset 2: expected one of the escapes \" \\ / b f n r t u, found 'x'"),
      ("\"\\ud800\"", "line 1, column 2, offset 1: a surrogate stands alone"),
      ("\"\\ud800\\u0041\"", "line 1, column 2, offset 1: a surrogate stands alone"),
      ("\"\\udc00\"", "line 1, column 2, offset 1: a surrogate stands alone"),
      ("\"\\u00g0\"", "line 1, column 6, offset 5: expected four hexadecimal digits, found 'g'"),
      ("\"\n\"", "line 1, column 2, offset 1: expected '\"' or an escape for a control character, found byte 10"),
    ])
  func malformed(text: String, message: String) {
    #expect(throws: PlanError(message)) { try JSONValue.parse(text) }
  }

  @Test("a string that is not UTF-8 is refused")
  func notUTF8() {
    #expect(throws: PlanError("line 1, column 2, offset 1: the string is not UTF-8")) {
      try JSONValue.parse([0x22, 0xC3, 0x28, 0x22])
    }
  }

  @Test("nesting is bounded")
  func depth() throws {
    let deepest = JSONValue.maximumDepth
    _ = try JSONValue.parse(String(repeating: "[", count: deepest) + String(repeating: "]", count: deepest))
    #expect(throws: PlanError("line 1, column 801, offset 800: nested deeper than 800 levels")) {
      try JSONValue.parse(String(repeating: "[", count: 100_000))
    }
  }

  @Test("random documents survive, and Python reads the same")
  func random() throws {
    var generator = SeededGenerator()
    let seed = generator.description
    var lines: [String] = []
    for _ in 0..<500 {
      let value = Self.value(&generator, depth: 0)
      #expect(try JSONValue.parse(value.text) == value, "\(seed)")
      #expect(try JSONValue.parse(value.prettyText) == value, "\(seed)")
      lines.append(value.text)
    }
    let program = """
      import json, sys
      for line in sys.stdin:
        print(json.dumps(json.loads(line), ensure_ascii=True, separators=(",", ":")))
      """
    let outcome = TestProcess.run(["python3", "-c", program], input: lines.joined(separator: "\n"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let answers = outcome.output.split(separator: "\n").map(String.init)
    #expect(answers.count == lines.count, "\(seed)")
    for (line, answer) in zip(lines, answers) {
      #expect(try JSONValue.parse(line) == JSONValue.parse(answer), "\(seed)")
    }
  }

  @Test("random bytes and cut or damaged documents never trap")
  func damage() {
    var generator = SeededGenerator()
    for _ in 0..<2000 {
      var bytes = Array(Self.value(&generator, depth: 0).text.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
      if let value = try? JSONValue.parse(bytes) {
        #expect((try? JSONValue.parse(value.text)) == value, "\(generator)")
      }
    }
  }

  static func value(_ generator: inout SeededGenerator, depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth < 4 ? 8 : 6), using: &generator) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &generator))
    case 2: return .int(Int64.random(in: .min ... .max, using: &generator))
    case 3: return .int(Int64.random(in: -10...10, using: &generator))
    case 4:
      let value = Double(bitPattern: UInt64.random(in: 0 ... .max, using: &generator))
      return .double(value.isFinite ? value : 0.5)
    case 5: return .string(text(&generator))
    case 6:
      return .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in value(&generator, depth: depth + 1) })
    default:
      return .object(
        (0..<Int.random(in: 0...4, using: &generator)).map {
          .init("\($0)" + text(&generator), value(&generator, depth: depth + 1))
        })
    }
  }

  static func text(_ generator: inout SeededGenerator) -> String {
    let alphabet: [Character] = ["a", "\"", "\\", "\n", "\u{0}", "\u{1f}", "é", "😀", "/", " ", "\u{7f}", "\u{2028}"]
    return String(
      (0..<Int.random(in: 0...6, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! })
  }
}
