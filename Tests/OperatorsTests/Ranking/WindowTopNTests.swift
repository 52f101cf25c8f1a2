import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("The first rows of each window")
struct WindowTopNTests {
  private let input = Schema([
    Field("window_end", .timestamp(.microsecond, timezone: nil), nullable: false), Field("v", .int64),
    Field("id", .int64, nullable: false),
  ])

  private func batch(_ rows: [(end: Int64, value: Int64?, id: Int64)]) -> RecordBatch {
    let builders = input.fields.map { ColumnBuilder($0.type) }
    for row in rows {
      builders[0].append(.timestamp(row.end, .microsecond, timezone: nil))
      builders[1].append(row.value.map { .int64($0) } ?? .null(.int64))
      builders[2].append(.int64(row.id))
    }
    return RecordBatch(schema: input, columns: builders.map { $0.finish() }, length: rows.count)
  }

  private func operation(_ count: Int, _ context: SubtaskContext = testContext()) -> WindowTopNOperator {
    WindowTopNOperator(
      [.init("v", descending: true)], count: count, keys: [0], end: 0, input: input,
      output: Schema(input.fields + [Field("place", .int64, nullable: false)]), context: context)
  }

  private func rows(_ collected: Collected) -> [[Int64]] {
    defer { collected.batches = [] }
    return collected.rows.map { row in
      row.map { if case .int(let value) = $0 { value } else { -1 } }
    }
  }

  @Test("are told when the watermark has come to its end, in the order of the ends, and rows behind it are late")
  func ends() throws {
    let context = testContext()
    let operation = operation(2, context)
    let collected = Collected()
    try operation.process(batch([(200, 1, 1), (100, 5, 2), (100, nil, 3), (-100, 4, 4)]), input: 0, to: collected)
    try operation.watermark(EventTime(microseconds: -101), to: collected)
    try operation.giveRest(to: collected)
    #expect(rows(collected) == [])
    try operation.watermark(EventTime(microseconds: -100), to: collected)
    try operation.giveRest(to: collected)
    #expect(rows(collected) == [[-100, 4, 4, 1]])
    try operation.process(batch([(100, 6, 5), (100, 5, 6), (-100, 9, 7), (101, 1, 8)]), input: 0, to: collected)
    #expect(context.metrics.counts.lateRowsDropped == 1)
    try operation.watermark(EventTime(microseconds: 99), to: collected)
    try operation.giveRest(to: collected)
    #expect(rows(collected) == [])
    try operation.watermark(EventTime(microseconds: 150), to: collected)
    try operation.giveRest(to: collected)
    #expect(rows(collected) == [[100, 6, 5, 1], [100, 5, 2, 2], [101, 1, 8, 1]])
    try operation.process(batch([(200, 2, 9), (100, 9, 10)]), input: 0, to: collected)
    #expect(context.metrics.counts.lateRowsDropped == 2)
    try operation.finish(to: collected)
    try operation.giveRest(to: collected)
    #expect(rows(collected) == [[200, 2, 9, 1], [200, 1, 1, 2]])
  }

  @Test("are those of a sort of all its rows", arguments: [1, 3, 50])
  func sorted(count: Int) throws {
    var random = SeededGenerator()
    let operation = operation(count)
    var model = RankingModel([.init("v", descending: true)], limit: count, schema: input)
    let collected = Collected()
    var id: Int64 = 0
    for step in 0..<60 {
      let sent = (0..<Int.random(in: 0...80, using: &random)).map { _ in
        id += 1
        return (
          end: Int64(step / 4 * 100 + Int.random(in: 1...3, using: &random) * 100),
          value: Bool.random(using: &random) ? Int64.random(in: 0..<30, using: &random) : nil, id: id
        )
      }
      let batch = selectedAtRandom(batch(sent), &random)
      for row in rowValues(batch) { model.add(row, key: [row[0]]) }
      try operation.process(batch, input: 0, to: collected)
      try operation.watermark(EventTime(microseconds: Int64(step / 4 * 100)), to: collected)
      try operation.giveRest(to: collected)
    }
    try operation.finish(to: collected)
    try operation.giveRest(to: collected)
    var (found, expected) = (Materialised(), Materialised())
    found.insert(collected.rows)
    expected.insert(model.top)
    #expect(found.counts == expected.counts, "\(random)")
  }
}
