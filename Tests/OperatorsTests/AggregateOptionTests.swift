import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// Filters, orders and partial aggregates of all functions, as operators hand them on.
@Suite("Aggregates with options")
struct AggregateOptionTests {
  private let schema = Schema([
    Field("k", .int64), Field("v", .int64), Field("t", .utf8), Field("x", .float64), Field("f", .bool),
  ])

  private func calls(filter: Expression?) -> [Plan.AggregateCall] {
    let v = Expression.column("v")
    func call(
      _ function: String, _ argument: Expression?, by: Expression? = nil, fraction: Double? = nil
    ) -> Plan.AggregateCall {
      Plan.AggregateCall(
        function: function, argument: argument,
        name: "\(function)\(by == nil ? "" : "_by")\(filter == nil ? "" : "_f")",
        by: by, filter: filter, fraction: fraction)
    }
    let plain = [
      "count_distinct", "sum", "min", "max", "avg", "first", "last", "var_pop", "var_samp", "stddev_pop", "stddev_samp",
      "collect", "approx_count_distinct",
    ].map { call($0, v) }
    return plain + [
      call("count", nil), call("bool_and", .column("f")), call("bool_or", .column("f")),
      call("approx_quantile", v, fraction: 0.5), call("arg_min", .column("t"), by: .column("x")),
      call("arg_max", .column("t"), by: v), call("first", v, by: .column("t")), call("last", v, by: .column("x")),
    ]
  }

  private func output(_ calls: [Plan.AggregateCall]) throws -> Schema {
    Schema(
      [Field("k", .int64)]
        + (try calls.map { Field($0.name, try $0.signature(in: schema).result, nullable: true) }))
  }

  private func batch(_ random: inout SeededGenerator) -> RecordBatch {
    let rows = Int.random(in: 1...120, using: &random)
    func column(_ type: DataType, _ value: (inout SeededGenerator) -> Literal) -> Column {
      let builder = ColumnBuilder(type)
      for _ in 0..<rows {
        if Int.random(in: 0..<6, using: &random) == 0 { builder.appendNull() } else { builder.append(value(&random)) }
      }
      return builder.finish()
    }
    let columns = [
      column(.int64) { .int64(.random(in: 0..<40, using: &$0)) },
      column(.int64) { .int64(.random(in: -9...9, using: &$0)) },
      column(.utf8) { .utf8("text \(Int.random(in: 0..<50, using: &$0))") },
      column(.float64) { .float64(Double(Int.random(in: -99...99, using: &$0)) / 4) },
      column(.bool) { .bool(.random(using: &$0)) },
    ]
    return RecordBatch(schema: schema, columns: columns, length: rows)
  }

  private func same(_ left: Literal, _ right: Literal) -> Bool {
    if case (.float64(let left), .float64(let right)) = (left, right) {
      return abs(left - right) <= 1e-9 * max(1, abs(right))
    }
    return left == right
  }

  @Test("give of combined rows what they give of the rows, with and without a filter")
  func combined() throws {
    var random = SeededGenerator()
    let calls = calls(filter: nil) + calls(filter: .call("greater_than", [.column("x"), .literal(.float64(2))]))
    #expect(Set(calls.map(\.function)) == Set(AggregateFunction.allCases.map(\.rawValue)))
    let output = try output(calls)
    let direct = try AggregateOperator(
      calls, input: .records(keys: [0]), records: schema, output: output, emission: .perBatch,
      functions: NoScalarFunctions())
    let combine = try CombineOperator(calls, keys: [0], input: schema, functions: NoScalarFunctions())
    let behind = try AggregateOperator(
      calls, input: .partials(keyCount: 1), records: schema, output: output, emission: .perBatch,
      functions: NoScalarFunctions())
    let perRecord = try AggregateOperator(
      calls, input: .records(keys: [0]), records: schema, output: output, emission: .perRecord,
      functions: NoScalarFunctions())
    for operation in [direct, behind, perRecord] { try operation.open() }
    try combine.open()
    let channel = try CombineOperator.outputSchema(calls, keys: [0], input: schema)
    for _ in 0..<10 {
      let batch = batch(&random)
      let (rows, partials, results, records) = (Collected(), Collected(), Collected(), Collected())
      try direct.process(batch, input: 0, to: rows)
      try combine.process(batch, input: 0, to: partials)
      for partial in partials.batches {
        #expect(partial.schema == channel)
        try behind.process(partial, input: 0, to: results)
      }
      try perRecord.process(batch, input: 0, to: records)
      let (left, right) = (try #require(rows.batches.first), try #require(results.batches.first))
      let all = try #require(records.batches.first)
      #expect(left.length == right.length && all.length == batch.length)
      // A key's last record has its result of the batch.
      var last: [Literal: Int] = [:]
      for row in 0..<all.length { last[all.columns[0].literal(at: row)] = row }
      for (index, field) in output.fields.enumerated() {
        for row in 0..<left.length {
          let wanted = left.columns[index].literal(at: row)
          let found = right.columns[index].literal(at: row)
          #expect(same(found, wanted), "\(random): \(field.name): \(found), not \(wanted)")
          let record = all.columns[index].literal(at: try #require(last[left.columns[0].literal(at: row)]))
          #expect(same(record, wanted), "\(random): \(field.name) once per record: \(record), not \(wanted)")
        }
      }
    }
  }

  @Test("rows that the filter excludes cannot make an argument or an order fail")
  func guarded() throws {
    let schema = Schema([Field("k", .int64), Field("a", .int64), Field("b", .int64)])
    let quotient = Expression.call("divide", [.column("a"), .column("b")])
    let filter = Expression.call("not_equal", [.column("b"), .literal(.int64(0))])
    func run(_ call: Plan.AggregateCall) throws -> [[Value]] {
      let operation = try AggregateOperator(
        [call], input: .records(keys: [0]), records: schema,
        output: Schema([Field("k", .int64), Field("s", .int64)]), emission: .perBatch, functions: NoScalarFunctions())
      func column(_ values: [Int64]) -> Column {
        let builder = ColumnBuilder(.int64)
        for value in values { builder.append(.int64(value)) }
        return builder.finish()
      }
      let batch = RecordBatch(
        schema: schema, columns: [column([1, 1, 1]), column([12, 5, 9]), column([4, 0, 3])], length: 3)
      let collected = Collected()
      try operation.open()
      try operation.process(batch, input: 0, to: collected)
      return collected.rows
    }
    let sum = Plan.AggregateCall(function: "sum", argument: quotient, name: "s", filter: filter)
    #expect(try run(sum) == [[.int(1), .int(6)]])
    let best = Plan.AggregateCall(
      function: "arg_max", argument: .column("a"), name: "s", by: quotient, filter: filter)
    #expect(try run(best) == [[.int(1), .int(12)]])
    #expect(throws: Failure.self) { _ = try run(Plan.AggregateCall(function: "sum", argument: quotient, name: "s")) }
  }

  @Test("a sum whose parts overflow before they are merged is right when the whole fits")
  func partialOverflow() throws {
    let schema = Schema([Field("k", .int64), Field("v", .int64)])
    let calls = [Plan.AggregateCall(function: "sum", argument: .column("v"), name: "s")]
    let combine = try CombineOperator(calls, keys: [0], input: schema, functions: NoScalarFunctions())
    let operation = try AggregateOperator(
      calls, input: .partials(keyCount: 1), records: schema, output: Schema([Field("k", .int64), Field("s", .int64)]),
      emission: .perBatch, functions: NoScalarFunctions())
    let collected = Collected()
    for values in [[Int64.min, 7], [.max, .max, -20], [.min, -3]] {
      let builder = ColumnBuilder(.int64)
      for value in values { builder.append(.int64(value)) }
      let batch = RecordBatch(
        schema: schema, columns: [Column.constant(.int64(1), count: values.count), builder.finish()],
        length: values.count)
      let partials = Collected()
      try combine.process(batch, input: 0, to: partials)
      for partial in partials.batches { try operation.process(partial, input: 0, to: collected) }
    }
    let wanted: [Int64] = [.min + 7, .max - 14, -18]
    #expect(collected.rows.map { $0[1] } == wanted.map { Value.int($0) })
  }
}
