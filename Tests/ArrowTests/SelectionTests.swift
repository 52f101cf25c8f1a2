import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@Suite("Selection")
struct SelectionTests {
  @Test("of every bitmap of up to ten rows names the rows that are true")
  func everySmallBitmap() {
    for count in 0...10 {
      for bits in 0..<(1 << count) {
        let values = (0..<count).map { Literal.bool(bits >> $0 & 1 != 0) }
        let selection = Selection(trueRowsOf: RandomColumns.column(.bool, values))
        #expect(selection.list == (0..<count).filter { bits >> $0 & 1 != 0 })
      }
    }
  }

  @Test("leaves out nulls, at every offset of a slice")
  func everyOffset() {
    var generator = SeededGenerator()
    for offset in 0...65 {
      for count in [1, 63, 64, 65, 127, 128, 129, 500] {
        for nulls in [0, 2] {
          let values = RandomColumns.values(.bool, count, nulls: nulls, &generator)
          let selection = Selection(trueRowsOf: RandomColumns.column(.bool, values, offset: offset))
          #expect(
            selection.list == values.indices.filter { values[$0] == .bool(true) },
            "offset \(offset), \(count) rows, \(generator)")
        }
      }
    }
  }

  @Test("of words that are all true, all false or nearly so")
  func extremes() {
    for count in [64, 128, 640] {
      for odd in [nil, 0, 1, 63, count - 1] {
        for most in [true, false] {
          let values = (0..<count).map { Literal.bool(($0 == odd) != most) }
          let selection = Selection(trueRowsOf: RandomColumns.column(.bool, values))
          #expect(selection.list == (0..<count).filter { ($0 == odd) != most })
        }
      }
    }
  }

  @Test("of a selection names rows of the first batch")
  func composed() {
    let outer = Selection([3, 5, 8, 13])
    #expect(outer.selecting(Selection([0, 2, 3])).list == [3, 8, 13])
    #expect(outer.selecting(Selection([])).list == [])
    let schema = Schema([Field("a", .int64)])
    let column = RandomColumns.column(.int64, (0..<20).map { .int64(Int64($0)) })
    let batch = RecordBatch(schema: schema, columns: [column], length: 20)
    let twice = batch.selecting(outer).selecting(Selection([1, 3]))
    #expect(twice.rowCount == 2)
    #expect(twice.compacted().columns[0].literals == [.int64(5), .int64(13)])
  }
}

extension Selection {
  var list: [Int] { (0..<count).map { Int(rows[$0]) } }
}
