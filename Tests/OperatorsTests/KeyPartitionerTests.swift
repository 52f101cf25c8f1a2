import Arrow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("A key partitioner")
struct KeyPartitionerTests {
  @Test("brings equal keys to one target, keeps every row, and keeps their order", arguments: 1...5)
  func partitions(targets: Int) throws {
    var random = SeededGenerator()
    for keys in [[0], [1], [0, 1], [2, 1]] {
      let partitioner = KeyPartitioner(keys: keys, maxKeyGroups: 256)
      let schema = Schema([Field("a", .int64), Field("b", .utf8), Field("c", .float64), Field("row", .int64)])
      var home: [[Value]: Int] = [:]
      for _ in 0..<10 {
        let rows = Int.random(in: 1...400, using: &random)
        let numbers = FixedBuilder<Int64>(.int64)
        for row in 0..<rows { numbers.append(Int64(row)) }
        let columns =
          [DataType.int64, .utf8, .float64].map { randomColumn($0, rows: rows, distinct: 20, &random) } + [
            numbers.finish()
          ]
        let batch = RecordBatch(schema: schema, columns: columns, length: rows)
        let parts = try partitioner.partition(batch, targets: targets)
        #expect(parts.count == targets)
        let whole = columns.map { values($0) }
        var seen: [Int64] = []
        for (target, part) in parts.enumerated() {
          guard let part else { continue }
          #expect(part.selection == nil && part.schema == schema)
          let columns = part.columns.map { values($0) }
          var last: Int64 = -1
          for row in 0..<part.length {
            guard case .int(let original) = columns[3][row] else { continue }
            #expect(original > last, "rows keep their order, \(random)")
            last = original
            seen.append(original)
            for index in 0..<3 {
              #expect(columns[index][row].asKey == whole[index][Int(original)].asKey, "\(random)")
            }
            let key = keys.map { columns[$0][row].asKey }
            #expect(home[key, default: target] == target, "\(key), \(random)")
            home[key] = target
          }
        }
        #expect(seen.sorted() == (0..<Int64(rows)).map { $0 }, "every row once, \(random)")
      }
      if targets > 1, keys == [0] { #expect(Set(home.values).count > 1, "keys spread, \(random)") }
    }
  }
}
