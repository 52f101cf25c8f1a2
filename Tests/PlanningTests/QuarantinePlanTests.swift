import Base
import Operators
import Testing
import VolleyPlan

@testable import Planning

/// Which operators set records aside, and what is said of the others.
struct QuarantinePlanTests {
  private func call(_ name: String, _ type: DataType) -> Expression {
    .userFunction(
      Expression.UserFunction(
        function: name, arguments: [.column("amount")], parameterTypes: [.float64], resultType: type,
        acceptsNulls: false))
  }

  private var nodes: [Plan.Node] {
    let total = Plan.Operator.aggregate(
      Plan.Aggregate(
        aggregates: [
          Plan.AggregateCall(function: "sum", argument: call("rate", .float64), name: "total"),
          Plan.AggregateCall(function: "count", argument: nil, name: "n", filter: call("check", .bool)),
        ], emission: .perBatch))
    return [
      source(0), node(1, filter(call("check", .bool)), from: 0),
      node(2, positive, from: 1), node(3, keyBy("user_id"), from: 2), node(4, total, from: 3, uid: "totals"),
      sink(5, from: 4),
    ]
  }

  @Test("functions of aggregates end the job, and why is told; those of a filter do not")
  func objections() throws {
    #expect(
      try graph(nodes).quarantineObjections == [
        "aggregate 'totals' ends the job when 'check', 'rate' throws, also with --quarantine: its aggregates hold what came of the rows "
          + "before"
      ])
  }

  @Test("an operator that calls functions gets a sink of its own, others do not, and without a quarantine nobody does")
  func sinks() throws {
    let quarantine = QuarantineOptions(
      directory: "/tmp/none", limit: 5, plugin: QuarantinePlace.Plugin(name: "p", version: "1"), hasEpochs: true)
    let code = NamedCode()
    func labels(_ quarantine: QuarantineOptions?) throws -> [String] {
      try ExecutionGraph(
        Plan(name: "test", nodes: nodes), code: code, options: .init(parallelism: 1, quarantine: quarantine)
      ).jobGraph(code: code).tasks.flatMap { $0.steps.map(\.label) }.filter { $0.hasPrefix("quarantine") }
    }
    #expect(try labels(quarantine) == ["quarantine filter-1"])
    #expect(try labels(nil) == [])
  }
}
