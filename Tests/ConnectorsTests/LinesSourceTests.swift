import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("Lines source") struct LinesSourceTests {
  @Test(
    "each line is a row, whatever the size of the chunks that they are read in",
    arguments: [
      ("", []), ("\n", [""]), ("a", ["a"]), ("a\n", ["a"]), ("a\r\nb\n\n c \n", ["a", "b", "", " c "]),
      ("a\rb\r\r\n\"q\",x", ["a\rb\r", "\"q\",x"]), ("\u{FEFF}ä\n漢\r", ["ä", "漢"]),
    ])
  func lines(_ document: String, _ expected: [String]) throws {
    for chunk in 1...max(1, document.utf8.count) {
      #expect(
        try parse("lines", document.utf8, [Field("line", .utf8)], chunkBytes: chunk) == expected.map { [$0] },
        "chunks of \(chunk) bytes")
    }
  }

  @Test("text that is not UTF-8 and lines that are too long are named")
  func bad() throws {
    let fields = [Field("line", .utf8)]
    let rows = try parse("lines", [97, 10, 0xFE, 10], fields)
    #expect(
      rows[0][0]?.hasPrefix("in.txt:2: column 'line': '\u{FFFD}' is not UTF-8 (the record begins at byte 2); ") == true)
    for chunk in [1, 4, 1 << 20] {
      let rows = try parse(
        "lines", "ok\n\(String(repeating: "y", count: 50))\n".utf8, fields, chunkBytes: chunk, maxRecordBytes: 20)
      #expect(rows[0][0]?.hasPrefix("in.txt:2: the record has ") == true, "\(rows)")
    }
  }
}
