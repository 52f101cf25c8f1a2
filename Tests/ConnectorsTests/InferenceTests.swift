import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private func infer(_ connector: String, _ document: String, _ options: String = "") throws -> String {
  let folder = TemporaryFolder()
  let path = folder.write("in", document)
  guard case .object(var members) = try JSONValue.parse(Array("{\(options)}".utf8)) else { return "" }
  members.append(.init("path", .string(path)))
  do throws(Failure) {
    let fields = try BuiltinConnectors.inferSchema(.init(name: connector, options: .object(members)), uid: "orders")
    return fields.map { Schema($0).description } ?? "nil"
  } catch { return error.message.replacing(path, with: "in.txt") }
}

private let mixture =
  "in.txt: the values of 'a' are of several kinds (text, numbers, true and false, arrays, objects), which no column holds; "
  + "declare the schema without it, or correct the file"

@Suite("Inferred schemas") struct InferenceTests {
  @Test(
    "the columns of CSV",
    arguments: [
      ("a,b\n1,x\n2,\n", "", "a: int64, b: utf8"),
      (
        "a,b,c,d,e,f\n1,1.5,true,2024-02-29,2024-02-29T12:00:00,2024-02-29T12:00:00Z\n,,,,,\n", "",
        "a: int64, b: float64, c: bool, d: date32, e: timestamp[us], f: timestamp[us, UTC]"
      ),
      (
        "a,b,c,d,e\n1,1,true,2024-02-29,2024-02-29T12:00:00\n2.5,x,1,2024-02-29 01:00,2024-02-29T12:00:00Z\n", "",
        "a: float64, b: utf8, c: utf8, d: timestamp[us], e: utf8"
      ),
      ("a,b\n,\n,\n", "", "a: utf8, b: utf8"), ("a,b\n", "", "a: utf8, b: utf8"),
      ("1,x\n2,y\n", #""header":false"#, "f0: int64, f1: utf8"),
      ("a;b\nNA;'x;y'\n 7 ;NA\n", #""delimiter":";","quote":"'","nulls":["NA"]"#, "a: int64, b: utf8"),
      ("a\n9223372036854775808\n", "", "a: float64"), ("a\n0x1\n", "", "a: utf8"), ("a\n2023-02-29\n", "", "a: utf8"),
      ("\u{FEFF}a\n1\n", "", "a: int64"), ("a\n1\nx\n", #""inferRows":1"#, "a: int64"),
      ("a\n1\n2\nx\n", #""inferBytes":5"#, "a: int64"),
      ("a,b\n1\n2,3,4\n\"x\n", "", "a: int64, b: int64"),
      ("a,a\n1,2\n", "", "in.txt: the header has column 'a' twice; rename one, or declare a schema without it"),
      (
        "a,b\r1,2\r3,4\r", "",
        "in.txt:1: the header's field 2 'b\\r1' holds a carriage return; if those end the lines of the file, set the option "
          + "'lineEnd' to 'any', else put the name in quotes"
      ),
      ("a,b\r1,2\r3,4\r", #""lineEnd":"any""#, "a: int64, b: int64"),
      ("a,\"b\rc\"\r\n1,2\r\n", "", "a: int64, b\rc: int64"), ("a,b\r", "", "a: utf8, b: utf8"),
      ("", "", "source 'orders' (csv): the files have no record that tells their columns; declare the schema"),
    ])
  func csv(_ document: String, _ options: String, _ expected: String) throws {
    #expect(try infer("csv", document, options) == expected)
  }

  @Test(
    "the columns of JSON lines",
    arguments: [
      (#"{"a":1,"b":"x"}"# + "\n" + #"{"c":true,"a":2.5}"# + "\n", "a: float64, b: utf8, c: bool"),
      (
        #"{"a":null,"b":"2024-02-29","c":"1","d":["2024-02-29T01:02:03Z",null]}"#,
        "a: utf8, b: date32, c: utf8, d: list<item: timestamp[us, UTC]>"
      ),
      (
        #"{"a":{"x":[1]}}"# + "\n" + #"{"a":{"y":{"z":null},"x":[2.5,null]}}"#,
        "a: struct<x: list<item: float64>, y: struct<z: utf8>>"
      ),
      (#"{"a":1,"a":"x"}"# + "\nnot json\n{\"b\":[]}", "b: list<item: utf8>"),
      (
        #"{"":1}"#,
        "source 'orders' (jsonlines): the records have a member without a name; name it, or declare a schema without it"
      ),
    ])
  func json(_ document: String, _ expected: String) throws {
    #expect(try infer("jsonlines", document) == expected)
  }

  @Test(
    "columns of an Arrow file that no name tells apart are refused with the file's name",
    arguments: ["arrow", "arrowstream"])
  func arrowNames(_ format: String) throws {
    let folder = TemporaryFolder()
    let peer = TestProcess.python(
      """
      import sys, pyarrow as pa
      for name, columns in ('twice', ['a', 'b', 'a']), ('empty', ['a', '', 'b']):
          table = pa.Table.from_arrays([pa.array([1])] * 3, names=columns)
          make = pa.ipc.new_file if sys.argv[2] == 'arrow' else pa.ipc.new_stream
          with make(sys.argv[1] + '/' + name, table.schema) as file: file.write_table(table)
      """, arguments: [folder.path, format])
    #expect(peer.status == 0, "\(peer.errors)")
    func found(_ name: String) -> String {
      message {
        _ = try BuiltinConnectors.inferSchema(
          Plan.Connector(name: format, options: .object([.init("path", .string(folder.file(name)))])), uid: "orders")
      }
    }
    #expect(
      found("twice")
        == "\(folder.file("twice")): has several columns named 'a'; write it with a name for each, or declare a schema without "
        + "them")
    #expect(
      found("empty")
        == "\(folder.file("empty")): has a column without a name; write it with a name for it, or declare a schema without it"
    )
    // With a schema the others can be read, and the one that is meant twice cannot.
    func read(_ name: String, _ column: String) throws -> [[String?]] {
      try rows(
        of: try makeSource(format, [.init("path", .string(folder.file(name)))], [Field(column, .int64)]).make(alone))
    }
    #expect(try read("twice", "b") == [["1"]])
    #expect(try read("empty", "b") == [["1"]])
    #expect(
      message { _ = try read("twice", "a") }
        == "\(folder.file("twice")): has several columns named 'a'; write it with a name for each, or leave them out of the "
        + "schema")
  }

  @Test("members of several kinds have no type, since a column of text reads no numbers")
  func kinds() throws {
    #expect(try infer("jsonlines", "{\"a\":\"2024-02-29\"}\n{\"a\":\"x\"}") == "a: utf8")
    for (first, second) in [("1", "true"), ("1", "\"x\""), ("\"2024-02-29\"", "1.5"), ("[1]", "[\"x\"]"), ("1", "[1]")]
    {
      #expect(try infer("jsonlines", "{\"a\":\(first)}\n{\"a\":\(second)}") == mixture)
    }
  }

  @Test("Arrow files and streams tell their own", arguments: ["arrow", "arrowstream"])
  func arrow(_ format: String) throws {
    let folder = TemporaryFolder()
    let fields = [Field("n", .int8, nullable: false), Field("l", .list(of: .utf8))]
    let path = folder.file("x")
    try run(try makeSink(format, [.init("path", .string(path))], fields).make(alone), [])
    let connector = Plan.Connector(name: format, options: .object([.init("path", .string(path))]))
    #expect(try BuiltinConnectors.inferSchema(connector, uid: "orders") == fields)
  }

  @Test("what cannot tell its columns, and files that are missing, are refused with a sentence")
  func refusals() throws {
    #expect(
      message { _ = try BuiltinConnectors.inferSchema(.init(name: "stdin"), uid: "orders") }
        == "source 'orders' (stdin): the schema is missing, and only files and flights tell theirs; declare it")
    let missing = Plan.Connector(name: "csv", options: .object([.init("path", .string("/none/x.csv"))]))
    #expect(
      message { _ = try BuiltinConnectors.inferSchema(missing, uid: "orders") }.hasPrefix(
        "source 'orders' (csv): /none/x.csv: cannot be read: "))
    #expect(try BuiltinConnectors.inferSchema(.init(name: "kafka"), uid: "orders") == nil)
  }

  @Test("compressed files are looked into as plain ones are, and only as far", arguments: ["csv", "jsonlines"])
  func compressed(_ format: String) throws {
    let folder = TemporaryFolder()
    let rows = (0..<40_000).map { format == "csv" ? "\($0),x\n" : "{\"a\":\($0),\"b\":\"x\"}\n" }.joined()
    let packed = ToyCodec.compress(((format == "csv" ? "a,b\n" : "") + rows).utf8)
    // What lies behind the sample is damaged.
    for bytes in [packed, Array(packed[..<(packed.count - 100)])] {
      let path = folder.write("x", bytes)
      let connector = Plan.Connector(
        name: format, options: .object([.init("path", .string(path)), .init("inferBytes", .int(100_000))]))
      let fields = try BuiltinConnectors.inferSchema(connector, uid: "orders", codecs: ToyCodec.set)
      #expect(fields == [Field("a", .int64), Field("b", .utf8)])
    }
    let cut = folder.write("cut", packed[..<1000])
    let connector = Plan.Connector(name: format, options: .object([.init("path", .string(cut))]))
    let text = message { _ = try BuiltinConnectors.inferSchema(connector, uid: "orders", codecs: ToyCodec.set) }
    #expect(text.hasPrefix("source 'orders' (\(format)): \(cut): cannot be decompressed behind byte "), "\(text)")
    let gzip = folder.write("x.gz", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3])
    let unknown = Plan.Connector(name: format, options: .object([.init("path", .string(gzip))]))
    #expect(
      message { _ = try BuiltinConnectors.inferSchema(unknown, uid: "orders") }.hasPrefix(
        "source 'orders' (\(format)): \(gzip): needs the codec 'gzip'"))
  }

  @Test("UTF-16 is told by its byte order mark", arguments: ["csv", "jsonlines"])
  func utf16(_ format: String) throws {
    let folder = TemporaryFolder()
    let path = folder.write("x", [0xFF, 0xFE, 97, 0, 44, 0, 98, 0, 10, 0])
    let connector = Plan.Connector(name: format, options: .object([.init("path", .string(path))]))
    #expect(
      message { _ = try BuiltinConnectors.inferSchema(connector, uid: "orders") }
        == "\(path): begins with the byte order mark of UTF-16, expected UTF-8; convert it, as with 'iconv -f UTF-16 -t UTF-8'"
    )
  }

  @Test("the files of a watched folder tell its columns, and one without any must be declared")
  func watched() throws {
    let folder = TemporaryFolder()
    folder.write(".hidden.csv", "no\n")
    let connector = Plan.Connector(
      name: "csv", options: .object([.init("path", .string(folder.path)), .init("watch", .bool(true))]))
    #expect(
      message { _ = try BuiltinConnectors.inferSchema(connector, uid: "orders") }
        == "source 'orders' (csv): no file of '\(folder.path)' is there yet to tell its columns; declare the schema, or provide one"
    )
    folder.write("a.csv", "a,b\n1,x\n")
    #expect(try BuiltinConnectors.inferSchema(connector, uid: "orders") == [Field("a", .int64), Field("b", .utf8)])
  }

  /// Where DuckDB and pyarrow decide otherwise, and why we do not:
  ///
  /// | column | Volley | DuckDB | pyarrow |
  /// |---|---|---|---|
  /// | only nulls | utf8 | VARCHAR | null, which nothing can be compared with |
  /// | integers above 64 bits | float64 | DOUBLE | utf8 or float64 by version |
  /// | times with a zone | timestamp[us, UTC] | TIMESTAMP WITH TIME ZONE | timestamp[ns, UTC] |
  /// | times | timestamp[us] | TIMESTAMP | timestamp[s] or [ns], by the text |
  @Test("random columns of one kind have the type that pyarrow and DuckDB find")
  func peers() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let kinds: [(ours: DataType, arrow: String, duck: String, value: (inout SeededGenerator) -> String)] = [
      (.int64, "int64", "BIGINT", { "\(Int64.random(in: .min ... .max, using: &$0))" }),
      (.float64, "double", "DOUBLE", { "\(Double.random(in: -1e6...1e6, using: &$0))" }),
      (.bool, "bool", "BOOLEAN", { Bool.random(using: &$0) ? "true" : "false" }),
      (
        .date32, "date32[day]", "DATE",
        {
          "20\(Int.random(in: 10...99, using: &$0))-1\(Int.random(in: 0...2, using: &$0))-2\(Int.random(in: 0...8, using: &$0))"
        }
      ),
      (
        .timestamp(.microsecond), "timestamp[s]", "TIMESTAMP",
        { "2024-02-1\(Int.random(in: 0...9, using: &$0)) 1\(Int.random(in: 0...9, using: &$0)):02:03" }
      ),
      (.utf8, "string", "VARCHAR", { ["x y", "a-b", "1:2x", "tru"].randomElement(using: &$0) ?? "" }),
    ]
    var expected = ""
    for round in 0..<60 {
      let columns = (0..<5).map { _ in kinds.randomElement(using: &generator) ?? kinds[0] }
      var text = (0..<5).map { "c\($0)" }.joined(separator: ",") + "\n"
      for row in 0..<20 {
        text +=
          columns.map { row > 0 && Int.random(in: 0..<4, using: &generator) == 0 ? "" : $0.value(&generator) }
          .joined(separator: ",") + "\n"
      }
      let path = folder.write("\(round).csv", text)
      let found = try BuiltinConnectors.inferSchema(
        .init(name: "csv", options: .object([.init("path", .string(path))])), uid: "orders")
      #expect(found?.map(\.type) == columns.map(\.ours), "\(generator) \(text)")
      expected +=
        columns.map(\.arrow).joined(separator: " ") + " | " + columns.map(\.duck).joined(separator: " ") + "\n"
    }
    let peer = TestProcess.python(
      """
      import sys, duckdb, pyarrow.csv as pc
      for n in range(60):
          path = sys.argv[1] + '/%d.csv' % n
          arrow = ' '.join(str(t) for t in pc.read_csv(path).schema.types)
          duck = ' '.join(str(r[1]) for r in duckdb.sql("describe select * from read_csv('%s', header=true, delim=',')" % path).fetchall())
          print(arrow + ' | ' + duck)
      """, arguments: [folder.path])
    #expect(peer.status == 0, "\(peer.errors)")
    #expect(peer.output == expected, "\(generator)")
  }
}
