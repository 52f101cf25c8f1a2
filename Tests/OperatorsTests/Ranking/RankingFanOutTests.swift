import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// Rankings and last rows whose results of one call fill several batches.
@Suite("An operator that keeps rows and gives many at once")
struct RankingFanOutTests {
  private static let input = Schema([
    Field("window_end", .timestamp(.microsecond, timezone: nil), nullable: false), Field("v", .int64),
    Field("id", .int64, nullable: false),
  ])

  private func batch(_ values: [Int64], end: Int64 = 100) -> RecordBatch {
    let builders = Self.input.fields.map { ColumnBuilder($0.type) }
    for value in values {
      builders[0].append(.timestamp(end, .microsecond, timezone: nil))
      builders[1].append(.int64(value))
      builders[2].append(.int64(value))
    }
    return RecordBatch(schema: Self.input, columns: builders.map { $0.finish() }, length: values.count)
  }

  /// Makes a call and those that give the rest, each of which may give a batch.
  private func call(
    _ operation: any Operator, _ body: (Collected) throws(Failure) -> Void
  ) throws(Failure) -> [RecordBatch] {
    var batches: [RecordBatch] = []
    let first = Collected()
    try body(first)
    #expect(first.batches.count <= 1)
    batches += first.batches
    while operation.hasMore {
      let next = Collected()
      try operation.proceed(to: next)
      #expect(next.batches.count <= 1)
      batches += next.batches
    }
    return batches
  }

  private func ids(_ batches: [RecordBatch], column: Int) -> [Int64] {
    batches.flatMap { batch in (0..<batch.length).map { batch.columns[column].values(Int64.self)[$0] } }
  }

  @Test("gives a window's rows a batch a call")
  func window() throws {
    let operation = WindowTopNOperator(
      [.init("v", descending: false)], count: 20_000, keys: [0], end: 0, input: Self.input,
      output: Schema(Self.input.fields + [Field("place", .int64, nullable: false)]), context: testContext())
    let values: [Int64] = Array(0..<20_000)
    try operation.process(batch(values.reversed()), input: 0, to: Collected())
    let given = try call(operation) { (to) throws(Failure) in
      try operation.watermark(EventTime(microseconds: 100), to: to)
    }
    #expect(ids(given, column: 2) == values)
    #expect(ids(given, column: 3) == values.map { $0 + 1 })
    // The window is forgotten once all of it was given.
    #expect(try call(operation) { (to) throws(Failure) in try operation.finish(to: to) }.isEmpty)
  }

  @Test("gives the places that a row has moved a batch a call, the two rows of each together")
  func places() throws {
    let kind = Field(Plan.rowKindColumn, .utf8, nullable: false)
    let operation = TopNOperator(
      [.init("v", descending: false)], count: 10_000, keys: [0], input: Self.input,
      output: Schema([kind] + Self.input.fields + [Field("place", .int64, nullable: false)]), context: testContext())
    let values: [Int64] = Array(1...10_000)
    let first = try call(operation) { (to) throws(Failure) in try operation.process(batch(values), input: 0, to: to) }
    #expect(ids(first, column: 3) == values)
    let moved = try call(operation) { (to) throws(Failure) in try operation.process(batch([0]), input: 0, to: to) }
    #expect(moved.count > 1)
    for part in moved { #expect(part.columns[0].text(at: part.length - 1) == "+U") }
    let places = ids(moved, column: 4)
    #expect(places == values.flatMap { [$0, $0] })
    #expect(ids(moved, column: 3) == values.flatMap { [$0, $0 - 1] })
  }

  @Test("gives what holds at the end a batch a call")
  func end() throws {
    let values: [Int64] = Array(0..<20_000)
    let last = LastRowsOperator(keys: [2], input: Self.input, context: testContext())
    try last.process(batch(values), input: 0, to: Collected())
    let lasts = try call(last) { (to) throws(Failure) in try last.finish(to: to) }
    #expect(ids(lasts, column: 2).sorted() == values)

    let kind = Field(Plan.rowKindColumn, .utf8, nullable: false)
    let latest = LatestRowsOperator(keys: Array(Self.input.fields.indices), output: Self.input, context: testContext())
    let rows = batch(values)
    let changes = RecordBatch(
      schema: Schema([kind] + Self.input.fields),
      columns: [.constant(.utf8("+I"), count: rows.length)] + rows.columns, length: rows.length)
    try latest.process(changes, input: 0, to: Collected())
    let held = try call(latest) { (to) throws(Failure) in try latest.finish(to: to) }
    #expect(ids(held, column: 2) == values)
  }

  private static let texts = Schema([
    Field("window_end", .timestamp(.microsecond, timezone: nil), nullable: false), Field("k", .int64),
    Field("v", .int64), Field("s", .utf8),
  ])

  /// A row a key, of three megabytes.
  private func large(_ keys: Int, value: Int64) -> RecordBatch {
    let text = String(repeating: "\(value)", count: 3 << 20)
    let builders = Self.texts.fields.map { ColumnBuilder($0.type) }
    for key in 0..<keys {
      builders[0].append(.timestamp(100, .microsecond, timezone: nil))
      builders[1].append(.int64(Int64(key)))
      builders[2].append(.int64(value))
      builders[3].append(.utf8(text))
    }
    return RecordBatch(schema: Self.texts, columns: builders.map { $0.finish() }, length: keys)
  }

  @Test("gives large rows a few at a time, the two rows of an update together")
  func largeRows() throws {
    let kind = Field(Plan.rowKindColumn, .utf8, nullable: false)
    let ranking = TopNOperator(
      [.init("v", descending: true)], count: 1, keys: [1], input: Self.texts,
      output: Schema([kind] + Self.texts.fields), context: testContext())
    let first = try call(ranking) { (to) throws(Failure) in try ranking.process(large(11, value: 1), input: 0, to: to) }
    #expect(first.map(\.length) == [5, 5, 1])
    let second = try call(ranking) { (to) throws(Failure) in
      try ranking.process(large(11, value: 2), input: 0, to: to)
    }
    #expect(second.map(\.length) == [4, 4, 4, 4, 4, 2])
    #expect(second.flatMap { ids([$0], column: 2) } == (0..<11).flatMap { [$0, $0] })
    #expect(second.flatMap { ids([$0], column: 3) } == (0..<11).flatMap { _ in [1, 2] })

    let windows = WindowTopNOperator(
      [.init("v")], count: 1, keys: [0, 1], end: 0, input: Self.texts, output: Self.texts, context: testContext())
    try windows.process(large(11, value: 1), input: 0, to: Collected())
    let results = try call(windows) { (to) throws(Failure) in try windows.finish(to: to) }
    #expect(results.map(\.length) == [5, 5, 1])

    let last = LastRowsOperator(keys: [1], input: Self.texts, context: testContext())
    try last.process(large(11, value: 1), input: 0, to: Collected())
    #expect(try call(last) { (to) throws(Failure) in try last.finish(to: to) }.map(\.length) == [5, 5, 1])
  }

  @Test("gives an update of rows that are too large for a batch together")
  func largest() throws {
    let kind = Field(Plan.rowKindColumn, .utf8, nullable: false)
    let ranking = TopNOperator(
      [.init("v", descending: true)], count: 1, keys: [1], input: Self.texts,
      output: Schema([kind] + Self.texts.fields), context: testContext())
    for value: Int64 in 1...2 {
      var rows = large(1, value: value)
      rows.columns[3] = .constant(.utf8(String(repeating: "\(value)", count: 20 << 20)), count: 1)
      let given = try call(ranking) { (to) throws(Failure) in try ranking.process(rows, input: 0, to: to) }
      #expect(given.map(\.length) == (value == 1 ? [1] : [2]))
    }
  }
}
