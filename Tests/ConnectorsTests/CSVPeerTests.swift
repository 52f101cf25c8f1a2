import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("CSV source and its peers") struct CSVPeerTests {
  /// A document of random fields, quoted at random, and where it must be.
  private func document(_ generator: inout SeededGenerator, rows: Int) -> String {
    let pieces = ["a", "Bc", "ä", "漢", "🚀", "\"", ",", "\n", "\r\n", " ", ";", "plain text", "0", "'", "\\"]
    var text = "i,s,d,r\n"
    for _ in 0..<rows {
      var fields: [String] = []
      fields.append(
        Int.random(in: 0..<10, using: &generator) == 0
          ? "" : "\(Int64.random(in: .min ... .max, using: &generator) >> Int.random(in: 0..<64, using: &generator))")
      for _ in 0..<3 {
        let value = (0..<Int.random(in: 0..<6, using: &generator)).map { _ in
          pieces.randomElement(using: &generator) ?? ""
        }
        .joined()
        let mustQuote = value.isEmpty || value.contains { $0 == "\"" || $0 == "," || $0.isNewline }
        if mustQuote || Bool.random(using: &generator) {
          fields.append("\"" + value.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\"")
        } else {
          fields.append(value)
        }
      }
      let double = Double(bitPattern: UInt64.random(in: 0 ... .max, using: &generator))
      fields[2] = double.isFinite ? "\(double)" : "\(Int.random(in: -99999...99999, using: &generator)).25"
      text += fields.joined(separator: ",") + (Bool.random(using: &generator) ? "\r\n" : "\n")
    }
    return text
  }

  private let fields = [Field("i", .int64), Field("s", .utf8), Field("d", .float64), Field("r", .utf8)]

  @Test("random documents give what Python's csv module gives")
  func pythonCSV() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let path = folder.write("in.csv", document(&generator, rows: 3000))
    let peer = TestProcess.python(
      canonicalPython + """
        with open(sys.argv[1], newline='', encoding='utf-8') as f:
            rows = [[int(r['i']) if r['i'] else None, r['s'], float(r['d']), r['r']] for r in csv.DictReader(f)]
        show(rows, 'lsds')
        """, arguments: [path])
    #expect(peer.status == 0, "\(peer.errors)")
    for chunk in [37, 4096, 1 << 20] {
      let ours = canonical(try batches(of: try textSource("csv", path, fields, chunkBytes: chunk)))
      #expect(ours == peer.output, "\(generator), chunks of \(chunk) bytes")
    }
  }

  @Test("random documents give what pyarrow gives")
  func pyarrow() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let path = folder.write("in.csv", document(&generator, rows: 3000))
    let peer = TestProcess.python(
      canonicalPython + """
        import pyarrow as pa, pyarrow.csv as pc
        table = pc.read_csv(sys.argv[1], parse_options=pc.ParseOptions(newlines_in_values=True),
            convert_options=pc.ConvertOptions(column_types={'i': pa.int64(), 's': pa.string(), 'd': pa.float64(), 'r': pa.string()},
                strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=['']))
        show(zip(*[table[c].to_pylist() for c in 'isdr']), 'lsds')
        """, arguments: [path])
    #expect(peer.status == 0, "\(peer.errors)")
    #expect(canonical(try batches(of: try textSource("csv", path, fields))) == peer.output, "\(generator)")
  }

  @Test("a document cut or changed anywhere never crashes, and gives rows or a sentence")
  func mutations() throws {
    var generator = SeededGenerator()
    let original = Array(document(&generator, rows: 12).utf8)
    for _ in 0..<600 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.removeLast(bytes.count - max(1, place))
        default: bytes.insert([34, 44, 10, 13, 0][Int.random(in: 0..<5, using: &generator)], at: place)
        }
      }
      let whole = try parse("csv", bytes, fields)
      let chunk = Int.random(in: 1...40, using: &generator)
      #expect(try parse("csv", bytes, fields, chunkBytes: chunk) == whole, "\(generator) \(chunk)")
    }
  }
}
