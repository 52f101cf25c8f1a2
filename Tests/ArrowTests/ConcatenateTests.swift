import Arrow
import ArrowTestSupport
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
