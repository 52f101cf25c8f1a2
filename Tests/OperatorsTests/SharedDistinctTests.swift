import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// Counts of the different values of one column under several conditions, which keep the values together, beside plain
/// sets.
@Suite("Distinct counts of one column")
struct SharedDistinctTests {
  private typealias Row = (k: Int64?, v: Int64?, t: String?, x: Int64)
  private let schema = Schema([
    Field("k", .int64), Field("v", .int64), Field("t", .utf8), Field("x", .int64, nullable: false),
  ])

  /// Nil: no condition; else x is at least that.
  private let conditions: [Int64?] = [3, nil, 7, 0]

  private var calls: [Plan.AggregateCall] {
    ["v", "t"].flatMap { column in
      conditions.map { least in
        Plan.AggregateCall(
          function: "count_distinct", argument: .column(column), name: "\(column)\(least ?? -1)",
          filter: least.map { .call("greater_than_or_equal", [.column("x"), .literal(.int64($0))]) })
      }
    }
  }

  private func batch(_ rows: [Row]) -> RecordBatch {
    let builders = schema.fields.map { ColumnBuilder($0.type) }
    for row in rows {
      builders[0].append(row.k.map { .int64($0) } ?? .null(.int64))
      builders[1].append(row.v.map { .int64($0) } ?? .null(.int64))
      builders[2].append(row.t.map { .utf8($0) } ?? .null(.utf8))
      builders[3].append(.int64(row.x))
    }
    return RecordBatch(schema: schema, columns: builders.map { $0.finish() }, length: rows.count)
  }

  /// By key and call: the values that count.
  private struct Model {
    var sets: [Int64?: [Set<String>]] = [:]

    mutating func add(_ row: Row, _ conditions: [Int64?]) {
      var own = sets[row.k] ?? Array(repeating: [], count: 2 * conditions.count)
      for (index, least) in conditions.enumerated() where row.x >= least ?? .min {
        if let v = row.v { own[index].insert("\(v)") }
        if let t = row.t { own[conditions.count + index].insert(t) }
      }
      sets[row.k] = own
    }
  }

  @Test("are those of plain sets: of rows, of partial aggregates, and after each record", arguments: [3, 400])
  func random(keys: Int64) throws {
    var random = SeededGenerator()
    let (calls, functions) = (calls, NoScalarFunctions())
    let output = Schema([Field("k", .int64)] + calls.map { Field($0.name, .int64, nullable: false) })
    func operation(_ input: AggregateOperator.Input, _ emission: Plan.Emission) throws -> AggregateOperator {
      try AggregateOperator(
        calls, input: input, records: schema, output: output, emission: emission, functions: functions)
    }
    let direct = try operation(.records(keys: [0]), .perBatch)
    let running = try operation(.records(keys: [0]), .perRecord)
    let behind = try operation(.partials(keyCount: 1), .perBatch)
    let combine = try CombineOperator(calls, keys: [0], input: schema, functions: functions)
    for each in [direct, running, behind] as [any Operator] { try each.open() }
    try combine.open()
    var model = Model()
    for _ in 0..<40 {
      let rows: [Row] = (0..<Int.random(in: 1...300, using: &random)).map { _ in
        (
          Int.random(in: 0..<20, using: &random) == 0 ? nil : Int64.random(in: 0..<keys, using: &random),
          Int.random(in: 0..<10, using: &random) == 0 ? nil : Int64.random(in: -50...50, using: &random),
          Int.random(in: 0..<10, using: &random) == 0 ? nil : "text \(Int.random(in: 0..<60, using: &random))",
          Int64.random(in: -2..<9, using: &random)
        )
      }
      let (told, records, partials, merged) = (Collected(), Collected(), Collected(), Collected())
      try direct.process(batch(rows), input: 0, to: told)
      try running.process(batch(rows), input: 0, to: records)
      try combine.process(batch(rows), input: 0, to: partials)
      // As an exchange deals rows out.
      for partial in partials.batches {
        let odd = (0..<partial.length).filter { $0 % 2 == 1 }
        let even = (0..<partial.length).filter { $0 % 2 == 0 }
        for part in [odd, even] where !part.isEmpty {
          try behind.process(partial.selecting(Selection(part)).compacted(), input: 0, to: merged)
        }
      }
      for (index, row) in rows.enumerated() {
        model.add(row, conditions)
        let found = counts(records.batches[0], index)
        #expect(found == model.sets[row.k]?.map { Int64($0.count) }, "\(random), after a record of \(row)")
      }
      for results in [told, merged] {
        // A key whose rows were not combined is told with each part that has some of them.
        var last: [Int64?: [Int64]] = [:]
        for batch in results.batches {
          for row in 0..<batch.length {
            let key = batch.columns[0].isValid(row) ? batch.columns[0].values(Int64.self)[row] : nil
            last[key] = counts(batch, row)
          }
        }
        #expect(!last.isEmpty)
        for (key, found) in last {
          #expect(found == model.sets[key]?.map { Int64($0.count) }, "\(random), key \(key ?? -1)")
        }
      }
    }
  }

  private func counts(_ batch: RecordBatch, _ row: Int) -> [Int64] {
    batch.columns.dropFirst().map { $0.values(Int64.self)[row] }
  }

  @Test("are forgotten with their slots")
  func reset() throws {
    let set = try AggregateSet(calls, input: schema, functions: NoScalarFunctions())
    let arguments = try AggregateArguments(calls, input: schema, functions: NoScalarFunctions())
    try set.open(with: arguments)
    let rows: [Row] = [(0, 1, "a", 5), (0, 2, "b", 9), (1, 1, "a", 5), (1, 3, "c", -1)]
    let slots: [UInt32] = [0, 0, 1, 1]
    for round in 0..<3 {
      try set.grow(to: 2)
      try set.update(slots, count: 4, inputs: arguments.evaluate(batch(rows)))
      let all: [UInt32] = [0, 1]
      let results = try set.results(all, count: 2).map { [$0.values(Int64.self)[0], $0.values(Int64.self)[1]] }
      #expect(results == [[2, 1], [2, 2], [1, 0], [2, 1], [2, 1], [2, 2], [1, 0], [2, 1]], "round \(round)")
      if round == 1 { set.removeAll() } else { set.reset(all, count: 2) }
    }
  }
}
