import Base
import Observability
import Synchronization
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let pair = [Field("a", .int64), Field("b", .utf8)]

@Suite("JSON-lines source") struct JSONLinesSourceTests {
  @Test(
    "small documents give these rows, whatever the size of the chunks that they are read in",
    arguments: [
      ("", []),
      ("\n \n\t\r\n", []),
      (#"{"a":1,"b":"x"}"#, [["1", "x"]]),
      ("\u{FEFF}" + #"{"a":1,"b":"x"}"#, [["1", "x"]]),
      (#"{"b":"x","a":1}"# + "\r\n" + #"{"a":2,"b":"y"}"# + "\n", [["1", "x"], ["2", "y"]]),
      (#" { "a" : 1 , "b" : "x" } "#, [["1", "x"]]),
      (#"{}"#, [[nil, nil]]),
      (#"{"a":null,"b":null}"#, [[nil, nil]]),
      (#"{"b":""}"#, [[nil, ""]]),
      (#"{"z":[1,{"y":[]},"]}",-1.5e3,true,false,null],"a":1,"zz":{"a":[2]},"b":"x","zzz":{}}"#, [["1", "x"]]),
      (#"{"a":1,"a":2,"b":"x","b":"yy"}"#, [["2", "yy"]]),
      (#"{"a":1,"a":null,"b":"x","b":null,"b":"z"}"#, [[nil, "z"]]),
      (
        #"{"a":-9223372036854775808,"b":"x"}"# + "\n" + #"{"a":9223372036854775807}"#,
        [["-9223372036854775808", "x"], ["9223372036854775807", nil]]
      ),
      (
        #"{"b":"q\"b\\s\/n\nt\tr\rb\bf\fu\u0041\u00e4\u6f22\ud83d\ude80."}"#,
        [[nil, "q\"b\\s/n\nt\tr\rb\u{8}f\u{c}uAä漢🚀."]]
      ),
      (#"{"b":"\u0000"}"#, [[nil, "\0"]]),
      (#"{"\u0061":7,"\u0062":"x"}"#, [["7", "x"]]),
      (
        #"{"b":"grüße 🚀 und noch viel mehr Text, der länger ist als ein paar Worte"}"#,
        [[nil, "grüße 🚀 und noch viel mehr Text, der länger ist als ein paar Worte"]]
      ),
      (#"{"a":-0,"b":"0123456"}"#, [["0", "0123456"]]),
    ] as [(String, [[String?]])])
  func smallDocuments(_ document: String, _ expected: [[String?]]) throws {
    for chunk in 1...max(1, document.utf8.count) {
      #expect(try parse("jsonlines", document.utf8, pair, chunkBytes: chunk) == expected, "chunks of \(chunk) bytes")
    }
  }

  @Test("every type is read in its usual spellings")
  func everyTypeIsRead() throws {
    let document = #"""
      {"b":true,"i":1,"l":2,"d":3.5,"s":"x","t":"2024-02-29T12:34:56.789Z"}
      {"b":false,"i":-2147483648,"l":-9,"d":-1e-3,"s":"y","t":1709210096000000}
      {"b":null,"i":2147483647,"l":0,"d":"Infinity","s":"","t":null}
      {"d":"NaN"}
      {"d":"-Infinity","t":"2024-02-29"}
      {"d":7}

      """#
    #expect(
      try parse("jsonlines", document.utf8, everyType) == [
        ["true", "1", "2", "3.5", "x", "2024-02-29T12:34:56.789000"],
        ["false", "-2147483648", "-9", "-0.001", "y", "2024-02-29T12:34:56"],
        [nil, "2147483647", "0", "inf", "", nil],
        [nil, nil, nil, "nan", nil, nil],
        [nil, nil, nil, "-inf", nil, "2024-02-29T00:00:00"],
        [nil, nil, nil, "7.0", nil, nil],
      ])
  }

  @Test(
    "a record that cannot be decoded is named with file, line, column, value and remedy",
    arguments: [
      (#"{"a":"1"}"#, #"column 'a': '"1"' is not an int64"#),
      (#"{"a":1.0}"#, "column 'a': '1.0' is not an int64"),
      (#"{"a":1e3}"#, "column 'a': '1e3' is not an int64"),
      (#"{"a":9223372036854775808}"#, "column 'a': '9223372036854775808' is out of range for an int64"),
      (#"{"a":true}"#, "column 'a': 'true' is not an int64"),
      (#"{"a":[1,2]}"#, "column 'a': '[1,2]' is not an int64"),
      (#"{"b":5}"#, "column 'b': '5' is not a utf8"),
      (#"{"a":01}"#, "column 'a': '01' is not a JSON number"),
      (#"{"a":+1}"#, "column 'a': found '+' at byte 6 of the record, expected a value"),
      (#"{"a":-}"#, "column 'a': '-' is not a JSON number"),
      (#"{"a":}"#, "column 'a': found '}' at byte 6 of the record, expected a value"),
      (#"{"a":1,}"#, "found '}' at byte 8 of the record, expected a name in quotes"),
      (#"{"a" 1}"#, "found '1' at byte 6 of the record, expected ':'"),
      (#"{"a":1 "b":2}"#, "found '\"' at byte 8 of the record, expected ',' or '}'"),
      (#"{"a":12x}"#, "found 'x' at byte 8 of the record, expected ',' or '}'"),
      (#"{"a":1} 2"#, "found '2' at byte 9 of the record, expected the end of the line"),
      (#"[1]"#, "found '[' at byte 1 of the record, expected an object"),
      (#"hello"#, "found 'h' at byte 1 of the record, expected an object"),
      (#"{"a":1"#, "found the end of the line, expected ',' or '}'"),
      (#"{"b":"x"#, "column 'b': found the end of the line, expected the quote that closes the string"),
      (#"{"b"#, "found the end of the line, expected the quote that closes the string"),
      (#"{"#, "found the end of the line, expected a name in quotes"),
      (#"{"b":"\x"}"#, #"column 'b': '\x"}' at byte 7 of the record is no JSON escape"#),
      (#"{"b":"\u12g4"}"#, #"column 'b': '\u12g4' at byte 7 of the record is no JSON escape"#),
      (#"{"b":"\ud83d"}"#, #"column 'b': '\ud83d' at byte 7 of the record is half of a surrogate pair"#),
      (#"{"b":"\ude80"}"#, #"column 'b': '\ude80' at byte 7 of the record is half of a surrogate pair"#),
      ("{\"b\":\"a\tb\"}", #"column 'b': the control character '\t' at byte 8 of the record is not escaped"#),
      (#"{"z":[1,}"#, "found '}' at byte 9 of the record, expected a value"),
      (#"{"z":nul}"#, "found 'n' at byte 6 of the record, expected a value"),
      (#"{"a":NaN}"#, "column 'a': found 'N' at byte 6 of the record, expected a value"),
    ])
  func badRecords(_ record: String, _ reason: String) throws {
    let document = "{}\n\(record)\n{}\n"
    let expected =
      "in.txt:2: \(reason) (the record begins at byte 3); "
      + "correct it, or give source 'orders' (jsonlines) a dead-letter file for such records"
    for chunk in [1, 2, 3, 5, 8, 1 << 20] {
      #expect(
        try parse("jsonlines", document.utf8, pair, chunkBytes: chunk) == [[expected]], "chunks of \(chunk) bytes")
    }
    #expect(try parse("jsonlines", "{}\n\(record)".utf8, pair) == [[expected]])
  }

  @Test("values and members that a column needs are missed by name")
  func notNullable() throws {
    let fields = [Field("a", .int64, nullable: false), Field("b", .utf8, nullable: false)]
    #expect(try parse("jsonlines", #"{"b":"","a":1}"#.utf8, fields) == [["1", ""]])
    let missing = try parse("jsonlines", #"{"b":"x"}"#.utf8, fields)
    #expect(
      missing[0][0]?.hasPrefix("in.txt:1: column 'a': the record has no such member, but the column is not nullable ")
        == true)
    let null = try parse("jsonlines", #"{"a":1,"b":null}"#.utf8, fields)
    #expect(null[0][0]?.hasPrefix("in.txt:1: column 'b': null, but the column is not nullable ") == true)
  }

  @Test("text that is not UTF-8 is named with its column")
  func notUTF8() throws {
    let rows = try parse("jsonlines", Array(#"{"a":1,"b":"x"#.utf8) + [0xFF] + Array(#"y"}"#.utf8), pair)
    #expect(rows[0][0]?.hasPrefix("in.txt:1: column 'b': '\"x\u{FFFD}y\"' is not UTF-8 ") == true, "\(rows)")
  }

  @Test("nesting is bounded at 128")
  func nesting() throws {
    for (depth, isFine) in [(128, true), (129, false), (100_000, false)] {
      for (open, close) in [("[", "]"), (#"{"k":"#, "}")] {
        let inner = open == "[" ? "" : "1"
        let value = String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
        let rows = try parse("jsonlines", #"{"z":\#(value),"a":1}"#.utf8, pair)
        if isFine {
          #expect(rows == [["1", nil]])
        } else {
          #expect(rows[0][0]?.contains("arrays and objects are nested more than 128 deep at byte ") == true)
        }
      }
    }
  }

  @Test("names that must be escaped in JSON are columns too")
  func escapedNames() throws {
    let fields = [
      Field("say \"a\"", .int64), Field("back\\slash", .int64), Field("new\nline", .int64), Field("", .int64),
    ]
    let line = #"{"say \"a\"":1,"back\\slash":2,"new\nline":3,"":4}"#
    #expect(
      try parse("jsonlines", (line + "\n" + line).utf8, fields) == [["1", "2", "3", "4"], ["1", "2", "3", "4"]])
  }

  @Test("members in another order each time are found")
  func anyOrder() throws {
    var generator = SeededGenerator()
    let fields = (0..<12).map { Field("a_column_with_number_\($0)".prefix($0 + 3).description + "\($0)", .int64) }
    var document = ""
    for row in 0..<500 {
      let members = fields.enumerated().map { "\"\($0.element.name)\":\(row * 100 + $0.offset)" }
      document += "{" + members.shuffled(using: &generator).joined(separator: ",") + "}\n"
    }
    let expected = (0..<500).map { row in fields.indices.map { "\(row * 100 + $0)" } }
    #expect(try parse("jsonlines", document.utf8, fields) == expected, "\(generator)")
  }

  @Test("a record longer than the bound is named, whether its end is in sight or not")
  func overlong() throws {
    for chunk in [1, 7, 64, 1 << 20] {
      let document = "{\"b\":\"\(String(repeating: "x", count: 500))\"}\n"
      let rows = try parse("jsonlines", document.utf8, pair, chunkBytes: chunk, maxRecordBytes: 100)
      #expect(rows[0][0]?.hasPrefix("in.txt:1: the record has ") == true, "\(rows)")
      #expect(rows[0][0]?.contains("that 'maxRecordBytes' allows") == true)
    }
  }

  @Test("members that the schema does not have are counted, and told once with the first one's name")
  func skippedMembers() throws {
    let folder = TemporaryFolder()
    let path = folder.write("in", "{\"a\":1,\"c\\n\":2,\"d\":{\"a\":3}}\n{\"d\":[],\"a\":4}\n{\"a\":5}\n")
    let log = Mutex([String]())
    let source = try makeSource(
      "jsonlines", [.init("path", .string(path))], [Field("a", .int64)],
      log: EventLog(minimum: .info) { line in log.withLock { $0.append(line.message) } })
    for _ in 0..<2 {
      var context = alone
      context.metrics = StageMetrics()
      #expect(try rows(of: source.make(context)) == [["1"], ["4"], ["5"]])
      let counters = context.metrics.counts.userCounters
      #expect(counters.map(\.name) == ["members not in the schema"] && counters.map(\.value) == [3])
    }
    #expect(
      log.withLock { $0 } == [
        "source 'orders' skips members of its records that its schema does not have, such as 'c\n'"
      ])
  }
}
