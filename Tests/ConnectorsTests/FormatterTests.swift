import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("Output formats") struct FormatterTests {
  private let row: [Literal?] = [
    .bool(true), .int32(-1), .int64(2), .float64(0.5), .utf8("a \"b\", c"),
    .timestamp(1_709_210_096_123_456, .microsecond, timezone: nil),
  ]

  @Test("CSV: a header, quotes where they must be, empty fields for nulls, quotes for empty text")
  func csv() {
    let rows = [
      row, Array(repeating: nil, count: 6), [.bool(false), .int32(0), .int64(.min), .float64(.nan), .utf8(""), nil],
    ]
    #expect(
      format(CSVFormatter(schema: Schema(everyType), delimiter: 44, hasHeader: true), [batch(everyType, rows)]) == """
        b,i,l,d,s,t
        true,-1,2,0.5,"a ""b"", c",2024-02-29T12:34:56.123456
        ,,,,,
        false,0,-9223372036854775808,NaN,"",

        """)
    let odd = [Field("a,b", .utf8), Field("", .utf8), Field("q\"", .utf8)]
    #expect(
      format(
        CSVFormatter(schema: Schema(odd), delimiter: 59, hasHeader: true),
        [batch(odd, [[.utf8("x;y"), .utf8("x,y"), .utf8("x\ry and eight more")]])])
        == "a,b;\"\";\"q\"\"\"\n\"x;y\";x,y;\"x\ry and eight more\"\n")
    #expect(format(CSVFormatter(schema: Schema(everyType), delimiter: 44, hasHeader: false), []) == "")
  }

  @Test("JSON lines: an object a line, text escaped, null for nulls, text for what JSON has no number for")
  func jsonLines() {
    let rows = [
      row, Array(repeating: nil, count: 6),
      [
        .bool(false), .int32(0), .int64(.max), .float64(-.infinity), .utf8("\u{1}\n\\ /ä🚀\u{7F}"),
        .timestamp(.max, .microsecond, timezone: nil),
      ],
    ]
    #expect(
      format(JSONLinesFormatter(schema: Schema(everyType)), [batch(everyType, rows)]) == #"""
        {"b":true,"i":-1,"l":2,"d":0.5,"s":"a \"b\", c","t":"2024-02-29T12:34:56.123456"}
        {"b":null,"i":null,"l":null,"d":null,"s":null,"t":null}
        {"b":false,"i":0,"l":9223372036854775807,"d":"-Infinity","s":"\u0001\n\\ /ä🚀\#u{7F}","t":9223372036854775807}

        """#)
    let odd = [Field("say \"x\"\n", .int64)]
    #expect(
      format(JSONLinesFormatter(schema: Schema(odd)), [batch(odd, [[.int64(1)]])]) == "{\"say \\\"x\\\"\\n\":1}\n")
  }

  @Test("timestamps have as many decimals as their unit, and a Z when they have a time zone")
  func timestamps() {
    for (type, text) in [
      (DataType.timestamp(.second), "1970-01-01T00:00:01"), (.timestamp(.millisecond), "1970-01-01T00:00:00.001"),
      (.timestamp(.nanosecond), "1970-01-01T00:00:00.000000001"),
      (.timestamp(.second, timezone: "Europe/Berlin"), "1970-01-01T00:00:01Z"),
    ] {
      guard case .timestamp(let unit, let zone) = type else { continue }
      let fields = [Field("t", type)]
      let written = format(
        CSVFormatter(schema: Schema(fields), delimiter: 44, hasHeader: false),
        [batch(fields, [[.timestamp(1, unit, timezone: zone)]])])
      #expect(written == text + "\n")
    }
  }

  @Test("what is written is read back exactly, in both formats")
  func roundTrips() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    for round in 0..<5 {
      let batch = randomBatch(&generator, rows: 700)
      let csv = folder.write(
        "\(round).csv", format(CSVFormatter(schema: Schema(everyType), delimiter: 44, hasHeader: true), [batch]))
      #expect(canonical(try batches(of: try textSource("csv", csv, everyType))) == canonical([batch]), "\(generator)")
      let json = folder.write("\(round).jsonl", format(JSONLinesFormatter(schema: Schema(everyType)), [batch]))
      #expect(
        canonical(try batches(of: try textSource("jsonlines", json, everyType))) == canonical([batch]), "\(generator)")
    }
  }

  @Test("what is written, Python's csv and json modules and pyarrow read as it was meant")
  func peers() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    // A carriage return in quotes ends a line for pyarrow's reader of blocks, so its text goes by the csv module alone.
    let batch = randomBatch(&generator, rows: 2000, nonFinite: false)
    let expected = canonical([batch])
    let csv = folder.write(
      "out.csv", format(CSVFormatter(schema: Schema(everyType), delimiter: 44, hasHeader: true), [batch]))
    let json = folder.write("out.jsonl", format(JSONLinesFormatter(schema: Schema(everyType)), [batch]))
    let time = """
      import datetime
      def micros(t): return None if not t else (datetime.datetime.fromisoformat(t) - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)

      """
    let readJSON = TestProcess.python(
      canonicalPython + time + """
        show(([o['b'], o['i'], o['l'], None if o['d'] is None else float(o['d']), o['s'], micros(o['t'])] for o in map(json.loads, open(sys.argv[1], encoding='utf-8', newline='\\n'))), 'bildst')
        """, arguments: [json])
    #expect(readJSON.output == expected, "\(generator) \(readJSON.errors)")
    let readCSV = TestProcess.python(
      canonicalPython + time + """
        def rows():
            for r in csv.DictReader(open(sys.argv[1], encoding='utf-8', newline='')):
                yield [{'true': True, 'false': False, '': None}[r['b']], r['i'] or None, r['l'] or None, float(r['d']) if r['d'] else None, r['s'], micros(r['t'])]
        show(rows(), 'bildst')
        """, arguments: [csv])
    // The module does not tell an empty field from an empty text.
    let emptied = expected.split(separator: "\n").map { line in
      line.split(separator: "\t", omittingEmptySubsequences: false).enumerated().map {
        $0.offset == 4 && $0.element == "\\N" ? "" : $0.element
      }
      .joined(separator: "\t") + "\n"
    }.joined()
    #expect(readCSV.output == emptied, "\(generator) \(readCSV.errors)")
    let arrow = TestProcess.python(
      canonicalPython + """
        import pyarrow as pa, pyarrow.csv as pc
        types = {'b': pa.bool_(), 'i': pa.int32(), 'l': pa.int64(), 'd': pa.float64(), 's': pa.string(), 't': pa.timestamp('us')}
        table = pc.read_csv(sys.argv[1], parse_options=pc.ParseOptions(newlines_in_values=True), convert_options=pc.ConvertOptions(
            column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=['']))
        columns = [table[c].cast(pa.int64()) if c == 't' else table[c] for c in 'bildst']
        show(zip(*[c.to_pylist() for c in columns]), 'bildst')
        """, arguments: [csv])
    #expect(arrow.output == expected, "\(generator) \(arrow.errors)")
  }

  @Test("long texts are written like short ones, and their memory is given back")
  func longTexts() throws {
    let fields = [Field("s", .utf8), Field("n", .int64)]
    let folder = TemporaryFolder()
    for text in [String(repeating: "x", count: 5000), String(repeating: "\u{1}\"", count: 1_000_000)] {
      let rows = batch(fields, [[.utf8(text), .int64(1)], [.utf8("short"), .int64(2)], [.utf8(text), .int64(3)]])
      #expect(JSONLinesFormatter(schema: rows.schema).chunkRows(of: rows) == (text.utf8.count > 100_000 ? 1 : 78))
      for (format, suffix) in [("csv", "csv"), ("jsonlines", "jsonl")] {
        let sink = try makeSink(format, [.init("path", .string(folder.file("out.\(suffix)")))], fields).make(alone)
        try run(sink, [rows])
        let found = try batches(of: try textSource(format, folder.file("out.\(suffix)"), fields))
        #expect(canonical(found) == canonical([rows]))
      }
    }
    let out = ByteWriter()
    out.append(String(repeating: "x", count: 10 << 20))
    out.removeAll()
    out.append("y")
    #expect(out.bytes == [121])
  }

  @Test("the console aligns columns, numbers to the right, and keeps each row on one line")
  func console() {
    let names = ConsoleNames()
    let name = ConsoleName("counts", in: names)
    let fields = [Field("word", .utf8), Field("n", .int64), Field("last", .utf8)]
    let formatter = ConsoleFormatter(schema: Schema(fields), name: name)
    let first = batch(fields, [[.utf8("a"), .int64(1), .utf8("x")], [.utf8("grün"), .int64(-100), nil]])
    let second = batch(fields, [[.utf8("two\nlines\u{1B}"), .int64(7), .utf8("")]])
    #expect(
      format(formatter, [first, second]) == """
        word     n  last
        a        1  x
        grün  -100  null
        two\\nlines\\u{1b}     7  

        """)
  }

  @Test("with several console sinks each line begins with its sink's uid")
  func consolePrefix() {
    let names = ConsoleNames()
    let fields = [Field("n", .int64)]
    let rows = batch(fields, [[.int64(5)]])
    let first = ConsoleName("first", in: names)
    do {
      let second = ConsoleName("second", in: names)
      #expect(format(ConsoleFormatter(schema: Schema(fields), name: first), [rows]) == "first | n\nfirst | 5\n")
      #expect(format(ConsoleFormatter(schema: Schema(fields), name: second), [rows]) == "second | n\nsecond | 5\n")
    }
    let again = ConsoleName("first", in: names)
    #expect(format(ConsoleFormatter(schema: Schema(fields), name: again), [rows]) == "n\n5\n")
  }
}
