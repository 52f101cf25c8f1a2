import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let scalars: [Field] = [
  Field("i8", .int8), Field("i16", .int16), Field("u8", .uint8), Field("u16", .uint16), Field("u32", .uint32),
  Field("u64", .uint64), Field("f16", .float16), Field("f32", .float32), Field("large", .largeUtf8),
  Field("view", .utf8View), Field("bin", .binary), Field("lbin", .largeBinary), Field("vbin", .binaryView),
  Field("fixed", .fixedSizeBinary(3)), Field("d32", .date32), Field("d64", .date64), Field("t32", .time32(.second)),
  Field("t32m", .time32(.millisecond)), Field("t64", .time64(.microsecond)), Field("t64n", .time64(.nanosecond)),
  Field("dur", .duration(.millisecond)), Field("dec", .decimal128(precision: 38, scale: 10)),
  Field("dec0", .decimal128(precision: 5, scale: -2)), Field("ts", .timestamp(.nanosecond, timezone: "UTC")),
]

private let nested: [Field] = [
  Field("list", .list(of: .int64)), Field("lists", .list(of: .list(of: .utf8))),
  Field("large", .largeList(Field("item", .float64))), Field("pair", .fixedSizeList(Field("item", .int32), size: 2)),
  Field(
    "record",
    .struct([
      Field("a", .int64), Field("b \"q\"", .list(of: .struct([Field("x", .date32), Field("y", .bool)]))),
      Field("empty", .struct([])),
    ])),
  Field("map", .map(.utf8, to: .list(of: .decimal128(precision: 9, scale: 2)))), Field("ints", .map(.int32, to: .utf8)),
  Field("nothing", .null),
]

/// A value of a type as literal, never null itself.
private func random(_ type: DataType, _ generator: inout SeededGenerator, depth: Int = 0) -> Literal {
  let pieces = ["", "a", "ä\"\\", "🚀,\n", "\u{1}", "long text that is not inline in a view", "null", "1"]
  func integer(_ range: ClosedRange<Int64>) -> Literal {
    let edges = [range.lowerBound, range.upperBound, 0].filter { range.contains($0) }
    let value =
      Bool.random(using: &generator)
      ? Int64.random(in: range, using: &generator) : edges.randomElement(using: &generator) ?? range.lowerBound
    return .integer(Int128(value), type)
  }
  func bytes(_ count: Int) -> Literal {
    .binary((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }, type)
  }
  func item(_ field: Field) -> Literal {
    if field.type == .null || (field.nullable && Int.random(in: 0..<5, using: &generator) == 0) {
      return .null(field.type)
    }
    return random(field.type, &generator, depth: depth + 1)
  }
  let day: Int64 = 86_400
  switch type {
  case .bool: return .bool(.random(using: &generator))
  case .int8: return integer(-128...127)
  case .int16: return integer(-32768...32767)
  case .int32: return .int32(.random(in: .min ... .max, using: &generator))
  case .int64: return .int64(.random(in: .min ... .max, using: &generator))
  case .uint8: return integer(0...255)
  case .uint16: return integer(0...65535)
  case .uint32: return integer(0...4_294_967_295)
  case .uint64: return .integer(Int128(UInt64.random(in: 0 ... .max, using: &generator)), type)
  case .float16: return .float(Double(Float16(bitPattern: .random(in: 0...0x7BFF, using: &generator))), type)
  case .float32: return .float(Double(Float(bitPattern: .random(in: 0...0x7F7F_FFFF, using: &generator))), type)
  case .float64: return .float64(Double(bitPattern: .random(in: 0...0x7FEF_FFFF_FFFF_FFFF, using: &generator)))
  case .utf8: return .utf8(pieces.randomElement(using: &generator) ?? "")
  case .largeUtf8, .utf8View: return .string(pieces.randomElement(using: &generator) ?? "", type)
  case .binary, .largeBinary, .binaryView: return bytes(Int.random(in: 0..<20, using: &generator))
  case .fixedSizeBinary(let width): return bytes(width)
  case .date32: return integer(-719_162...2_932_896)
  case .date64: return .integer(Int128(Int64.random(in: -719_162...2_932_896, using: &generator) * day * 1000), type)
  case .time32(let unit): return integer(0...(day * (unit == .second ? 1 : 1000) - 1))
  case .time64(let unit): return integer(0...(day * (unit == .microsecond ? 1_000_000 : 1_000_000_000) - 1))
  case .duration: return integer(.min ... .max)
  case .timestamp(let unit, let zone):
    return .timestamp(.random(in: .min ... .max, using: &generator), unit, timezone: zone)
  case .decimal128(let precision, _):
    let limit = (0..<Int.random(in: 0...precision, using: &generator)).reduce(Int128(1)) { power, _ in power * 10 }
    return .integer(Int128.random(in: (1 - limit)...(limit - 1), using: &generator), type)
  case .list(let field), .largeList(let field):
    return .nested((0..<Int.random(in: 0..<4, using: &generator)).map { _ in item(field) }, type)
  case .fixedSizeList(let field, let size): return .nested((0..<size).map { _ in item(field) }, type)
  case .struct(let fields): return .nested(fields.map { item($0) }, type)
  case .map(let key, let value, _):
    let entry = DataType.struct([key, value])
    return .nested(
      (0..<Int.random(in: 0..<3, using: &generator)).map { index in
        .nested([key.type == .int32 ? .int32(Int32(index)) : .utf8("\(index) \"k\""), item(value)], entry)
      }, type)
  default: return .null(type)
  }
}

private func randomBatch(_ fields: [Field], _ generator: inout SeededGenerator, rows: Int) -> RecordBatch {
  let values = (0..<(rows + 4)).map { _ in
    fields.map { field -> Literal? in
      Int.random(in: 0..<6, using: &generator) == 0 ? nil : random(field.type, &generator)
    }
  }
  return batch(fields, values).slice(2..<(rows + 2))
}

private func literals(_ batches: [RecordBatch]) -> [[Literal]] {
  batches.flatMap { batch in (0..<batch.length).map { row in batch.columns.map { $0.literal(at: row) } } }
}

@Suite("Wide types in text") struct WideTypeTests {
  @Test("random values of every type are read back as they were written", arguments: ["csv", "jsonlines"])
  func roundTrip(_ format: String) throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let fields = format == "csv" ? scalars : scalars + nested.map { Field("n_\($0.name)", $0.type) }
    for round in 0..<30 {
      let written = randomBatch(fields, &generator, rows: 40)
      let path = folder.file("\(round)")
      try run(try makeSink(format, [.init("path", .string(path))], fields).make(alone), [written])
      let source = try makeSource(format, [.init("path", .string(path))], fields).make(alone)
      let found = literals(try batches(of: source, maxRows: Int.random(in: 1...50, using: &generator)))
      #expect(found == literals([written]), "\(generator)")
    }
  }

  @Test(
    "nested JSON gives these values, whatever the size of the chunks",
    arguments: [
      (#"{"list":[1, 2,null ],"record":{"a":5}}"#, "list [1, 2, null] record {a: 5, b \"q\": null, empty: null}"),
      (#"{"list":[]}"#, "list []"),
      (#"{"list":[1],"list":[2]}"#, "list [2]"),
      (
        #"{"record":{"a":1,"x":[{"y":{}}],"a":2,"b \"q\"":[{"x":"2024-02-29"},{},null],"empty":{"more":1}}}"#,
        "record {a: 2, b \"q\": [{x: 2024-02-29, y: null}, {x: null, y: null}, null], empty: {}}"
      ),
      (
        #"{"map":{"a":[1.5,"2.25"],"b":null,"a":[]},"ints":{"-7":"x"}}"#,
        "map {a: [1.50, 2.25], b: null, a: []} ints {-7: x}"
      ),
      (#"{"pair":[1,2],"lists":[[],["x","\u00e4"],null]}"#, "lists [[], [x, ä], null] pair [1, 2]"),
      (#"{"nothing":null,"large":["NaN",1]}"#, "large [nan, 1.0]"),
    ])
  func nestedJSON(_ document: String, _ expected: String) throws {
    for chunk in 1...document.utf8.count {
      let rows = try parse("jsonlines", document.utf8, nested, chunkBytes: chunk)
      let text = zip(nested, rows[0]).compactMap { field, value in value.map { "\(field.name) \($0)" } }
      #expect(text.joined(separator: " ") == expected, "chunks of \(chunk) bytes")
    }
  }

  @Test(
    "a nested value that is none of its type is named with the way to it, and leaves nothing behind",
    arguments: [
      (#"{"list":[1,"x"]}"#, #"column 'list[]': '"x"' is not an int64"#),
      (#"{"list":{"a":1}}"#, #"column 'list': '{"a":1}' is not a list<item: int64>"#),
      (#"{"pair":[1,2,3]}"#, #"column 'pair': '[1,2,3]' is not a fixed_size_list<item: int32>[2]"#),
      (
        #"{"record":{"a":1,"b \"q\"":[{"x":"2024-02-30"}]}}"#,
        #"column 'record.b "q"[].x': '"2024-02-30"' is not a date32"#
      ),
      (#"{"map":{"a":[1.234]}}"#, #"column 'map value[]': '1.234' is out of range for a decimal128(9, 2)"#),
      (#"{"ints":{"x":"y"}}"#, "column 'ints key': "),
      (#"{"nothing":1}"#, "column 'nothing': '1' is not a null"),
      (#"{"list":[1"#, "found the end of the line, expected ',' or ']'"),
    ])
  func badValues(_ document: String, _ reason: String) throws {
    let folder = TemporaryFolder()
    let good = #"{"list":[7],"record":{"a":1},"map":{"k":[]},"pair":[1,2]}"#
    let path = folder.write("in", "\(good)\n\(document)\n\(good)\n")
    let source = try textSource(
      "jsonlines", path, nested, badRecords: .deadLetter(path: folder.file("bad")))
    let rows = literals(try batches(of: source))
    #expect(rows.count == 2 && rows[0] == rows[1])
    let bad = try JSONValue.parse(folder.read("bad") ?? [])
    guard case .string(let text)? = bad["reason"] else {
      Issue.record("no reason")
      return
    }
    #expect(text.contains(reason))
  }

  @Test(
    "numbers and times at their limits",
    arguments: [
      (DataType.uint64, "18446744073709551615", "18446744073709551615"),
      (.uint64, "18446744073709551616", "out of range"), (.uint64, "-1", "out of range"),
      (.int8, "-128", "-128"), (.int8, "128", "out of range"), (.int8, "1.0", "is not"),
      (.float32, "3.4028235e38", "3.4028235e+38"), (.float32, "3.5e38", "out of range"),
      // Rounded once: by way of a double it would be 1.0000001.
      (.float32, "1.00000017881393432617187499", "1.0000001"), (.float16, "65504", "65504.0"),
      (.float16, "65519.99999999999999999999", "65504.0"),
      (.float16, "65520", "out of range"), (.float32, "inf", "inf"),
      (.decimal128(precision: 5, scale: 2), "999.99", "999.99"),
      (.decimal128(precision: 5, scale: 2), "-0.10", "-0.10"),
      (.decimal128(precision: 5, scale: 2), "1000", "out of range"),
      (.decimal128(precision: 5, scale: 2), "1.230", "1.23"),
      (.decimal128(precision: 5, scale: 2), "1.234", "out of range"),
      (.decimal128(precision: 5, scale: 2), ".5", "0.50"), (.decimal128(precision: 5, scale: 2), ".", "is not"),
      (.decimal128(precision: 5, scale: -2), "1200", "1200"),
      (.decimal128(precision: 5, scale: -2), "1210", "out of range"),
      (
        .decimal128(precision: 38, scale: 0), "99999999999999999999999999999999999999",
        "99999999999999999999999999999999999999"
      ),
      (.decimal128(precision: 38, scale: 0), "100000000000000000000000000000000000000", "out of range"),
      (.date32, "2024-02-29", "2024-02-29"), (.date32, "2023-02-29", "is not"), (.date32, "19782", "2024-02-29"),
      (.date64, "86400001", "is not"), (.time32(.second), "23:59:59", "86399"),
      (.time32(.second), "24:00:00", "is not"),
      (.time32(.second), "86400", "out of range"), (.time64(.microsecond), "00:00:00.000001", "1"),
      (.binary, "AP8=", "0x00ff"), (.binary, "AP8", "is not"), (.binary, "AP9=", "is not"),
      (.fixedSizeBinary(2), "AP8=", "0x00ff"), (.fixedSizeBinary(2), "AA==", "out of range"),
    ])
  func limits(_ type: DataType, _ text: String, _ expected: String) throws {
    let found = try parse("csv", "\(text)\n".utf8, [Field("x", type)], header: false)[0][0] ?? "null"
    #expect(expected.contains(" ") || expected == "is not" ? found.contains(expected) : found == expected)
  }

  @Test("empty text and bytes are told from null in CSV")
  func emptiness() throws {
    let fields = [Field("s", .largeUtf8), Field("b", .binary), Field("n", .int8)]
    let rows: [[Literal?]] = [[.string("", .largeUtf8), .binary([], .binary), nil], [nil, nil, .integer(1, .int8)]]
    let text = format(CSVFormatter(schema: Schema(fields), delimiter: 44, hasHeader: false), [batch(fields, rows)])
    #expect(text == "\"\",\"\",\n,,1\n")
    #expect(try parse("csv", text.utf8, fields, header: false) == [["", "0x", nil], [nil, nil, "1"]])
  }

  @Test("values that hold the delimiter are quoted, whatever their type")
  func delimitersInValues() throws {
    for delimiter in ["-", ".", "1", ":", "e", "T"] {
      let fields = [Field("a", .float64), Field("b", .timestamp), Field("c", .date32), Field("d", .int64)]
      let rows: [[Literal?]] = [
        [
          .float64(-1.5e300), .timestamp(1_700_000_000_123_456, .microsecond, timezone: nil), .integer(19782, .date32),
          .int64(-121),
        ]
      ]
      let mark = Array(delimiter.utf8)[0]
      let text = format(CSVFormatter(schema: Schema(fields), delimiter: mark, hasHeader: false), [batch(fields, rows)])
      let folder = TemporaryFolder()
      let source = try textSource("csv", folder.write("in", text), fields, header: false, delimiter: mark)
      #expect(literals(try batches(of: source)) == literals([batch(fields, rows)]), "\(delimiter) \(text)")
    }
  }

  @Test("dictionaries are written as their values, nulls among them too")
  func dictionaries() throws {
    let type = DataType.dictionary(of: .utf8)
    let values = batch([Field("v", .utf8)], [[.utf8("x")], [nil], [.utf8("y,z")]]).columns[0]
    let indices = batch([Field("i", .int32)], [[.int32(2)], [.int32(1)], [nil], [.int32(0)]]).columns[0]
    let column = Column(
      type: type, length: 4, validity: indices.validity, buffers: indices.buffers, children: [values])
    let fields = [Field("d", type), Field("n", .int64)]
    let numbers = batch([Field("n", .int64)], (0..<4).map { [.int64($0)] }).columns[0]
    let batch = RecordBatch(schema: Schema(fields), columns: [column, numbers], length: 4)
    #expect(
      format(CSVFormatter(schema: batch.schema, delimiter: 44, hasHeader: false), [batch]) == "\"y,z\",0\n,1\n,2\nx,3\n"
    )
    #expect(
      format(JSONLinesFormatter(schema: batch.schema), [batch.slice(0..<2)]) == #"{"d":"y,z","n":0}"# + "\n"
        + #"{"d":null,"n":1}"# + "\n")
  }

  @Test("types that a format has no form for are refused when the plan is made")
  func refusals() {
    #expect(
      message { _ = try makeSource("csv", [.init("path", .string("x"))], [Field("a", .list(of: .int64))]) }
        == "source 'orders' (csv): the column 'a' is list<item: int64>, and csv has no form for it; use jsonlines or take its parts"
    )
    #expect(
      message { _ = try makeSource("jsonlines", [.init("path", .string("x"))], [Field("a", .interval(.dayTime))]) }
        == "source 'orders' (jsonlines): the column 'a' is interval[day_time], which has no form as text; read a duration or an integer"
    )
    #expect(
      message { _ = try makeSource("jsonlines", [.init("path", .string("x"))], [Field("a", .dictionary(of: .utf8))]) }
        .contains("is no form of text; read utf8 and cast it"))
    #expect(
      message { _ = try makeSink("csv", [.init("path", .string("x"))], [Field("a", .struct([]))]) }
        .contains("sink 'out' (csv): the column 'a' is struct<>, and csv has no form for it"))
  }

  @Test("pyarrow reads JSON lines of every nested type as they were written")
  func pyarrow() throws {
    var generator = SeededGenerator()
    let fields: [Field] = [
      Field("a", .list(of: .int64)), Field("b", .struct([Field("x", .float64), Field("y", .list(of: .utf8))])),
      Field("c", .uint64), Field("d", .float32), Field("e", .timestamp(.second)), Field("f", .date32),
      Field("g", .binary),
    ]
    let written = randomBatch(fields, &generator, rows: 500)
    let folder = TemporaryFolder()
    let path = folder.write("in", format(JSONLinesFormatter(schema: written.schema), [written]))
    // What Python's json makes of the text, written by Python again, is read as the same values.
    let peer = TestProcess.python(
      """
      import json, sys, base64, datetime
      import pyarrow as pa, pyarrow.json as pj
      rows = [json.loads(line) for line in open(sys.argv[1], encoding='utf-8')]
      with open(sys.argv[2], 'w', encoding='utf-8') as out:
          for row in rows: out.write(json.dumps(row, indent=None, separators=(', ', ' : ')) + '\\n')
      schema = pa.schema([('a', pa.list_(pa.int64())), ('b', pa.struct([('x', pa.float64()), ('y', pa.list_(pa.string()))])),
          ('c', pa.uint64()), ('d', pa.float32())])
      table = pj.read_json(sys.argv[1], parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior='ignore'))
      for mine, theirs in zip(rows, table.to_pylist()):
          for name in 'abc':
              assert mine[name] == theirs[name], (name, mine[name], theirs[name])
          if mine['f']: datetime.date.fromisoformat(mine['f'])
          if mine['g']: base64.b64decode(mine['g'], validate=True)
      """, arguments: [path, folder.file("again")])
    #expect(peer.status == 0, "\(generator) \(peer.errors)")
    let again = try textSource("jsonlines", folder.file("again"), fields)
    #expect(literals(try batches(of: again)) == literals([written]), "\(generator)")
  }
}
