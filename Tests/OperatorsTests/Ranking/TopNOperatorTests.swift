import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("The first rows of each key")
struct TopNOperatorTests {
  static let input = Schema([
    Field("k", .int64), Field("b", .bool), Field("i", .int32), Field("l", .int64), Field("f", .float64),
    Field("s", .utf8), Field("ts", .timestamp), Field("id", .int64, nullable: false),
  ])
  static let kind = Field(Plan.rowKindColumn, .utf8, nullable: false)

  /// Columns with many equal values, and one that tells rows apart.
  static func batch(_ rows: Int, from first: Int, distinct: Int, _ random: inout SeededGenerator) -> RecordBatch {
    var columns = input.fields.dropLast().map { randomColumn($0.type, rows: rows, distinct: distinct, &random) }
    let ids = ColumnBuilder(.int64)
    for row in 0..<rows { ids.append(.int64(Int64(first + row))) }
    columns.append(ids.finish())
    return RecordBatch(schema: input, columns: columns, length: rows)
  }

  static func output(rank: Bool) -> Schema {
    Schema([kind] + input.fields + (rank ? [Field("place", .int64, nullable: false)] : []))
  }

  /// Orders of one column of each type in each direction, and of several, which words cannot decide.
  private static let orders: [[Plan.Ordering]] =
    ["b", "i", "l", "f", "s", "ts"].flatMap { column in
      [false, true].flatMap { descending in
        [false, true].map { [Plan.Ordering(column, descending: descending, nullsFirst: $0)] }
      }
    } + [
      [Plan.Ordering("i", descending: true), Plan.Ordering("s"), Plan.Ordering("ts", descending: true)],
      [Plan.Ordering("s", descending: true), Plan.Ordering("i"), Plan.Ordering("b", descending: true)],
      [
        Plan.Ordering("b"), Plan.Ordering("i"), Plan.Ordering("l", descending: true), Plan.Ordering("f"),
        Plan.Ordering("s", nullsFirst: true), Plan.Ordering("ts"),
      ],
      [],
    ]

  @Test("are those of a sort after each batch, told as changes", arguments: [1, 2, 3, 10, 100], [false, true])
  func sorted(count: Int, rank: Bool) throws {
    var random = SeededGenerator()
    for orderings in Self.orders {
      let takesLast = count == 1 && Bool.random(using: &random)
      let operation = TopNOperator(
        orderings, count: count, takesLast: takesLast, keys: [0], input: Self.input, output: Self.output(rank: rank),
        context: testContext())
      var model = RankingModel(orderings, takesLast: takesLast, limit: count, schema: Self.input)
      var table = Materialised()
      var sent = 0
      for _ in 0..<8 {
        let rows = Int.random(in: 1...150, using: &random)
        let batch = selectedAtRandom(Self.batch(rows, from: sent, distinct: 6, &random), &random)
        sent += rows
        for row in rowValues(batch) { model.add(row, key: [row[0]]) }
        let collected = Collected()
        try operation.process(batch, input: 0, to: collected)
        try operation.giveRest(to: collected)
        table.apply(collected.rows)
        var expected = Materialised()
        expected.insert(rank ? model.top : model.top.map { Array($0.dropLast()) })
        #expect(table.counts == expected.counts, "\(orderings), \(random)")
        #expect(table.problems.isEmpty, "\(table.problems.prefix(3)), \(orderings), \(random)")
        if table.counts != expected.counts { return }
      }
    }
  }

  @Test("are told by kind and place")
  func kinds() throws {
    func told(_ count: Int, rank: Bool) throws -> [[String]] {
      let schema = Schema([Field("k", .utf8), Field("v", .int64)])
      let output = Schema([Self.kind] + schema.fields + (rank ? [Field("place", .int64)] : []))
      let operation = TopNOperator(
        [.init("v", descending: true)], count: count, keys: [0], input: schema, output: output, context: testContext())
      let batches: [[(String, Int64?)]] = [
        [("a", 5), ("b", 1)], [("a", 3)], [("a", 7), ("a", 6), ("b", nil)], [("a", 1)],
      ]
      return try batches.map { rows in
        let keys = ColumnBuilder(.utf8)
        let values = ColumnBuilder(.int64)
        for (key, value) in rows {
          keys.append(.utf8(key))
          values.append(value.map { .int64($0) } ?? .null(.int64))
        }
        let collected = Collected()
        try operation.process(
          RecordBatch(schema: schema, columns: [keys.finish(), values.finish()], length: rows.count), input: 0,
          to: collected)
        return collected.batches.flatMap { batch in
          (0..<batch.length).map { row in
            batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " ")
          }
        }
      }
    }
    #expect(try told(1, rank: false) == [["+I a 5", "+I b 1"], [], ["-U a 5", "+U a 7"], []])
    #expect(
      try told(2, rank: false) == [
        ["+I a 5", "+I b 1"], ["+I a 3"], ["-D a 5", "-D a 3", "+I a 7", "+I a 6", "+I b null"], [],
      ])
    #expect(
      try told(2, rank: true) == [
        ["+I a 5 1", "+I b 1 1"], ["+I a 3 2"],
        ["-U a 5 1", "+U a 7 1", "-U a 3 2", "+U a 6 2", "+I b null 2"], [],
      ])
    #expect(
      try told(3, rank: true) == [
        ["+I a 5 1", "+I b 1 1"], ["+I a 3 2"],
        ["-U a 5 1", "+U a 7 1", "-U a 3 2", "+U a 6 2", "+I a 5 3", "+I b null 2"], [],
      ])
  }

  @Test("are right at the ends of what the order's words can say")
  func extremes() throws {
    let schema = Schema([Field("k", .int64), Field("v", .int64), Field("id", .int64, nullable: false)])
    let values: [Value] = [
      .int(.max), .int(.max - 1), .int(.max - 2), .null, .int(.min), .int(.min + 1), .int(.min + 2), .int(0),
    ]
    var random = SeededGenerator()
    for descending in [false, true] {
      for nullsFirst in [false, true] {
        let orderings = [Plan.Ordering("v", descending: descending, nullsFirst: nullsFirst)]
        let operation = TopNOperator(
          orderings, count: 20, keys: [0], input: schema,
          output: Schema([Self.kind] + schema.fields + [Field("place", .int64)]), context: testContext())
        var model = RankingModel(orderings, limit: 20, schema: schema)
        var table = Materialised()
        let rows = (values + values).shuffled(using: &random).enumerated().map { [Value.int(1), $1, .int(Int64($0))] }
        for row in rows {
          let columns = row.map { value in
            if case .int(let value) = value {
              Column.constant(.int64(value), count: 1)
            } else {
              Column.nulls(.int64, count: 1)
            }
          }
          model.add(row, key: [row[0]])
          let collected = Collected()
          try operation.process(RecordBatch(schema: schema, columns: columns, length: 1), input: 0, to: collected)
          table.apply(collected.rows)
        }
        var expected = Materialised()
        expected.insert(model.top)
        #expect(table.counts == expected.counts, "\(orderings), \(random)")
      }
    }
  }

  @Test("are forgotten with their key when it has not changed for its time to live")
  func timeToLive() throws {
    let clock = ManualClock()
    let operation = TopNOperator(
      [.init("l")], count: 2, keys: [0], input: Self.input, output: Self.output(rank: false), timeToLive: 100,
      context: testContext(clock))
    func send(_ value: Int64) throws -> [String] {
      let values: [Literal] = [
        .int64(1), .bool(true), .int32(1), .int64(value), .float64(1), .utf8("x"),
        .timestamp(0, .microsecond, timezone: nil),
        .int64(value),
      ]
      let collected = Collected()
      try operation.process(
        RecordBatch(schema: Self.input, columns: values.map { .constant($0, count: 1) }, length: 1), input: 0,
        to: collected)
      return collected.batches.flatMap { batch in
        (0..<batch.length).map { "\(batch.columns[0].text(at: $0)) \(batch.columns[8].text(at: $0))" }
      }
    }
    clock.advance(to: ProcessingTime(microseconds: 1_000))
    #expect(try send(5) == ["+I 5"])
    clock.advance(to: ProcessingTime(microseconds: 1_099))
    #expect(try send(3) == ["+I 3"])
    clock.advance(to: ProcessingTime(microseconds: 1_150))
    // It changes nothing, so the time runs on.
    #expect(try send(9) == [])
    clock.advance(to: ProcessingTime(microseconds: 1_199))
    #expect(try send(9) == ["+I 9"])
  }

  @Test("stop with a sentence when their state has no more room")
  func stateMemory() throws {
    var random = SeededGenerator()
    let memory = StateMemory(limit: 8 << 20)
    let operation = TopNOperator(
      [.init("l")], count: 3, keys: [7], input: Self.input, output: Self.output(rank: false),
      context: testContext(memory: memory))
    do throws(Failure) {
      for step in 0..<1_000 {
        try operation.process(Self.batch(500, from: step * 500, distinct: 10, &random), input: 0, to: Collected())
        #expect(memory.usedBytes <= memory.limit)
      }
      Issue.record("500,000 rows were kept in 8 MiB")
    } catch {
      #expect(error.kind == .data)
      #expect(error.message.contains("keys in this subtask needs"), "\(error.message)")
    }
  }
}

extension TopNOperatorTests {
  @Test("keep the two rows of an update in one batch")
  func updatesTogether() throws {
    let schema = Schema([Field("k", .int64), Field("v", .int64)])
    let operation = TopNOperator(
      [.init("v", descending: true)], count: 1, keys: [0], input: schema, output: Schema([Self.kind] + schema.fields),
      context: testContext())
    let collected = Collected()
    // A key more each time, so that updates begin at even and at odd rows.
    for (step, keys) in [6_001, 6_001, 12_002, 12_001].enumerated() {
      let rows = (0..<keys).map { [Literal.int64(Int64($0)), .int64(Int64(step))] }
      try operation.process(literalBatch(schema, rows), input: 0, to: collected)
      try operation.giveRest(to: collected)
    }
    #expect(collected.batches.count > 4)
    for batch in collected.batches {
      #expect(batch.columns[0].text(at: batch.length - 1) != "-U")
      #expect(batch.columns[0].text(at: 0) != "+U")
    }
  }
}
