import TestSupport
import Text
import VolleyPlan

/// The bytes of a string, exactly as many as it has and in memory of their own, so that the address sanitizer sees what reads
/// beyond them.
func withBytes<Result>(_ text: String, _ body: (TextBytes) throws -> Result) rethrows -> Result {
  try withBytes(Array(text.utf8), body)
}

func withBytes<Result>(_ bytes: [UInt8], _ body: (TextBytes) throws -> Result) rethrows -> Result {
  let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
  defer { memory.deallocate() }
  _ = memory.initialize(from: bytes)
  return try body(TextBytes(memory))
}

/// The part of `text` that `range` names, as a string.
func part(_ text: String, _ range: (TextBytes) -> Range<Int>) -> String {
  withBytes(text) { String(decoding: $0[range($0)], as: UTF8.self) }
}

/// What `body` writes. The memory grows by single steps of what is asked for, so that a missing `reserve` shows.
func written(_ body: (inout TextWriter) throws -> Void) rethrows -> String {
  final class Memory {
    var bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1)
    deinit { bytes.deallocate() }
  }
  let memory = Memory()
  var writer = TextWriter(capacity: 1) { count, capacity in
    let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: capacity)
    for index in 0..<count { larger[index] = memory.bytes[index] }
    memory.bytes.deallocate()
    memory.bytes = larger
    return larger
  }
  try body(&writer)
  return String(decoding: UnsafeBufferPointer(start: writer.base, count: writer.count), as: UTF8.self)
}

/// A Python program's answer to a document: what it leaves in `answer`, with `document`, `pa`, `pc` and `duckdb` at hand.
enum Peer {
  struct Failed: Error, CustomStringConvertible { var description: String }

  static func ask(_ document: JSONValue, _ program: String) throws -> JSONValue {
    let head = """
      import sys, json
      import pyarrow as pa, pyarrow.compute as pc, duckdb
      document = json.load(sys.stdin)

      """
    let outcome = TestProcess.python(head + program + "\njson.dump(answer, sys.stdout)\n", input: document.text)
    guard outcome.status == 0 else {
      throw Failed(
        description: "python3 with pyarrow and duckdb is needed (pip install pyarrow duckdb): \(outcome.errors)")
    }
    return try JSONValue.parse(outcome.output)
  }
}

extension JSONValue {
  static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
  static func ints(_ values: [Int]) -> JSONValue { .array(values.map { .int(Int64($0)) }) }

  var items: [JSONValue] { if case .array(let items) = self { items } else { [] } }
  var string: String? { if case .string(let text) = self { text } else { nil } }
  var number: Int? { if case .int(let number) = self { Int(number) } else { nil } }
  var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }
}

/// Strings of few different characters, so that they have much in common, among them such of every width and with odd cases.
struct RandomText {
  static let letters: [Unicode.Scalar] = [
    "a", "b", "a", "b", "c", "A", "B", "k", "s", " ", "\t", "\n", "%", "_", "\\", ",", ".", "1", "0", "\u{7F}",
    "\u{80}",
    "é", "ß", "İ", "ı", "ſ", "\u{212A}", "Σ", "σ", "ς", "ǅ", "\u{A0}", "\u{300}", "\u{7FF}", "\u{800}", "日", "本",
    "\u{FFFF}",
    "😀", "\u{10FFFF}", "\u{1C}", "\u{2003}", "ŉ",
  ]

  static func make(
    _ generator: inout SeededGenerator, upTo length: Int = 12, of letters: [Unicode.Scalar] = letters
  ) -> String {
    // Texts of few letters now and then: repetitions are where searches go wrong.
    let narrow = Bool.random(using: &generator) ? Array(letters.prefix(4)) : letters
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...length, using: &generator) { text.append(narrow.randomElement(using: &generator)!) }
    return String(text)
  }
}
