import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let pair = [Field("a", .int64), Field("b", .utf8)]

@Suite("CSV source") struct CSVSourceTests {
  @Test(
    "small documents give these rows, whatever the size of the chunks that they are read in",
    arguments: [
      ("", []),
      ("a,b\n", []),
      ("a,b", []),
      ("a,b\n1,x\n", [["1", "x"]]),
      ("a,b\r\n1,x\r\n2,y\r\n", [["1", "x"], ["2", "y"]]),
      ("a,b\n1,x", [["1", "x"]]),
      ("a,b\n1,x\r", [["1", "x"]]),
      ("\u{FEFF}a,b\n1,x\n", [["1", "x"]]),
      ("b,a\nx,1\n", [["1", "x"]]),
      ("\"b\",\"a\"\nx,1\n", [["1", "x"]]),
      ("c,b,d,a,e\nskipped,x,\"also,\n skipped\",1,\n", [["1", "x"]]),
      ("a,b\n,\n", [[nil, nil]]),
      ("a,b\n,\"\"\n", [[nil, ""]]),
      ("a,b\n\"\",x\n", [[nil, "x"]]),
      ("a,b\n\n1,x\n\r\n\n2,y\n\n", [["1", "x"], ["2", "y"]]),
      ("a,b\n \t-7 , spaced \n", [["-7", " spaced "]]),
      ("a,b\n\" 8 \",\" q \"\n", [["8", " q "]]),
      ("a,b\n1,\"say \"\"hi\"\"\"\n", [["1", "say \"hi\""]]),
      ("a,b\n1,\"\"\"\"\n", [["1", "\""]]),
      ("a,b\n1,\"two\nlines\r\n, and more\"\r\n2,y\n", [["1", "two\nlines\r\n, and more"], ["2", "y"]]),
      ("a,b\n1,it is 5\" wide\n", [["1", "it is 5\" wide"]]),
      ("a,b\n1,a\rb\n", [["1", "a\rb"]]),
      ("a,b\n1,a long text without anything special in it, which\n", nil),
      ("a,b\n1,grüße aus köln 🚀 and further\n", [["1", "grüße aus köln 🚀 and further"]]),
      (
        "a,b\n9223372036854775807,x\n-9223372036854775808,y\n+5,z\n",
        [["9223372036854775807", "x"], ["-9223372036854775808", "y"], ["5", "z"]]
      ),
      ("a,b\n00000000000000000000012,x\n", [["12", "x"]]),
    ] as [(String, [[String?]]?)])
  func smallDocuments(_ document: String, _ expected: [[String?]]?) throws {
    let whole = try parse("csv", document.utf8, pair)
    if let expected { #expect(whole == expected) } else { #expect(whole[0][0]?.contains("in.txt:2") == true) }
    for chunk in 1...max(1, document.utf8.count) {
      #expect(try parse("csv", document.utf8, pair, chunkBytes: chunk) == whole, "chunks of \(chunk) bytes")
    }
  }

  @Test("every type is read in its usual spellings")
  func everyTypeIsRead() throws {
    let document = """
      b,i,l,d,s,t
      true,1,2,3.5,x,2024-02-29T12:34:56.789Z
      FALSE,-2147483648,-9,-1e-3,"y",2024-02-29 12:34:56
      1,2147483647,0,inf,,1709210096000000
      0,0,0,NaN,z,2024-02-29
      ,,,,,
      True,+1,1,.5,w,2024-02-29T12:34:56.123456789+01:30
      false,1,1,5.,w,1969-12-31T23:59:59.9Z

      """
    #expect(
      try parse("csv", document.utf8, everyType) == [
        ["true", "1", "2", "3.5", "x", "2024-02-29T12:34:56.789000"],
        ["false", "-2147483648", "-9", "-0.001", "y", "2024-02-29T12:34:56"],
        ["true", "2147483647", "0", "inf", nil, "2024-02-29T12:34:56"],
        ["false", "0", "0", "nan", "z", "2024-02-29T00:00:00"],
        [nil, nil, nil, nil, nil, nil],
        ["true", "1", "1", "0.5", "w", "2024-02-29T11:04:56.123456"],
        ["false", "1", "1", "5.0", "w", "1969-12-31T23:59:59.900000"],
      ])
  }

  @Test(
    "a record that cannot be decoded is named with file, line, column, value and remedy",
    arguments: [
      ("a,b\n1,x\nabc,y\n", "in.txt:3: column 'a': 'abc' is not an int64", 8),
      ("a,b\n1.5,y\n", "in.txt:2: column 'a': '1.5' is not an int64", 4),
      ("a,b\n9223372036854775808,y\n", "in.txt:2: column 'a': '9223372036854775808' is out of range for an int64", 4),
      ("a,b\n1\n", "in.txt:2: the row has 1 field, expected 2", 4),
      ("a,b\n1,x,3\n", "in.txt:2: the row has more than the expected 2 fields", 4),
      ("a,b\n1,\"x\"y\n", "in.txt:2: column 'b': text follows the closing quote of '\"x\"y'", 4),
      ("a,b\n1,\"x\n2,y\n", "in.txt:2: column 'b': the quote that opens the field is never closed", 4),
      ("a,b\n1,\"two\nlines\"\n-,x\n", "in.txt:4: column 'a': '-' is not an int64", 18),
      ("a,b\n\"1\"\"\",x\n", "in.txt:2: column 'a': '\"1\"\"\"' is not an int64", 4),
      ("\u{FEFF}a,b\n?,x\n", "in.txt:2: column 'a': '?' is not an int64", 7),
    ])
  func badRecords(_ document: String, _ sentence: String, _ offset: Int) throws {
    let expected =
      "\(sentence) (the record begins at byte \(offset)); "
      + "correct it, or give source 'orders' (csv) a dead-letter file for such records"
    for chunk in 1...document.utf8.count {
      #expect(try parse("csv", document.utf8, pair, chunkBytes: chunk) == [[expected]], "chunks of \(chunk) bytes")
    }
  }

  @Test("text that is not UTF-8 is named with its column, quoted or not")
  func notUTF8() throws {
    for bytes in [[0xFF], [0x61, 0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]]
      as [[UInt8]]
    {
      for quote in [[], [34]] as [[UInt8]] {
        let document = Array("a,b\n1,".utf8) + quote + bytes + quote + [10]
        let rows = try parse("csv", document, pair)
        #expect(rows[0][0]?.contains("in.txt:2: column 'b': '") == true, "\(bytes) \(rows)")
        #expect(rows[0][0]?.contains("' is not UTF-8 (the record begins at byte 4)") == true, "\(bytes) \(rows)")
      }
    }
  }

  @Test("an empty field of a column that is not nullable is refused, but empty text is text")
  func notNullable() throws {
    let fields = [Field("a", .int64, nullable: false), Field("b", .utf8, nullable: false)]
    #expect(try parse("csv", "a,b\n1,\n".utf8, fields) == [["1", ""]])
    let rows = try parse("csv", "a,b\n ,x\n".utf8, fields)
    #expect(rows[0][0]?.hasPrefix("in.txt:2: column 'a': the field is empty, but the column is not nullable") == true)
  }

  @Test("types other than int64 name themselves when a field is none of theirs")
  func wrongTypes() throws {
    for (field, value, sentence) in [
      (Field("x", .bool), "yes", "'yes' is not a bool"),
      (Field("x", .int32), "2147483648", "'2147483648' is out of range for an int32"),
      (Field("x", .float64), "1e400", "'1e400' is out of range for a float64"),
      (Field("x", .float64), "1.2.3", "'1.2.3' is not a float64"),
      (Field("x", .float64), "1e", "'1e' is not a float64"),
      (Field("x", .timestamp), "2024-02-30", "'2024-02-30' is not a timestamp[us]"),
      (Field("x", .timestamp), "2024-01-01T24:00", "'2024-01-01T24:00' is not a timestamp[us]"),
      (Field("x", .timestamp(.nanosecond)), "2500-01-01", "'2500-01-01' is out of range for a timestamp[ns]"),
    ] {
      let rows = try parse("csv", "x\n\(value)\n".utf8, [field])
      #expect(
        rows[0][0]?.hasPrefix("in.txt:2: column 'x': \(sentence) (the record begins at byte 2); ") == true, "\(rows)")
    }
  }

  @Test("a header without a column says which it has, and what may be meant")
  func missingColumn() throws {
    #expect(
      try parse("csv", "id,amuont\n1,2\n".utf8, [Field("id", .int64), Field("amount", .int64)]) == [
        [
          "in.txt:1: the header has no column 'amount', it has 'id', 'amuont'; perhaps 'amuont' is meant; correct the "
            + "schema or the file, or set the option 'header' to false if the first line is a row"
        ]
      ])
    #expect(
      try parse("csv", "a,b,a\n1,2,3\n".utf8, pair) == [
        ["in.txt:1: the header has column 'a' 2 times; rename all but one"]
      ])
  }

  @Test("without a header the fields are the columns in their order")
  func noHeader() throws {
    #expect(try parse("csv", "1,x\n2,y\n".utf8, pair, header: false) == [["1", "x"], ["2", "y"]])
    #expect(
      try parse("csv", "1;x\n2;\"a;b\"\n".utf8, pair, header: false, delimiter: 59) == [["1", "x"], ["2", "a;b"]])
  }

  @Test("in a file of one column an empty line is a row")
  func oneColumn() throws {
    #expect(try parse("csv", "s\n\nx\n\"\"\n".utf8, [Field("s", .utf8)]) == [[nil], ["x"], [""]])
  }

  @Test("a record longer than the bound is named, whether its end is in sight or not")
  func overlong() throws {
    let long = String(repeating: "x", count: 500)
    for chunk in [1, 7, 64, 1 << 20] {
      let rows = try parse("csv", "a,b\n1,\(long)\n".utf8, pair, chunkBytes: chunk, maxRecordBytes: 100)
      #expect(rows[0][0]?.hasPrefix("in.txt:2: the record has ") == true, "\(rows)")
      #expect(rows[0][0]?.contains("100 ") == true && rows[0][0]?.contains("that 'maxRecordBytes' allows") == true)
    }
  }

  @Test("batches have at most as many rows as asked for, and all rows in order")
  func batchSizes() throws {
    let folder = TemporaryFolder()
    let path = folder.write("in.csv", "a,b\n" + (0..<1000).map { "\($0),v\($0)\n" }.joined())
    for maxRows in [1, 7, 256, 1000, 5000] {
      let source = try textSource("csv", path, pair, chunkBytes: 97)
      #expect(try rows(of: source, maxRows: maxRows) == (0..<1000).map { ["\($0)", "v\($0)"] })
    }
  }
}
