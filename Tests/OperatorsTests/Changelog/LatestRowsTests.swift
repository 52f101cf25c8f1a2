import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("What holds at the end of the input")
struct LatestRowsTests {
  private func sorted(_ rows: [[Value]]) -> [String] { rows.map { "\($0.map(\.asKey))" }.sorted() }

  @Test("of a changelog is what was not taken back, as often as it holds")
  func rows() throws {
    var random = SeededGenerator()
    let output = Schema(Array(ChangingRows.schema.fields.dropFirst()))
    let operation = LatestRowsOperator(keys: Array(output.fields.indices), output: output, context: testContext())
    var changing = ChangingRows()
    let collected = Collected()
    for step in 0..<60 {
      try operation.process(changing.next(30, growing: step < 30, &random), input: 0, to: collected)
    }
    try operation.process(changing.settle(), input: 0, to: collected)
    #expect(collected.rows.isEmpty)
    try operation.finish(to: collected)
    try operation.giveRest(to: collected)
    #expect(sorted(collected.rows) == sorted(changing.rows), "\(random)")
  }

  @Test("of a changelog with a key is the last row that was not taken back")
  func byKey() throws {
    let schema = Schema([
      Field(Plan.rowKindColumn, .utf8, nullable: false), Field("v", .int64), Field("k", .utf8),
    ])
    let operation = LatestRowsOperator(
      keys: [1], output: Schema(Array(schema.fields.dropFirst())), context: testContext())
    let collected = Collected()
    let batches: [[(String, Int64, String?)]] = [
      [("+I", 1, "a"), ("+I", 1, "b"), ("+I", 1, nil)], [("-U", 1, "a"), ("+U", 2, "a"), ("-D", 1, "b")],
      // One that comes before the former has left.
      [("+U", 3, "a")], [("-U", 2, "a"), ("+I", 9, "c"), ("+I", 8, "c"), ("-D", 8, "c")],
    ]
    for rows in batches {
      try operation.process(
        literalBatch(schema, rows.map { [.utf8($0), .int64($1), $2.map { .utf8($0) } ?? .null(.utf8)] }), input: 0,
        to: collected)
    }
    try operation.finish(to: collected)
    try operation.giveRest(to: collected)
    #expect(texts(collected).sorted() == ["1 null", "3 a", "9 c"])
  }

  @Test("of new rows is the last one of each key")
  func newRows() throws {
    var random = SeededGenerator()
    let operation = LastRowsOperator(keys: [0, 1], input: TopNOperatorTests.input, context: testContext())
    var expected: [[Value]: [Value]] = [:]
    let collected = Collected()
    var sent = 0
    for _ in 0..<30 {
      let batch = selectedAtRandom(TopNOperatorTests.batch(100, from: sent, distinct: 20, &random), &random)
      sent += 100
      for row in rowValues(batch) { expected[row.prefix(2).map(\.asKey)] = row }
      try operation.process(batch, input: 0, to: collected)
    }
    #expect(collected.rows.isEmpty)
    try operation.finish(to: collected)
    try operation.giveRest(to: collected)
    #expect(sorted(collected.rows) == sorted(Array(expected.values)), "\(random)")
  }
}
