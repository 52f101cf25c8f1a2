import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Changelogs that are cut")
struct ChangelogCutTests {
  private static let kind = Field(Plan.rowKindColumn, .utf8, nullable: false)
  /// `row_kind`, then k, s, v, t, x, f, ts.
  private static let schema = Schema([kind] + CutRows.schema.fields)

  /// Rows that come and are taken back, some of them before they come.
  private static func steps(_ count: Int, _ random: inout SeededGenerator) throws -> [CutStep] {
    var live: [RecordBatch] = []
    var owed: [RecordBatch] = []
    var steps: [CutStep] = []
    for _ in 0..<count {
      var rows: [(kind: String, row: RecordBatch)] = []
      let fresh = CutRows.batch(0...20, distinct: 6, rows: 1...15, &random)
      for row in 0..<fresh.length {
        let one = fresh.slice(row..<row + 1)
        if Int.random(in: 0..<12, using: &random) == 0 {
          rows.append(("-D", one))
          owed.append(one)
        } else {
          rows.append((["+I", "+U"][row % 2], one))
          live.append(one)
        }
      }
      // Now and then nearly all that there is.
      let isPurge = Int.random(in: 0..<6, using: &random) == 0
      for _ in 0..<(isPurge ? live.count : Int.random(in: 0...10, using: &random)) where !live.isEmpty {
        rows.append(
          (
            ["-D", "-U"].randomElement(using: &random) ?? "-D",
            live.remove(at: .random(in: 0..<live.count, using: &random))
          ))
      }
      while !owed.isEmpty, Bool.random(using: &random) { rows.append(("+I", owed.removeFirst())) }
      let builder = ColumnBuilder(.utf8)
      for row in rows { builder.append(.utf8(row.kind)) }
      let all = try RecordBatch.concatenate(rows.map(\.row))
      steps.append(
        .batch(RecordBatch(schema: schema, columns: [builder.finish()] + all.columns, length: all.length)))
    }
    return steps
  }

  @Test("aggregates of new rows tell the same changes", arguments: CutRows.keys)
  func records(keys: [Int]) throws {
    var random = SeededGenerator()
    for calls in [CutRows.few, CutRows.all] {
      let output = Schema([Self.kind] + keys.map { CutRows.schema.fields[$0] } + (try CutRows.results(calls)))
      var rig = CutRig(
        make: { context in
          try ChangelogAggregateOperator(
            calls, input: .records(keys: keys), records: CutRows.schema, output: output, functions: CutFunctions(),
            memory: context.stateMemory)
        }, keys: [keys], dependsOnBatches: true)
      if calls.count == CutRows.all.count { rig.comparison = .addresses }
      for _ in 0..<2 { try rig.check((0..<30).map { _ in .batch(CutRows.batch(0...9, &random)) }, &random) }
    }
  }

  @Test("aggregates of rows that are taken back tell the same changes", arguments: [[1], [2], [1, 2], []])
  func revisions(keys: [Int]) throws {
    var random = SeededGenerator()
    let (v, x, s) = (Expression.column("v"), Expression.column("x"), Expression.column("s"))
    let condition = Expression.call("greater_than", [x, .literal(.float64(2))])
    let calls = [
      CutRows.call("count", nil), CutRows.call("count", v), CutRows.call("sum", v), CutRows.call("avg", v),
      CutRows.call("sum", x, name: "sum of floats"), CutRows.call("avg", x, name: "avg of floats"),
      CutRows.call("min", v), CutRows.call("max", v), CutRows.call("min", x, name: "least float"),
      CutRows.call("max", x, name: "greatest float"), CutRows.call("count_distinct", v),
      CutRows.call("count_distinct", s, name: "texts"), CutRows.call("max", v, filter: condition),
      CutRows.call("max", .column("f"), name: "greatest bool"), CutRows.call("min", .column("ts"), name: "least time"),
      CutRows.call("sum", .call("multiply", [x, .literal(.float64(1e307))]), name: "large floats"),
      CutRows.call("sum", .cast(v, .decimal128(precision: 20, scale: 3)), name: "decimals"),
    ]
    let output = Schema(
      [Self.kind] + keys.map { Self.schema.fields[$0] }
        + (try calls.map { Field($0.name, try $0.signature(in: Self.schema).result) }))
    let rig = CutRig(
      make: { context in
        let operation = try ChangelogAggregateOperator(
          calls, input: .revisions(keys: keys), records: Self.schema, output: output, functions: NoScalarFunctions(),
          memory: context.stateMemory)
        #expect(
          try ChangelogAggregateOperator.stateTables(
            calls, isOfRevisions: true, keys: keys.map { Self.schema.fields[$0] }, records: Self.schema)
            == operation.stateTables)
        return operation
      }, keys: [keys], dependsOnBatches: true)
    for _ in 0..<3 { try rig.check(Self.steps(25, &random), &random) }
  }

  @Test("the rows that hold at the end are the same", arguments: [[0], [1, 0], [6, 2, 1, 0, 3, 4, 5]])
  func latest(keys: [Int]) throws {
    var random = SeededGenerator()
    let rig = CutRig(
      make: { LatestRowsOperator(keys: keys, output: CutRows.schema, context: $0) }, keys: [keys.map { $0 + 1 }],
      comparison: .addresses)
    for _ in 0..<3 { try rig.check(Self.steps(25, &random), &random) }
  }

  @Test("the last row of each key is the same", arguments: CutRows.keys.dropLast())
  func last(keys: [Int]) throws {
    var random = SeededGenerator()
    let rig = CutRig(
      make: { LastRowsOperator(keys: keys, input: CutRows.schema, context: $0) }, keys: [keys])
    for _ in 0..<2 { try rig.check((0..<30).map { _ in .batch(CutRows.batch(0...9, &random)) }, &random) }
  }
}
