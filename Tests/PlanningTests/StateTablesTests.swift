import Base
import Dataflow
import State
import Testing
import VolleyPlan

@testable import Planning

@Suite("What operators keep is known before they are made")
struct StateTablesTests {
  private static let fields = [
    Field("k", .int64), Field("s", .utf8, nullable: false), Field("v", .int64), Field("x", .float64),
    Field("ts", .timestamp(.microsecond, timezone: nil), nullable: false),
  ]
  private static let calls = [
    Plan.AggregateCall(function: "count", argument: nil, name: "n"),
    Plan.AggregateCall(function: "avg", argument: .column("x"), name: "mean"),
    Plan.AggregateCall(function: "max", argument: .column("v"), name: "high"),
  ]

  private static func window(
    _ assigner: Plan.WindowAssigner, emission: Plan.WindowEmission = .final
  ) -> Plan.Operator {
    .window(
      Plan.Window(
        assigner: assigner, scope: .key, time: .event, allowedLateness: 0, late: .drop, emission: emission,
        trigger: nil, aggregates: calls))
  }

  private static let assigners: [Plan.WindowAssigner] = [
    .tumbling(.init(size: 100)), .sliding(.init(size: 300, slide: 100)), .cumulative(.init(size: 400, step: 100)),
    .session(.init(gap: 40)),
  ]

  private static let operators: [Plan.Operator] =
    [Plan.Emission.perBatch, .perRecord, .changelog].map { .aggregate(Plan.Aggregate(aggregates: calls, emission: $0)) }
    + assigners.flatMap { [window($0), window($0, emission: .updating)] }
    + [window(.count(.init(size: 5))), window(.count(.init(size: 6, slide: 2)))]
    + assigners.dropLast().map {
      .windowChoice(Plan.WindowChoice(assigner: $0, scope: .key, value: .column("v"), takes: .greatest))
    } + [.latest(Plan.Latest())]

  /// Operators behind the uid `o`, and those that take the changes that it tells.
  private func check(_ nodes: [Plan.Node]) throws {
    for parallelism in [1, 2] {
      let job = try graph(nodes, parallelism: parallelism).assembled(code: NamedCode())
      var made: [String: [StateTable]] = [:]
      for task in job.graph.tasks {
        for step in task.steps {
          guard case .operator(let make) = step.body else { continue }
          let operation = try make(SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: parallelism))
          guard let uid = step.uid, let operation = operation as? any StatefulOperator else { continue }
          made[uid] = operation.stateTables
        }
      }
      #expect(made["o"] != nil)
      for (uid, tables) in made { #expect(job.states[uid] == tables, "\(uid)") }
      #expect(Set(job.states.keys) == Set(made.keys))
    }
  }

  @Test("by the tables that they have then", arguments: operators)
  func tables(operation: Plan.Operator) throws {
    try check([
      source(1, fields: Self.fields), node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1),
      node(3, keyBy("k", "s"), from: 2), node(4, operation, from: 3, uid: "o"), sink(5, from: 4),
    ])
  }

  @Test("also where rows are taken back")
  func revisions() throws {
    let changes = Plan.Operator.aggregate(Plan.Aggregate(aggregates: Self.calls, emission: .changelog))
    let counted = Plan.Operator.aggregate(
      Plan.Aggregate(
        aggregates: [
          Plan.AggregateCall(function: "max", argument: .column("n"), name: "most"),
          Plan.AggregateCall(function: "count_distinct", argument: .column("high"), name: "different"),
          Plan.AggregateCall(function: "sum", argument: .column("mean"), name: "means"),
        ], emission: .changelog))
    for latest in [keyBy("high"), .keyBy(Plan.KeyBy(keys: [], everyColumn: true))] {
      try check([
        source(1, fields: Self.fields), node(2, keyBy("k", "s"), from: 1), node(3, changes, from: 2, uid: "o"),
        node(4, keyBy("s"), from: 3), node(5, counted, from: 4, uid: "counted"), sink(6, from: 5),
        node(7, latest, from: 3), node(8, .latest(Plan.Latest()), from: 7, uid: "latest"),
        sink(9, from: 8, uid: "last"),
      ])
    }
  }
}
