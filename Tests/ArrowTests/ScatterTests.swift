import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@Suite("Scatter")
struct ScatterTests {
  @Test("groups every assignment of up to six rows to three targets, in the rows' order")
  func everySmallCase() {
    for count in 0...6 {
      var assignments = 1
      for _ in 0..<count { assignments *= 3 }
      for assignment in 0..<assignments {
        var rest = assignment
        let targets = (0..<count).map { _ -> UInt32 in
          defer { rest /= 3 }
          return UInt32(rest % 3)
        }
        let groups = RowGroups(targets: targets, count: count, targetCount: 3)
        let narrow = RowGroups(targets: targets.map { UInt16($0) }, count: count, targetCount: 3)
        for target in 0..<3 {
          let expected = targets.indices.filter { targets[$0] == target }
          #expect(groups.list(target) == expected)
          #expect(narrow.list(target) == expected)
        }
      }
    }
  }

  @Test("gives each target its rows, whether the batch has a selection or not")
  func batches() {
    var generator = SeededGenerator()
    let schema = Schema(RandomColumns.types.enumerated().map { Field("c\($0.offset)", $0.element) })
    for targetCount in [1, 2, 5, 300] {
      for length in [0, 1, 2, 65, 501] {
        let values = RandomColumns.types.map { RandomColumns.values($0, length, nulls: 4, &generator) }
        let columns = zip(RandomColumns.types, values).map { RandomColumns.column($0, $1, offset: length % 9) }
        let whole = RecordBatch(schema: schema, columns: columns, length: length)
        let kept = (0..<length).filter { _ in Bool.random(using: &generator) }
        for (batch, rows) in [(whole, Array(0..<length)), (whole.selecting(Selection(kept)), kept)] {
          let targets = rows.map { _ in UInt32.random(in: 0..<UInt32(targetCount), using: &generator) }
          let parts = batch.scattered(targets: targets, targetCount: targetCount)
          #expect(parts.count == targetCount)
          for (target, part) in parts.enumerated() {
            let expected = rows.indices.filter { targets[$0] == target }.map { rows[$0] }
            #expect((part == nil) == expected.isEmpty, "\(generator)")
            guard let part else { continue }
            #expect(part.selection == nil && part.length == expected.count)
            for (column, values) in zip(part.columns, values) {
              #expect(column.literals == expected.map { values[$0] }, "\(generator)")
            }
          }
        }
      }
    }
  }

  @Test("copies nothing when one target gets all rows")
  func oneTarget() {
    let column = Column.constant(.int64(1), count: 10)
    let batch = RecordBatch(schema: Schema([Field("a", .int64)]), columns: [column], length: 10)
    let parts = batch.scattered(targets: [UInt32](repeating: 1, count: 10), targetCount: 3)
    #expect(parts[1]?.columns[0].buffers[0] === column.buffers[0])
    #expect(parts[0] == nil && parts[2] == nil)
  }

  @Test("traps on a target that there is not")
  func outside() async {
    await #expect(processExitsWith: .failure) {
      _ = RowGroups(targets: [0, 3] as [UInt32], count: 2, targetCount: 3)
    }
  }
}

extension RowGroups {
  fileprivate func list(_ target: Int) -> [Int] { (0..<count(of: target)).map { Int(rows(of: target)[$0]) } }
}
