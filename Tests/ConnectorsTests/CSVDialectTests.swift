import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let pair = [Field("a", .int64), Field("b", .utf8)]

private func options(_ text: String) throws -> ConnectorOptions {
  try ConnectorOptions(
    Plan.Connector(name: "csv", options: try JSONValue.parse(Array("{\(text)}".utf8))), role: "source", uid: "orders")
}

private func dialect(_ text: String) throws -> CSVDialect {
  var options = try options(text)
  let dialect = try options.csvDialect()
  try options.refuseOthers()
  return dialect
}

@Suite("CSV dialects") struct CSVDialectTests {
  @Test(
    "small documents of other dialects give these rows, whatever the size of the chunks that they are read in",
    arguments: [
      // Delimiters.
      (#""delimiter":"\t""#, "a\tb\n1\tx,y\n", [["1", "x,y"]]),
      (#""delimiter":"\u0001""#, "a\u{1}b\n1\u{1}x\n", [["1", "x"]]),
      (#""delimiter":" ""#, "a b\n1 x\n 2\n", [["1", "x"], [nil, "2"]]),
      (#""delimiter":"-""#, "a-b\n1-2\n-x\n", [["1", "2"], [nil, "x"]]),
      (#""delimiter":"7""#, "a7b\n175\n87x\n", [["1", "5"], ["8", "x"]]),
      (#""delimiter":"e""#, "aeb\n1e5\n", [["1", "5"]]),
      // Quotes.
      (#""quote":"'""#, "a,b\n1,'x,''y\"'\n'2',\"z\"\n", [["1", "x,'y\""], ["2", "\"z\""]]),
      (#""quote":"""#, "a,b\n1,\"x\"\n2,\"\n3,'\n", [["1", "\"x\""], ["2", "\""], ["3", "'"]]),
      // Escapes.
      (#""escape":"\\""#, #"a,b\#n1,"x\"y""z\\""# + "\n2,x\\,y\\\nz\\\\\n", [["1", #"x"y"z\"#], ["2", "x,y\nz\\"]]),
      (#""escape":"\\""#, "a,b\n1,\\\"x\n2,\"\\\n\"\n\\3,\\x", [["1", "\"x"], ["2", "\n"], ["3", "x"]]),
      (#""escape":"\\""#, "a,b\n1,x\\", [["1", "x\\"]]),
      (#""escape":"\"""#, "a,b\n1,\"x\"\"y\"\n", [["1", "x\"y"]]),
      (#""escape":"\\","quote":"""#, "a,b\n1,\"\\,\\\n\n", [["1", "\",\n"]]),
      // Comments.
      (##""comment":"#""##, "# head\na,b\n#1,x\n1,#x\n#\n#", [["1", "#x"]]),
      (#""comment":"--""#, "--\r\n\r\na,b\r\n-1,x\r\n--1,x\r\n-2,-", [["-1", "x"], ["-2", "-"]]),
      (##""comment":"#","header":false"##, "#\n1,\"two\n#lines\"\n", [["1", "two\n#lines"]]),
      // Nulls.
      (#""nulls":["NA","-"]"#, "a,b\nNA,NA\n-,\n5,\"NA\"\n", [[nil, nil], [nil, ""], ["5", "NA"]]),
      (#""nulls":["","NULL"]"#, "a,b\n,NULL\nNULL,\"\"\n", [[nil, nil], [nil, ""]]),
      (#""nulls":["","-1","x"]"#, "a,b\n-1,-1\n1,x\n2,xx\n", [[nil, nil], ["1", nil], ["2", "xx"]]),
      (#""nulls":["","NA"],"quotedNulls":true"#, "a,b\n\"NA\",\"NA\"\n\"\",\"\"\n", [[nil, nil], [nil, nil]]),
      (#""nulls":"NA""#, "a,b\n1,NA\n", [["1", nil]]),
      (#""nulls":[]"#, "a,b\n1,\n2,NULL\n", [["1", ""], ["2", "NULL"]]),
      // Spaces.
      (#""trim":true"#, " a , b \n 1 ,\t x y \n 2, \"z \" \n3,  \n", [["1", "x y"], ["2", "z "], ["3", nil]]),
      (#""trim":true,"delimiter":"\t""#, "a\tb\n1\t x \n\t \"y\"\n", [["1", "x"], [nil, "y"]]),
      (#""trim":true,"escape":"\\""#, "a,b\n1, x\\  \n", [["1", "x  "]]),
      // Line ends.
      (
        #""lineEnd":"any""#, "a,b\r1,x\r\n2,y\n3,\"p\rq\"\r4,z\r",
        [["1", "x"], ["2", "y"], ["3", "p\rq"], ["4", "z"]]
      ),
      (##""lineEnd":"any","comment":"#""##, "#\ra,b\r\r1,x\r#\r", [["1", "x"]]),
      (#""lineEnd":"any","header":false"#, "1,x\r2,y", [["1", "x"], ["2", "y"]]),
      // Blank lines.
      (#""blankLines":"row","missing":"null""#, "a,b\n\n1,x\n\r\n", [[nil, nil], ["1", "x"], [nil, nil]]),
      // Missing and extra fields and columns.
      (#""missing":"null""#, "a,b\n1\n2,y\n", [["1", nil], ["2", "y"]]),
      (#""missing":"null""#, "a,b\n1", [["1", nil]]),
      (#""missing":"null""#, "b\nx\n\n", [[nil, "x"], [nil, nil]]),
      (#""missing":"null""#, "c,d,a\np\nq,r\n,,1\n", [[nil, nil], [nil, nil], ["1", nil]]),
      (#""extra":"ignore""#, "a,b\n1,x,\"3\n,\",4\n2,y\n", [["1", "x"], ["2", "y"]]),
      (#""extra":"ignore","missing":"null","header":false"#, "1\n2,y,z", [["1", nil], ["2", "y"]]),
      // Lines before the header.
      (#""skipRows":2"#, "made by \"x\n\na,b\n1,x\n", [["1", "x"]]),
      (#""skipRows":1,"header":false"#, "b,a\n1,x\n", [["1", "x"]]),
      (#""skipRows":9"#, "a,b\n1,x\n", []),
    ] as [(String, String, [[String?]])])
  func smallDocuments(_ options: String, _ document: String, _ expected: [[String?]]) throws {
    let dialect = try dialect(options)
    for chunk in 1...document.utf8.count {
      let rows = try parse("csv", document.utf8, pair, chunkBytes: chunk, dialect: dialect)
      #expect(rows == expected, "chunks of \(chunk) bytes")
    }
  }

  @Test(
    "what a dialect does not allow is a bad record, named with file, line and reason",
    arguments: [
      (#""nulls":["NA"]"#, "a,b\n,x\n", "in.txt:2: column 'a': '' is not an int64", 4),
      (#""nulls":["NA"]"#, "a,b\n\"NA\",x\n", "in.txt:2: column 'a': '\"NA\"' is not an int64", 4),
      (#""missing":"null""#, "a,b\n1,x,\n", "in.txt:2: the row has more than the expected 2 fields", 4),
      (#""extra":"ignore""#, "a,b\n1\n", "in.txt:2: the row has 1 field, expected 2", 4),
      (
        #""extra":"ignore""#, "a,b\n1,x,\"y\"z,\"\n\"\n",
        "in.txt:2: field 3: text follows the closing quote of '\"y\"z'", 4
      ),
      (#""lineEnd":"any""#, "a,b\r1,x\ry,x\r", "in.txt:3: column 'a': 'y' is not an int64", 8),
      (
        #""escape":"\\""#, "a,b\n1,\"x\\\"\n", "in.txt:2: column 'b': the quote that opens the field is never closed", 4
      ),
      (#""delimiter":"7""#, "a7b\nx71\n", "in.txt:2: column 'a': 'x' is not an int64", 4),
      (##""comment":"#","skipRows":1"##, "x\n#\na,b\n#\n?,x\n", "in.txt:5: column 'a': '?' is not an int64", 10),
      (#""blankLines":"row""#, "a,b\n\n1,x\n", "in.txt:2: the row has 1 field, expected 2", 4),
    ])
  func badRecords(_ options: String, _ document: String, _ sentence: String, _ offset: Int) throws {
    let dialect = try dialect(options)
    let expected =
      "\(sentence) (the record begins at byte \(offset)); "
      + "correct it, or give source 'orders' (csv) a dead-letter file for such records"
    for chunk in 1...document.utf8.count {
      let rows = try parse("csv", document.utf8, pair, chunkBytes: chunk, dialect: dialect)
      #expect(rows == [[expected]], "chunks of \(chunk) bytes")
    }
  }

  @Test("columns that may not be null refuse what stands for it")
  func notNullable() throws {
    let fields = [Field("a", .int64, nullable: false), Field("b", .utf8, nullable: false)]
    let dialect = try dialect(#""nulls":["","NA"],"missing":"null""#)
    func reason(_ row: String) throws -> String {
      let text = try parse("csv", "a,b\n\(row)\n".utf8, fields, dialect: dialect)[0][0] ?? ""
      return String(text.prefix { $0 != "(" })
    }
    #expect(try reason("NA,x") == "in.txt:2: column 'a': 'NA' stands for null, but the column is not nullable ")
    #expect(try reason("1,NA") == "in.txt:2: column 'b': 'NA' stands for null, but the column is not nullable ")
    #expect(try reason("1") == "in.txt:2: column 'b': the row ends before the field, but the column is not nullable ")
    #expect(try parse("csv", "a,b\n1,\n".utf8, fields, dialect: dialect) == [["1", ""]])
    let header = try parse("csv", "a\n1\n".utf8, fields, dialect: dialect)[0][0] ?? ""
    #expect(header.hasPrefix("in.txt:1: the header has no column 'b', it has 'a'"))
  }

  @Test("records that are too long are passed where carriage returns end rows too")
  func overlong() throws {
    let dialect = try dialect(#""lineEnd":"any","header":false"#)
    let long = String(repeating: "x", count: 60)
    for end in ["\r", "\n", "\r\n"] {
      let document = "1\(end)\(long)\(end)2\(end)"
      for chunk in 1...document.utf8.count {
        let folder = TemporaryFolder()
        let source = try textSource(
          "csv", folder.write("in.csv", document), [Field("a", .int64)], chunkBytes: chunk, maxRecordBytes: 20,
          badRecords: .deadLetter(path: folder.file("bad")), dialect: dialect)
        #expect(try rows(of: source) == [["1"], ["2"]], "chunks of \(chunk) bytes")
        let bad = String(decoding: folder.read("bad") ?? [], as: UTF8.self)
        #expect(
          bad.contains(#""line":2,"#) && (bad.contains(#""record":"\#(long)""#) || bad.contains(#""length":60"#)),
          "\(chunk) \(bad)")
      }
    }
  }

  // MARK: Peers

  private let pieces = [
    "a", "b ", " c", "ü", "🚀", "\"", "'", "\\", ",", ";", "|", "\t", "\n", "\r\n", "#", "NA", "", "-", "1", "^", "  ",
  ]

  private func randomTexts(_ generator: inout SeededGenerator, rows: Int) -> [[String]] {
    (0..<rows).map { _ in
      (0..<3).map { _ in
        (0..<Int.random(in: 0..<5, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
          .joined()
      }
    }
  }

  private let texts = [Field("p", .utf8), Field("q", .utf8), Field("r", .utf8)]

  @Test("what Python's csv module writes in random dialects is read as it was")
  func pythonWrites() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    var cases: [(name: String, rows: [[String]], dialect: CSVDialect)] = []
    var script = ""
    for index in 0..<200 {
      let rows = randomTexts(&generator, rows: 20)
      let delimiter = [",", ";", "|", "\t", "^", "-", "1", "a"].randomElement(using: &generator) ?? ","
      let quote = ["\"", "'"].randomElement(using: &generator) ?? "\""
      let escape = [nil, "\\", "^"].randomElement(using: &generator) ?? nil
      let doubles = escape == nil || Bool.random(using: &generator)
      let quoting = ["MINIMAL", "ALL", escape == nil ? "ALL" : "NONE"].randomElement(using: &generator) ?? "ALL"
      guard escape != delimiter else { continue }
      var dialect = CSVDialect()
      dialect.delimiter = Array(delimiter.utf8)[0]
      dialect.quote = quoting == "NONE" ? nil : Array(quote.utf8)[0]
      dialect.escape = escape.map { Array($0.utf8)[0] }
      dialect.hasHeader = false
      dialect.nulls = []
      let name = "\(index).csv"
      folder.write("\(index).json", JSONValue.array(rows.map { .array($0.map { .string($0) }) }).text)
      let escapeText = escape.map { JSONValue.string($0).text } ?? "None"
      script += """
        write(\(index), dict(delimiter=\(JSONValue.string(delimiter).text), quotechar=\(JSONValue.string(quote).text), \
        escapechar=\(escapeText), doublequote=\(doubles ? "True" : "False"), quoting=csv.QUOTE_\(quoting), \
        lineterminator=\(Bool.random(using: &generator) ? "'\\n'" : "'\\r\\n'")))

        """
      cases.append((name, rows, dialect))
    }
    let peer = TestProcess.python(
      """
      import csv, json, sys
      def write(n, dialect):
          rows = json.load(open(sys.argv[1] + '/%d.json' % n))
          with open(sys.argv[1] + '/%d.csv' % n, 'w', newline='', encoding='utf-8') as f:
              csv.writer(f, **dialect).writerows(rows)

      """ + script, arguments: [folder.path])
    #expect(peer.status == 0, "\(peer.errors)")
    for (name, written, dialect) in cases {
      for chunk in [7, 1 << 16] {
        let source = try textSource("csv", folder.file(name), texts, chunkBytes: chunk, dialect: dialect)
        #expect(try rows(of: source) == written, "\(generator) \(name)")
      }
    }
  }

  @Test("every style of the sink is read by Python's csv module and by the source of the same dialect as it was")
  func styles() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    var script = ""
    var expected = ""
    for index in 0..<120 {
      var style = CSVStyle()
      style.delimiter = [44, 59, 9].randomElement(using: &generator) ?? 44
      style.quote = [34, 39].randomElement(using: &generator) ?? 34
      style.escape = [nil, 92].randomElement(using: &generator) ?? nil
      style.quotes = CSVStyle.Quotes.allCases.randomElement(using: &generator) ?? .needed
      if style.quotes == .none { style.escape = 92 }
      style.nullText = Array(
        ["", "NA", "\\N"][Int.random(in: 0..<(style.escape == nil ? 3 : 2), using: &generator)].utf8)
      style.endsWithReturn = .random(using: &generator)
      let rows = randomTexts(&generator, rows: 12).map { row in
        row.map { text -> Literal? in Int.random(in: 0..<5, using: &generator) == 0 ? nil : .utf8(text) }
          + [Bool.random(using: &generator) ? nil : .int64(.random(in: .min ... .max, using: &generator))]
      }
      // Without quotes an empty text is the same as a null that is empty.
      let isAmbiguous = style.quotes == .none && style.nullText.isEmpty
      let shown = rows.map { row in row.map { isAmbiguous && $0 == .utf8("") ? nil : $0 } }
      let fields = texts + [Field("n", .int64)]
      let formatter = CSVFormatter(schema: Schema(fields), style: style)
      folder.write("\(index).csv", format(formatter, [batch(fields, rows)]))
      var dialect = CSVDialect()
      dialect.delimiter = style.delimiter
      dialect.quote = style.quotes == .none ? nil : style.quote
      dialect.escape = style.escape
      dialect.nulls = [style.nullText]
      let found = try batches(of: try textSource("csv", folder.file("\(index).csv"), fields, dialect: dialect))
      #expect(canonical(found) == canonical([batch(fields, shown)]), "\(generator) \(index) \(style)")
      let null = String(decoding: style.nullText, as: UTF8.self)
      expected += canonical([
        batch(
          texts + [Field("n", .utf8)],
          rows.map { row in
            row.map { value in
              switch value {
              case .utf8(let text)?: .utf8(text)
              case .int64(let number)?: .utf8("\(number)")
              default: .utf8(null)
              }
            }
          })
      ])
      script += """
        read(\(index), dict(delimiter=chr(\(style.delimiter)), quotechar=chr(\(style.quote)), \
        escapechar=\(style.escape == nil ? "None" : "'\\\\'"), doublequote=\(style.escape == nil ? "True" : "False"), \
        quoting=csv.QUOTE_\(style.quotes == .none ? "NONE" : "MINIMAL")))

        """
    }
    let peer = TestProcess.python(
      canonicalPython + """
        def read(n, dialect):
            with open(sys.argv[1] + '/%d.csv' % n, newline='', encoding='utf-8') as f:
                show(list(csv.reader(f, **dialect))[1:], 'ssss')

        """ + script, arguments: [folder.path])
    #expect(peer.status == 0, "\(peer.errors)")
    #expect(peer.output == expected, "\(generator)")
  }

  @Test("null texts, escapes, comments and skipped rows give what pyarrow gives")
  func pyarrow() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    var script = ""
    var ours = ""
    let words = [
      "", "NA", "NULL", "-", "5", "-12", "0", "\"NA\"", "\"\"", "\"3\"", "x\\,y", "\\\"", "\"a\"\"b\\\"\"", "z",
    ]
    let numbers = ["", "NA", "-", "5", "-12", "99999999999", "\"3\"", " 4"]
    for index in 0..<100 {
      var document = (0..<(index % 3)).map { _ in "skipped \"line\n" }.joined() + "a,b\n"
      for _ in 0..<20 {
        let number = numbers.randomElement(using: &generator) ?? ""
        let word = words.randomElement(using: &generator) ?? ""
        document += "\(number),\(word)\(Bool.random(using: &generator) ? "\n" : "\r\n")"
        if Int.random(in: 0..<5, using: &generator) == 0 { document += "\n" }
      }
      let quotedNulls = Bool.random(using: &generator)
      var dialect = CSVDialect()
      dialect.escape = 92
      dialect.nulls = [[], Array("NA".utf8), Array("-".utf8)]
      dialect.hasQuotedNulls = quotedNulls
      dialect.skippedLines = index % 3
      let path = folder.write("\(index).csv", document)
      ours += canonical(try batches(of: try textSource("csv", path, pair, dialect: dialect)))
      script += "read(\(index), \(index % 3), \(quotedNulls ? "True" : "False"))\n"
    }
    let peer = TestProcess.python(
      canonicalPython + """
        import pyarrow as pa, pyarrow.csv as pc
        def read(n, skip, quoted):
            table = pc.read_csv(sys.argv[1] + '/%d.csv' % n, read_options=pc.ReadOptions(skip_rows=skip),
                parse_options=pc.ParseOptions(escape_char='\\\\', newlines_in_values=True),
                convert_options=pc.ConvertOptions(column_types={'a': pa.int64(), 'b': pa.string()}, strings_can_be_null=True,
                    quoted_strings_can_be_null=quoted, null_values=['', 'NA', '-']))
            show(zip(*[table[c].to_pylist() for c in 'ab']), 'ls')

        """ + script, arguments: [folder.path])
    #expect(peer.status == 0, "\(peer.errors)")
    #expect(peer.output == ours, "\(generator)")
  }
}
