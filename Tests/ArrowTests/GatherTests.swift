import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@Suite("Gather")
struct GatherTests {
  @Test("takes the rows named, from every offset of a slice", arguments: RandomColumns.types)
  func everyOffset(type: DataType) {
    var generator = SeededGenerator()
    for offset in 0...65 {
      for nulls in [0, 3] {
        let values = RandomColumns.values(type, 130, nulls: nulls, &generator)
        let column = RandomColumns.column(type, values, offset: offset)
        let rows = values.indices.filter { _ in Bool.random(using: &generator) }
        let gathered = column.gather(Selection(rows))
        #expect(gathered.literals == rows.map { values[$0] }, "offset \(offset) \(generator)")
        #expect((gathered.validity == nil) == (gathered.nullCount == 0), "offset \(offset) \(generator)")
      }
    }
  }

  @Test("takes a row as often as it is named, in any order", arguments: RandomColumns.types)
  func repeated(type: DataType) {
    var generator = SeededGenerator()
    for count in [1, 2, 63, 64, 65, 200] {
      let values = RandomColumns.values(type, 20, nulls: 4, &generator)
      let rows = (0..<count).map { _ in UInt32.random(in: 0..<20, using: &generator) }
      let column = RandomColumns.column(type, values, offset: 7)
      let gathered = rows.withUnsafeBufferPointer { column.gather($0.baseAddress!, count: count) }
      #expect(gathered.literals == rows.map { values[Int($0)] }, "\(generator)")
    }
  }

  @Test("takes rows that follow each other, for a while", arguments: RandomColumns.types)
  func runs(type: DataType) {
    var generator = SeededGenerator()
    for _ in 0..<50 {
      let values = RandomColumns.values(type, 150, nulls: 4, &generator)
      var rows: [UInt32] = []
      while rows.count < 200 {
        let first = UInt32.random(in: 0..<150, using: &generator)
        rows += (first..<150).prefix(Int.random(in: 1...30, using: &generator))
        // One pair of rows the wrong way round ends a run as well.
        if rows.count > 9 && Bool.random(using: &generator) { rows.swapAt(rows.count - 1, rows.count - 2) }
      }
      let column = RandomColumns.column(type, values, offset: 7)
      let gathered = rows.withUnsafeBufferPointer { column.gather($0.baseAddress!, count: rows.count) }
      #expect(gathered.literals == rows.map { values[Int($0)] }, "\(generator)")
    }
  }

  @Test("takes no rows", arguments: RandomColumns.types)
  func none(type: DataType) {
    var generator = SeededGenerator()
    let column = RandomColumns.column(type, RandomColumns.values(type, 5, nulls: 2, &generator))
    #expect(column.gather(Selection([])).literals == [])
    #expect(Column.nulls(type, count: 0).gather(Selection([])).length == 0)
  }

  @Test("drops the validity when no null was taken")
  func withoutNulls() {
    let column = RandomColumns.column(.int64, [.int64(1), .null(.int64), .int64(3)])
    #expect(column.validity != nil)
    #expect(column.gather(Selection([0, 2])).validity == nil)
  }
}
