import Arrow
import ArrowTestSupport
import Base
import TestSupport
import Testing
import VolleyPlan

@Suite("Concatenate")
struct ConcatenateTests {
  @Test("joins slices of every offset", arguments: RandomColumns.types)
  func everyOffset(type: DataType) throws {
    var generator = SeededGenerator()
    for offset in 0...65 {
      for nulls in [0, 3] {
        let parts = [offset % 7, 70, 0, 64 - offset % 64, 1].map {
          RandomColumns.values(type, $0, nulls: nulls, &generator)
        }
        let columns = parts.enumerated().map {
          RandomColumns.column(type, $0.element, offset: $0.offset == 3 ? 0 : offset)
        }
        let joined = try Column.concatenate(columns)
        #expect(joined.literals == parts.flatMap { $0 }, "offset \(offset) \(generator)")
        #expect((joined.validity == nil) == (joined.nullCount == 0))
      }
    }
  }

  @Test("gives a single column back without copying it")
  func single() throws {
    let column = RandomColumns.column(.int64, [.int64(1)])
    #expect(try Column.concatenate([column]).buffers[0] === column.buffers[0])
  }

  @Test("joins batches, of those with a selection the rows that count")
  func batches() throws {
    let schema = Schema([Field("a", .int64), Field("b", .utf8)])
    func batch(_ range: Range<Int64>) -> RecordBatch {
      RecordBatch(
        schema: schema,
        columns: [
          RandomColumns.column(.int64, range.map { .int64($0) }),
          RandomColumns.column(.utf8, range.map { .utf8("s\($0)") }),
        ], length: range.count)
    }
    let joined = try RecordBatch.concatenate([batch(0..<3), batch(10..<20).selecting(Selection([1, 9])), batch(5..<5)])
    #expect(joined.length == 5 && joined.selection == nil)
    #expect(joined.columns[0].literals == [0, 1, 2, 11, 19].map { .int64($0) })
    #expect(joined.columns[1].literals == [0, 1, 2, 11, 19].map { .utf8("s\($0)") })
  }

  /// A dictionary column whose rows name each of the values once.
  private static func dictionary(_ values: [Literal], index: DataType = .int8) -> Column {
    let type = DataType.dictionary(index: index, value: values[0].type, ordered: false)
    return RandomColumns.column(type, values)
  }

  @Test("joins dictionaries of different values as long as the indices count them, and refuses more")
  func dictionaries() throws {
    func texts(_ range: Range<Int>) -> [Literal] { range.map { .utf8("value \($0)") } }
    let parts = [Self.dictionary(texts(0..<100)), Self.dictionary(texts(60..<128))]
    let joined = try Column.concatenate(parts)
    #expect(joined.literals == texts(0..<100) + texts(60..<128) && joined.children[0].length == 128)
    for columns in [
      parts + [Self.dictionary(texts(128..<129))],
      (parts + [Self.dictionary(texts(128..<129))]).map { part in
        let type = DataType.struct([Field("d", part.type)])
        let list = DataType.list(of: type)
        let offsets = Buffer(byteCount: 8)
        offsets.unsafeMutableValues(Int32.self)[0] = 0
        offsets.unsafeMutableValues(Int32.self)[1] = Int32(part.length)
        let items = Column(type: type, length: part.length, validity: nil, buffers: [], children: [part])
        return Column(type: list, length: 1, validity: nil, buffers: [offsets], children: [items])
      },
    ] {
      let failure = #expect(throws: Failure.self) { try Column.concatenate(columns) }
      #expect(failure?.kind == .data)
      #expect(failure?.message.contains("more than 128 distinct values") == true, "\(failure?.message ?? "")")
    }
  }

  @Test("keeps values of dictionaries apart that Swift takes for equal")
  func equalValues() throws {
    let composed = [Literal.utf8("caf\u{E9}"), .utf8("cafe\u{301}")]
    let zeros = [Literal.float64(0), .float64(-0.0)]
    for values in [composed, zeros] {
      for order in [values, values.reversed()] {
        let joined = try Column.concatenate(order.map { Self.dictionary([$0]) })
        for (row, value) in order.enumerated() {
          switch (joined.literal(at: row), value) {
          case (.utf8(let found), .utf8(let expected)): #expect(Array(found.utf8) == Array(expected.utf8))
          case (.float64(let found), .float64(let expected)): #expect(found.bitPattern == expected.bitPattern)
          default: Issue.record("\(joined) is of another type")
          }
        }
      }
    }
    let nans = try Column.concatenate([Self.dictionary([.float64(.nan)]), Self.dictionary([.float64(-.nan)])])
    #expect(nans.children[0].length == 1)
  }

  @Test("refuses strings that do not fit into one column")
  func tooLong() throws {
    // Offsets that claim 1.5 GiB; the refusal comes before a byte is read.
    let offsets = Buffer(byteCount: 8)
    offsets.unsafeMutableValues(Int32.self)[0] = 0
    offsets.unsafeMutableValues(Int32.self)[1] = 3 << 29
    let column = Column(type: .utf8, length: 1, validity: nil, buffers: [offsets, Buffer(byteCount: 0)])
    #expect {
      try Column.concatenate([column, column])
    } throws: {
      "\($0)".contains("lower --batch-rows")
    }
  }
}
