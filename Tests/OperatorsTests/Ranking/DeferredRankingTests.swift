import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// Rows of a batch that note of how many rows each column was asked for.
private final class NotedRows: DeferredRows {
  private let batch: RecordBatch
  private(set) var asked: [Int]

  init(_ batch: RecordBatch) {
    self.batch = batch
    asked = [Int](repeating: 0, count: batch.columns.count)
  }

  var schema: Schema { batch.schema }
  var rowCount: Int { batch.rowCount }
  var gatheredBytes: Int { 0 }

  func gathered(_ indices: [Int], of rows: Selection?) throws(Failure) -> [Column] {
    for index in indices { asked[index] += rows?.count ?? rowCount }
    return try batch.gathered(indices, of: rows)
  }
}

@Suite("A ranking of rows that are put together as they are read")
struct DeferredRankingTests {
  private typealias Ranked = TopNOperatorTests

  @Test("gives what it gives of batches, in any order of columns", arguments: [1, 2, 10], [false, true])
  func equal(count: Int, rank: Bool) throws {
    var random = SeededGenerator()
    let orders: [[Plan.Ordering]] = [
      [.init("i")], [.init("s", descending: true)], [.init("b"), .init("i"), .init("s"), .init("f"), .init("ts")],
      [.init("ts"), .init("b"), .init("f"), .init("s", nullsFirst: true)], [],
    ]
    for orderings in orders {
      func operation() -> TopNOperator {
        TopNOperator(
          orderings, count: count, keys: [0], input: Ranked.input, output: Ranked.output(rank: rank),
          context: testContext())
      }
      let (plain, deferred) = (operation(), operation())
      for _ in 0..<8 {
        let rows = Int.random(in: 1...150, using: &random)
        let batch = selectedAtRandom(Ranked.batch(rows, from: 0, distinct: 4, &random), &random)
        let (expected, found) = (Collected(), Collected())
        try plain.process(batch, input: 0, to: expected)
        try plain.giveRest(to: expected)
        try deferred.process(NotedRows(batch), input: 0, to: found)
        try deferred.giveRest(to: found)
        // As text, in which a value that is no number equals itself.
        let isEqual = "\(found.rows)" == "\(expected.rows)"
        #expect(isEqual, "\(orderings), \(random)")
      }
    }
  }

  @Test("reads keys and order of all rows, and the other columns of those alone that have a place")
  func reads() throws {
    let operation = TopNOperator(
      [.init("i"), .init("l"), .init("f"), .init("s")], count: 1, keys: [0], input: Ranked.input,
      output: Ranked.output(rank: false), context: testContext())
    func batch(_ rows: [(key: Int64, value: Int64)]) -> NotedRows {
      let columns = Ranked.input.fields.map { field in
        let builder = ColumnBuilder(field.type)
        for (index, row) in rows.enumerated() {
          switch field.name {
          case "k": builder.append(.int64(row.key))
          case "i": builder.append(.int32(Int32(row.value)))
          case "l", "id": builder.append(.int64(Int64(index)))
          case "f": builder.append(.float64(0))
          case "s": builder.append(.utf8("text"))
          default: builder.appendNull()
          }
        }
        return builder.finish()
      }
      return NotedRows(RecordBatch(schema: Ranked.input, columns: columns, length: rows.count))
    }
    // Columns k, b, i, l, f, s, ts, id: words are of i, l and f.
    let first = batch([(1, 5), (1, 4), (1, 6), (2, 9)])
    try operation.process(first, input: 0, to: Collected())
    #expect(first.asked == [6, 2, 6, 6, 6, 2, 2, 2])
    let beaten = batch([(1, 7), (2, 10), (1, 8)])
    let given = Collected()
    try operation.process(beaten, input: 0, to: given)
    #expect(given.batches.isEmpty && beaten.asked == [3, 0, 3, 3, 3, 0, 0, 0])
    // Equal in all words: the next column decides.
    let equal = batch([(3, 1), (3, 2)])
    try operation.process(equal, input: 0, to: Collected())
    #expect(equal.asked[5] == 1)
    let tied = batch([(3, 1)])
    try operation.process(tied, input: 0, to: given)
    #expect(given.batches.isEmpty && tied.asked == [1, 0, 1, 1, 1, 1, 0, 0])
  }
}
