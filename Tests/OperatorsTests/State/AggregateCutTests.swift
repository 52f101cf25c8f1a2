import Arrow
import Base
import Dataflow
import Expressions
import Keys
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Running aggregates that are cut")
struct AggregateCutTests {
  private func steps(_ count: Int, _ random: inout SeededGenerator) -> [CutStep] {
    (0..<count).map { .batch(CutRows.batch(0...99, distinct: [3, 30, 500][$0 % 3], &random)) }
  }

  @Test("go on as if nothing had been, whatever the key and the aggregates", arguments: CutRows.keys)
  func aggregates(keys: [Int]) throws {
    var random = SeededGenerator()
    let fields = keys.map { CutRows.schema.fields[$0] }
    let output = Schema(fields + (try CutRows.results(CutRows.all)))
    for emission in [Plan.Emission.perBatch, .perRecord] {
      let rig = CutRig(
        make: { context in
          try AggregateOperator(
            CutRows.all, input: .records(keys: keys), records: CutRows.schema, output: output, emission: emission,
            functions: CutFunctions(), memory: context.stateMemory)
        }, keys: [keys],
        // Different values are listed in the order in which they came, or the other way round.
        comparison: .addresses)
      for _ in 0..<2 { try rig.check(steps(20, &random), &random) }
    }
  }

  @Test("have in the model what they have", arguments: CutRows.keys)
  func entries(keys: [Int]) throws {
    var random = SeededGenerator()
    let output = Schema(keys.map { CutRows.schema.fields[$0] } + (try CutRows.results(CutRows.few)))
    let rig = CutRig(
      make: { context in
        try AggregateOperator(
          CutRows.few, input: .records(keys: keys), records: CutRows.schema, output: output, emission: .perBatch,
          functions: NoScalarFunctions(), memory: context.stateMemory)
      }, keys: [keys])
    for _ in 0..<3 { try rig.check(steps(30, &random), &random) }
  }

  @Test("go on with partial aggregates")
  func partials() throws {
    var random = SeededGenerator()
    let output = Schema([CutRows.schema.fields[1]] + (try CutRows.results(CutRows.all)))
    let combine = try CombineOperator(CutRows.all, keys: [1], input: CutRows.schema, functions: CutFunctions())
    try combine.open()
    let rig = CutRig(
      make: { context in
        try AggregateOperator(
          CutRows.all, input: .partials(keyCount: 1), records: CutRows.schema, output: output, emission: .perBatch,
          functions: CutFunctions(), memory: context.stateMemory)
      }, keys: [[0]], comparison: .addresses)
    let partials = Collected()
    for _ in 0..<30 { try combine.process(CutRows.batch(0...9, &random), input: 0, to: partials) }
    try combine.barrier(Epoch(1), to: partials)
    try rig.check(partials.batches.map { .batch($0) }, &random)
    // What combines keeps nothing from one batch to the next.
    #expect(!(combine is any StatefulOperator))
  }

  @Test("go on with texts in whatever layout, as keys and as what is aggregated")
  func layouts() throws {
    var random = SeededGenerator()
    let types: [DataType] = [.dictionary(index: .int32, value: .utf8, ordered: false), .largeUtf8, .utf8View]
    for type in types {
      var fields = CutRows.schema.fields
      for index in [1, 3] { fields[index] = Field(fields[index].name, type) }
      let schema = Schema(fields)
      let t = Expression.column("t")
      let calls = [
        CutRows.call("collect", t), CutRows.call("first", t), CutRows.call("arg_max", t, by: .column("v")),
        CutRows.call("max", t), CutRows.call("count_distinct", t), CutRows.call("approx_count_distinct", t),
      ]
      let output = Schema([fields[1]] + (try calls.map { Field($0.name, try $0.signature(in: schema).result) }))
      let steps = try (0..<20).map { _ -> CutStep in
        var batch = CutRows.batch(0...9, &random)
        for index in [1, 3] { batch.columns[index] = try KeyColumn.restored(batch.columns[index], as: type) }
        batch.schema = schema
        return .batch(batch)
      }
      let aggregate = CutRig(
        make: { context in
          try AggregateOperator(
            calls, input: .records(keys: [1]), records: schema, output: output, emission: .perBatch,
            functions: NoScalarFunctions(), memory: context.stateMemory)
        }, keys: [[1]], comparison: .addresses)
      try aggregate.check(steps, &random)
      let choice = Plan.WindowChoice(
        assigner: .tumbling(.init(size: 100)), scope: .key, value: .column("v"), takes: .greatest)
      let bound = schema.fields[6].type
      let chosen = Schema(
        fields + [Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false)])
      let best = CutRig(
        make: { context in
          try WindowChoiceOperator(
            choice, keys: [1], time: .event(column: 6, shift: 0), input: schema, output: chosen,
            functions: NoScalarFunctions(), context: context)
        }, keys: [[1]])
      try best.check(steps, &random)
      let last = CutRig(make: { LastRowsOperator(keys: [1], input: schema, context: $0) }, keys: [[1]])
      try last.check(steps, &random)
    }
  }

  @Test("an aggregate that is new, whose states are null, begins as of no rows")
  func widened() throws {
    var random = SeededGenerator()
    let calls = CutRows.all.filter { $0.user == nil }
    let output = Schema([CutRows.schema.fields[0]] + (try CutRows.results(calls)))
    func make() throws -> AggregateOperator {
      let operation = try AggregateOperator(
        calls, input: .records(keys: [0]), records: CutRows.schema, output: output, emission: .perBatch,
        functions: NoScalarFunctions())
      try operation.open()
      return operation
    }
    let (fresh, widened) = (try make(), try make())
    let batch = CutRows.batch(0...9, rows: 200...200, &random)
    let keys = Collected()
    try make().process(batch, input: 0, to: keys)
    let key = try #require(keys.batches.first).columns[0]
    let entry = widened.stateTables[0].entry
    let nulls = entry.fields.dropFirst().map { Column.nulls($0.type, count: key.length) }
    try widened.restore(RecordBatch(schema: entry, columns: [key] + nulls, length: key.length), table: 0)
    try widened.restored()
    let (expected, found) = (Collected(), Collected())
    try fresh.process(batch, input: 0, to: expected)
    try widened.process(batch, input: 0, to: found)
    let (left, right) = (try #require(expected.batches.first), try #require(found.batches.first))
    for (index, field) in output.fields.enumerated() {
      let texts = [left, right].map { rows in (0..<rows.length).map { rows.columns[index].text(at: $0) } }
      #expect(texts[0] == texts[1], "\(random): \(field.name)")
    }
  }
}
