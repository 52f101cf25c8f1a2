import Arrow
import Base
import Testing
import VolleyPlan

@testable import Planning

@Suite("Rows travel with the columns that are read behind the exchange")
struct NarrowExchangeTests {
  private static let fields = [
    Field("note", .utf8), Field("k", .int64), Field("ts", .timestamp(.microsecond, timezone: "UTC"), nullable: false),
    Field("v", .int64),
  ]

  /// The columns on the channel in front of `step`.
  private func travelling(_ step: Plan.Operator, timed: Bool = true) throws -> [String] {
    var nodes = [memorySource(1, Self.fields, parallelism: 2)]
    if timed { nodes.append(node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1)) }
    nodes.append(
      node(3, .keyBy(Plan.KeyBy(keys: [NamedExpression("k", .column("k"))])), from: nodes[nodes.count - 1].id))
    nodes.append(node(4, step, from: 3, uid: "step"))
    nodes.append(memorySink(5, from: 4))
    if step.outputCount > 1 { nodes.append(memorySink(6, from: 4, output: 1, uid: "late")) }
    let code = MemoryCode([[], []])
    let graph = try ExecutionGraph(Plan(name: "test", nodes: nodes), code: code, options: .init(parallelism: 2))
    return try #require(graph.jobGraph(code: code).edges.first).schema.fields.map(\.name)
  }

  private func sum(_ filter: Expression? = nil) -> Plan.AggregateCall {
    Plan.AggregateCall(function: "sum", argument: .column("v"), name: "s", filter: filter)
  }

  @Test("the key, what aggregates and their filters read, and the time of windows")
  func columns() throws {
    let count = Plan.AggregateCall(function: "count", argument: nil, name: "n")
    let session = Plan.WindowAssigner.session(.init(gap: 10))
    #expect(try travelling(.window(.init(assigner: session, scope: .key, aggregates: [count]))) == ["k", "ts"])
    #expect(try travelling(.window(.init(assigner: session, scope: .key, aggregates: [sum()]))) == ["k", "ts", "v"])
    #expect(
      try travelling(
        .window(
          .init(assigner: .tumbling(.init(size: 10)), scope: .key, time: .processing, aggregates: [count])),
        timed: false) == ["k"])
    #expect(
      try travelling(.aggregate(.init(aggregates: [sum()], emission: .perRecord)), timed: false) == ["k", "v"])
    #expect(
      try travelling(
        .aggregate(.init(aggregates: [sum(.call("is_null", [.column("note")]))], emission: .perRecord)), timed: false)
        == ["note", "k", "v"])
  }

  @Test("late rows that are handed on travel whole")
  func late() throws {
    #expect(
      try travelling(
        .window(.init(assigner: .session(.init(gap: 10)), scope: .key, late: .route, aggregates: [sum()])))
        == ["note", "k", "ts", "v"])
  }

  @Test("what is computed of the rows that travelled is what is computed of the whole rows")
  func results() throws {
    let batch = RecordBatch(
      schema: Schema(Self.fields),
      columns: [
        .constant(.utf8("x"), count: 4), .constant(.int64(7), count: 4),
        .constant(.timestamp(5, .microsecond, timezone: "UTC"), count: 4), .constant(.int64(3), count: 4),
      ], length: 4)
    let code = MemoryCode([[batch], [batch]])
    _ = try code.run(
      [
        memorySource(1, Self.fields, parallelism: 2),
        node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1),
        node(3, .filter(.init(condition: .call("is_not_null", [.column("note")]))), from: 2),
        node(4, .keyBy(Plan.KeyBy(keys: [NamedExpression("k", .column("k"))])), from: 3),
        node(
          5, .window(.init(assigner: .session(.init(gap: 10)), scope: .key, aggregates: [sum()])), from: 4,
          uid: "step"), memorySink(6, from: 5),
      ], parallelism: 2)
    #expect(code.rows("out") == ["7,5,15,24"])
  }
}
