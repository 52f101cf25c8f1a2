import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

/// A row in a message.
@Suite("a row as a text")
struct RowTextTests {
  private func column(_ type: DataType, _ values: Literal...) -> Column {
    let builder = ColumnBuilder(type)
    for value in values { builder.append(value) }
    return builder.finish()
  }

  private func text(_ columns: [Column], _ row: Int, first: [Int] = []) -> String {
    let fields = columns.enumerated().map { Field("c\($0.offset)", $0.element.type) }
    return RecordBatch(schema: Schema(fields), columns: columns, length: columns.first?.length ?? 0)
      .rowText(row, first: first)
  }

  @Test("has each column's name and value, and a text in quotes")
  func values() {
    let list = DataType.list(of: .utf8)
    let map = DataType.map(.utf8, to: .int32)
    let record = DataType.struct([Field("x", .int64), Field("y", list)])
    let columns = [
      column(.utf8, .null(.utf8), .utf8("a, b: 'c'"), .utf8("null")),
      column(.float64, .float64(1.5), .float64(.nan), .null(.float64)),
      column(list, .null(list), .nested([], list), .nested([.utf8("p"), .null(.utf8)], list)),
      column(
        map, .nested([], map), .null(map),
        .nested([.nested([.utf8("k"), .int32(3)], .struct([Field("key", .utf8), Field("value", .int32)]))], map)),
      column(
        record, .nested([.int64(1), .nested([.utf8("z")], list)], record), .null(record),
        .nested([.null(.int64), .null(list)], record)),
      column(.binary, .binary([0, 255], .binary), .null(.binary), .binary([], .binary)),
      column(.date32, .integer(0, .date32), .null(.date32), .integer(-1, .date32)),
    ]
    let wanted = [
      "(c0: null, c1: 1.5, c2: null, c3: {}, c4: {x: 1, y: ['z']}, c5: 0x00ff, c6: 1970-01-01)",
      "(c0: 'a, b: 'c'', c1: nan, c2: [], c3: null, c4: null, c5: null, c6: null)",
      "(c0: 'null', c1: null, c2: ['p', null], c3: {'k': 3}, c4: {x: null, y: null}, c5: 0x, c6: 1969-12-31)",
    ]
    for row in 0..<3 { #expect(text(columns, row) == wanted[row]) }
    for row in 1..<3 { #expect(text(columns.map { $0.slice(1..<3) }, row - 1) == wanted[row], "of a slice") }
    #expect(text([], 0) == "()")
  }

  @Test("shows of what is long the beginning, whole characters, and nothing that a terminal obeys")
  func long() {
    let texts = [
      String(repeating: "a", count: 60), String(repeating: "a", count: 61), "b" + String(repeating: "é", count: 60),
    ]
    let columns = [column(.utf8, .utf8(texts[0]), .utf8(texts[1]), .utf8(texts[2]), .utf8("x\u{1B}[2J\n"))]
    #expect(text(columns, 0) == "(c0: '\(texts[0])')")
    #expect(text(columns, 1) == "(c0: '\(texts[0])…' (61 bytes))")
    #expect(text(columns, 2) == "(c0: 'b\(String(repeating: "é", count: 29))…' (121 bytes))")
    #expect(text(columns, 3) == "(c0: 'x\u{FFFD}[2J\u{FFFD}')")
    let list = DataType.list(of: .int32)
    let lists = [column(list, .nested((0..<100_000).map { .int32($0) }, list))]
    #expect(text(lists, 0).hasSuffix(", 27, …])"))
    #expect(text([column(.binary, .binary([UInt8](repeating: 1, count: 31), .binary))], 0).hasSuffix("01… (31 bytes))"))
  }

  @Test("leaves out columns where there are many, the first ones last")
  func many() {
    let columns = (0..<500).map { column(.int64, .int64(Int64($0))) }
    let found = text(columns, 0, first: [499, 300])
    #expect(found.hasPrefix("(c0: 0, c1: 1, "))
    #expect(found.contains(", c300: 300, c499: 499, … "))
    let shown = found.split(separator: ",").count - 1
    #expect(found.hasSuffix(", … \(500 - shown) more)") && shown > 50)
    #expect(found.utf8.count < 1500)
  }

  @Test("is short for a row of any types", arguments: RandomColumns.types)
  func everyType(_ type: DataType) {
    var generator = SeededGenerator()
    let column = RandomColumns.column(
      type, RandomColumns.values(type, 40, nulls: 3, &generator), offset: Int.random(in: 0...9, using: &generator))
    for row in 0..<40 {
      let text = text([column, column], row)
      #expect(text.utf8.count < 900 && text.hasPrefix("(c0: ") && text.contains(", c1: "), "\(generator): \(text)")
      if !column.isValid(row) { #expect(text == "(c0: null, c1: null)", "\(generator)") }
    }
  }
}
