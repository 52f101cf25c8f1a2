import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// Keeps what an operator emits.
final class Collected: Collector {
  var batches: [RecordBatch] = []
  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    if batch.rowCount > 0 { batches.append(batch.compacted()) }
  }

  /// All rows of all batches.
  var rows: [[Value]] {
    batches.flatMap { batch in
      let columns = batch.columns.map { values($0) }
      return (0..<batch.length).map { row in columns.map { $0[row] } }
    }
  }
}

/// The aggregates of a key, computed one row at a time.
private struct Model {
  var rows: Int64 = 0
  var sum: Int64?
  var low: Int64?
  var high: Int64?
  var count: Int64 = 0

  mutating func add(_ value: Value) {
    rows += 1
    guard case .int(let value) = value else { return }
    count += 1
    sum = (sum ?? 0) + value
    low = min(low ?? value, value)
    high = max(high ?? value, value)
  }

  var results: [Value] {
    let average = sum.map { Value.double(Double($0) / Double(count)) } ?? .null
    return [.int(rows), optional(sum), optional(low), optional(high), average, .int(count)]
  }

  private func optional(_ value: Int64?) -> Value { value.map { .int($0) } ?? .null }
}

@Suite("Running aggregates")
struct AggregateOperatorTests {
  private let input = Schema([Field("a", .utf8), Field("k", .int64), Field("v", .int32)])
  private let calls = [
    Plan.AggregateCall(function: "count", argument: nil, name: "rows"),
    Plan.AggregateCall(function: "sum", argument: .column("v"), name: "sum"),
    Plan.AggregateCall(function: "min", argument: .cast(.column("v"), .int64), name: "min"),
    Plan.AggregateCall(function: "max", argument: .cast(.column("v"), .int64), name: "max"),
    Plan.AggregateCall(function: "avg", argument: .column("v"), name: "avg"),
    Plan.AggregateCall(function: "count", argument: .column("v"), name: "values"),
  ]

  private func output(keys: [Int]) -> Schema {
    Schema(
      keys.map { input.fields[$0] } + [
        Field("rows", .int64), Field("sum", .int64), Field("min", .int64), Field("max", .int64), Field("avg", .float64),
        Field("values", .int64),
      ])
  }

  private func randomBatch(_ random: inout SeededGenerator, distinct: Int) -> RecordBatch {
    let rows = Int.random(in: 1...200, using: &random)
    let batch = RecordBatch(
      schema: input,
      columns: [
        randomColumn(.utf8, rows: rows, distinct: 4, &random),
        randomColumn(.int64, rows: rows, distinct: distinct, &random),
        randomColumn(.int32, rows: rows, distinct: 50, &random),
      ], length: rows)
    guard Bool.random(using: &random) else { return batch }
    // Half of the batches come with a selection, as behind a filter.
    let kept = (0..<rows).filter { _ in Bool.random(using: &random) }
    let indices = Buffer(byteCount: max(4, kept.count * 4))
    for (place, row) in kept.enumerated() { indices.unsafeMutableValues(UInt32.self)[place] = UInt32(row) }
    var selected = batch
    selected.selection = Selection(indices: indices, count: kept.count)
    return selected
  }

  private func rows(_ batch: RecordBatch, keys: [Int]) -> [(key: [Value], value: Value)] {
    let columns = batch.compacted().columns.map { values($0) }
    return (0..<batch.rowCount).map { row in (keys.map { columns[$0][row].asKey }, columns[2][row]) }
  }

  private func close(_ left: [[Value]], _ right: [[Value]]) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy { left, right in
        zip(left, right).allSatisfy { left, right in
          if case .double(let left) = left, case .double(let right) = right {
            abs(left - right) <= 1e-9 * max(1, abs(right))
          } else {
            left.asKey == right.asKey
          }
        }
      }
  }

  @Test(
    "give each touched key's new value once per batch, or once per record", arguments: [[1], [0, 1], [0]],
    [Plan.Emission.perBatch, .perRecord])
  func running(keys: [Int], emission: Plan.Emission) throws {
    var random = SeededGenerator()
    let operation = try AggregateOperator(
      calls, input: .records(keys: keys), records: input, output: output(keys: keys), emission: emission,
      functions: NoScalarFunctions())
    try operation.open()
    var models: [[Value]: Model] = [:]
    for _ in 0..<25 {
      let batch = randomBatch(&random, distinct: 30)
      let collected = Collected()
      try operation.process(batch, input: 0, to: collected)
      var expected: [[Value]] = []
      var order: [[Value]] = []
      for (key, value) in rows(batch, keys: keys) {
        models[key, default: Model()].add(value)
        if !order.contains(key) { order.append(key) }
        if emission == .perRecord { expected.append(key + models[key]!.results) }
      }
      if emission == .perBatch { expected = order.map { $0 + models[$0]!.results } }
      #expect(close(collected.rows, expected), "\(random)")
    }
    try operation.close()
  }

  @Test("of combined rows are those of the rows", arguments: [5, 5_000])
  func combined(distinct: Int) throws {
    var random = SeededGenerator()
    let keys = [1, 0]
    let combine = try CombineOperator(calls, keys: keys, input: input, functions: NoScalarFunctions())
    let operation = try AggregateOperator(
      calls, input: .partials(keyCount: 2), records: input, output: output(keys: keys), emission: .perBatch,
      functions: NoScalarFunctions())
    try combine.open()
    try operation.open()
    let channel = try CombineOperator.outputSchema(calls, keys: keys, input: input)
    var models: [[Value]: Model] = [:]
    var last: [[Value]: [Value]] = [:]
    // More batches than are passed in a row, so that rows combined and rows passed both occur.
    for _ in 0..<150 {
      let batch = randomBatch(&random, distinct: distinct)
      for (key, value) in rows(batch, keys: keys) { models[key, default: Model()].add(value) }
      let partials = Collected()
      try combine.process(batch, input: 0, to: partials)
      for partial in partials.batches {
        #expect(partial.schema == channel)
        let results = Collected()
        try operation.process(partial, input: 0, to: results)
        for row in results.rows { last[row.prefix(2).map(\.asKey)] = Array(row.dropFirst(2)) }
      }
    }
    #expect(last.count == models.count, "\(random)")
    for (key, model) in models {
      #expect(close([last[key] ?? []], [model.results]), "\(key), \(random)")
    }
  }

  @Test("combine a key's rows also right behind a batch of one row")
  func combinedBehindSingle() throws {
    let combine = try CombineOperator(calls, keys: [1], input: input, functions: NoScalarFunctions())
    try combine.open()
    for rows in [1, 1_000] {
      let columns = [Column.constant(.utf8("a"), count: rows), .constant(.int64(7), count: rows)]
      let batch = RecordBatch(
        schema: input, columns: columns + [.constant(.int32(1), count: rows)], length: rows)
      let partials = Collected()
      try combine.process(batch, input: 0, to: partials)
      #expect(partials.rows.count == 1)
    }
  }

  /// Rows of which two have one key.
  private func pairs(_ rows: Int, from first: Int = 0) -> RecordBatch {
    let numbers = Buffer(byteCount: rows * 8)
    for row in 0..<rows { numbers.unsafeMutableValues(Int64.self)[row] = Int64(first + row / 2) }
    let columns = [
      Column.constant(.utf8("a"), count: rows), Column(type: .int64, length: rows, validity: nil, buffers: [numbers]),
      .constant(.int32(1), count: rows),
    ]
    return RecordBatch(schema: input, columns: columns, length: rows)
  }

  @Test("stop with a sentence when their state has no more room, and give the room back", arguments: [[1], [0, 1]])
  func stateMemory(keys: [Int]) throws {
    let memory = StateMemory(limit: 8 << 20)
    func operation() throws -> AggregateOperator {
      try AggregateOperator(
        calls, input: .records(keys: keys), records: input, output: output(keys: keys), emission: .perBatch,
        functions: NoScalarFunctions(), memory: memory)
    }
    /// Adds new keys until there is no room: the sentence, and how many keys there are then.
    func fill(_ operation: AggregateOperator) -> (message: String, keys: Int) {
      for count in stride(from: 0, to: 1_000_000, by: 500) {
        do throws(Failure) {
          try operation.process(pairs(1000, from: count), input: 0, to: Collected())
        } catch {
          #expect(error.kind == .data)
          return (error.message, count)
        }
        #expect(memory.usedBytes <= memory.limit)
      }
      return ("no failure", 0)
    }
    let first = try operation()
    let (message, count) = fill(first)
    #expect(message.hasPrefix("the state of \(count) keys in this subtask needs "), "\(message)")
    #expect(
      message.hasSuffix(
        " MiB, all other state of the job has 0.0 MiB, and 8.0 MiB of --memory-limit are there for both: raise --memory-limit "
          + "or group by fewer keys"), "\(message)")
    #expect(count > 8_000)
    let held = memory.usedBytes
    for _ in 0..<2 {
      let (message, others) = fill(try operation())
      #expect(others < count, "what one instance holds is not there for another: \(message)")
      #expect(memory.usedBytes == held, "an instance gives back what it held")
    }
    withExtendedLifetime(first) {}
  }

  @Test("combine with a table that shrinks behind a large batch")
  func combineShrinks() throws {
    let combine = try CombineOperator(calls, keys: [1], input: input, functions: NoScalarFunctions())
    try combine.process(pairs(1 << 21), input: 0, to: Collected())
    #expect(combine.table.byteCount > CombineYield.keptBytes(0), "what the batch needs is kept for the next one")
    try combine.process(pairs(1000), input: 0, to: Collected())
    #expect(combine.table.byteCount <= 64 << 10)
  }

  @Test("stop at an overflow")
  func overflow() throws {
    let schema = Schema([Field("k", .int64), Field("v", .int64)])
    let operation = try AggregateOperator(
      [Plan.AggregateCall(function: "sum", argument: .column("v"), name: "s")], input: .records(keys: [0]),
      records: schema,
      output: Schema([Field("k", .int64), Field("s", .int64)]), emission: .perBatch, functions: NoScalarFunctions())
    let batch = RecordBatch(
      schema: schema, columns: [Column.constant(.int64(1), count: 3), Column.constant(.int64(.max), count: 3)],
      length: 3)
    #expect(throws: Failure.self) { try operation.process(batch, input: 0, to: Collected()) }
  }
}
