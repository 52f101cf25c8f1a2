import Arrow
import Base
import Testing
import VolleyPlan

@testable import Planning

@Suite("Columns that nobody reads are given by no operator that could leave them out")
struct NarrowPlanTests {
  private func select(_ names: String...) -> Plan.Operator {
    .select(Plan.Select(columns: names.map { NamedExpression($0, .column($0)) }))
  }

  private func extend(_ name: String, _ value: Expression) -> Plan.Operator {
    .extend(Plan.Select(columns: [NamedExpression(name, value)]))
  }

  private func join(_ kind: Plan.JoinKind = .inner, _ condition: Expression? = nil) -> Plan.Operator {
    .join(
      Plan.Join(
        kind: kind, bounds: .unbounded(.init()), condition: condition, sharedNames: .suffix(["", "_right"])))
  }

  private static let sources = [
    memorySource(1, JoinStreams.fields, uid: "left", parallelism: 2),
    memorySource(2, JoinStreams.fields, uid: "right", parallelism: 2),
    node(3, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1),
    node(4, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 2), node(5, keyBy("k"), from: 3),
    node(6, keyBy("k"), from: 4),
  ]

  /// The columns of an output of a node, as `inspect` shows them, and those on the channels to it.
  private func columns(
    _ nodes: [Plan.Node], of id: Int = 10, output: Int = 0
  ) throws -> (output: [String], travelling: [[String]]) {
    let code = MemoryCode([[], []])
    // Sources that nobody reads are refused.
    var read = Set(nodes.flatMap { $0.inputs.map(\.node) })
    var sources: [Plan.Node] = []
    for node in Self.sources.reversed() where read.contains(node.id) {
      sources.append(node)
      read.formUnion(node.inputs.map(\.node))
    }
    let graph = try ExecutionGraph(
      Plan(name: "test", nodes: sources.reversed() + nodes), code: code, options: .init(parallelism: 2))
    let task = try #require(graph.taskOf[id])
    let edges = try graph.jobGraph(code: code).edges.filter { $0.to == task }.sorted { $0.input < $1.input }
    return (
      try #require(graph.byID[id]).outputs[output].schema.fields.map(\.name),
      edges.map { $0.schema.fields.map(\.name) }
    )
  }

  private static let whole = ["k", "s", "v", "ts", "s_right", "v_right", "ts_right"]
  private static let isLess = Expression.call("less_than", [.column("v"), .column("v_right")])

  @Test(
    "a join is given keys, what its condition names and what is read of it, and gives the latter under the names it had"
  )
  func joins() throws {
    var found = try columns([
      node(10, join(.inner, Self.isLess), from: 5, 6, uid: "j"), node(11, select("s_right"), from: 10),
      memorySink(12, from: 11),
    ])
    #expect(found.output == ["s_right"])
    #expect(found.travelling == [["k", "v"], ["k", "s", "v"]])
    found = try columns([
      node(10, join(.left), from: 5, 6, uid: "j"), node(11, filter(.call("is_null", [.column("v_right")])), from: 10),
      node(12, keyBy("k"), from: 11), node(13, sum("v", as: "sum", emission: .changelog), from: 12, uid: "sums"),
      memorySink(14, from: 13),
    ])
    #expect(found.output == ["row_kind", "k", "v", "v_right"])
    #expect(found.travelling == [["k", "v"], ["k", "v"]])
    found = try columns([
      node(10, join(.semi, Self.isLess), from: 5, 6, uid: "j"), node(11, select("ts"), from: 10),
      memorySink(12, from: 11),
    ])
    #expect(found.output == ["ts"])
    #expect(found.travelling == [["k", "v", "ts"], ["k", "v"]])
  }

  @Test("times of joins in event time are given, and handed on only where they are read")
  func timedJoins() throws {
    let interval = Plan.Join(
      kind: .inner, bounds: .interval(.init(lower: 0, upper: 5)), sharedNames: .suffix(["", "_right"]))
    var found = try columns([
      node(10, .join(interval), from: 5, 6, uid: "j"), node(11, select("v_right"), from: 10),
      memorySink(12, from: 11),
    ])
    #expect(found.output == ["v_right"])
    #expect(found.travelling == [["k", "ts"], ["k", "v", "ts"]])
    let count = Plan.AggregateCall(function: "count", argument: nil, name: "n")
    found = try columns([
      node(10, .join(interval), from: 5, 6, uid: "j"), node(11, keyBy("k"), from: 10),
      node(
        12, .window(.init(assigner: .session(.init(gap: 5)), scope: .key, aggregates: [count])), from: 11, uid: "w"),
      memorySink(13, from: 12),
    ])
    #expect(found.output == ["k", "ts"])
  }

  @Test("all columns are there, in their places, when one who reads takes all")
  func all() throws {
    let few = node(11, select("s_right"), from: 10)
    for reader in [
      [memorySink(20, from: 10, uid: "all")],
      [
        node(
          20, .keyBy(Plan.KeyBy(keys: [], everyColumn: true)), from: 10),
        node(21, .deduplicate(.init(keep: .first)), from: 20, uid: "distinct"), node(22, select("k"), from: 21),
        memorySink(23, from: 22, uid: "all"),
      ], [node(20, extend("v", .literal(.int64(1))), from: 10), memorySink(21, from: 20, uid: "all")],
      [
        node(20, .union(Plan.Union()), from: 10, 10), node(21, select("k"), from: 20),
        memorySink(22, from: 21, uid: "all"),
      ],
    ] {
      let found = try columns(
        [node(10, join(), from: 5, 6, uid: "j"), few, memorySink(12, from: 11)] + reader)
      #expect(found.output == Self.whole)
      #expect(found.travelling == [["k", "s", "v", "ts"], ["k", "s", "v", "ts"]])
    }
    let found = try columns(
      [
        node(10, join(), from: 5, 6, uid: "j"), node(20, extend("v", .literal(.int64(1))), from: 10),
        memorySink(21, from: 20),
      ], of: 20)
    #expect(found.output == Self.whole)
  }

  @Test("rows that nobody reads a column of have one")
  func one() throws {
    let found = try columns([
      node(10, join(), from: 5, 6, uid: "j"),
      node(11, .select(Plan.Select(columns: [NamedExpression("one", .literal(.int64(1)))])), from: 10),
      memorySink(12, from: 11),
    ])
    #expect(found.output == ["k"])
    #expect(found.travelling == [["k"], ["k"]])
  }

  @Test("rows that are taken back are found by all of their columns")
  func revised() throws {
    let nodes = [
      node(7, join(.left), from: 5, 6, uid: "first"), node(8, keyBy("k"), from: 7),
      memorySource(9, JoinStreams.fields, uid: "third", parallelism: 2), node(14, keyBy("k"), from: 9),
      node(
        10,
        .join(Plan.Join(kind: .inner, bounds: .unbounded(.init()), sharedNames: .suffix(["", "_third"]))), from: 8, 14,
        uid: "second"), node(11, select("s_third"), from: 10), memorySink(12, from: 11),
    ]
    let found = try columns(nodes)
    #expect(found.output == ["row_kind", "s_third"])
    #expect(found.travelling == [["row_kind"] + Self.whole, ["k", "s"]])
    #expect(try columns(nodes, of: 7).output == ["row_kind"] + Self.whole)
    let latest = try columns([
      node(7, join(.left), from: 5, 6, uid: "first"), node(8, keyBy("v"), from: 7),
      node(10, .latest(Plan.Latest()), from: 8, uid: "latest"), node(11, select("k", "v"), from: 10),
      memorySink(12, from: 11),
    ])
    #expect(latest.output == Self.whole)
    #expect(latest.travelling == [["row_kind"] + Self.whole])
  }

  @Test("rows that are ranked have what they are ordered by, and give what is read and their places")
  func ranked() throws {
    for (operation, given, travelling) in [
      (.topN(.init(count: 2, by: [.init("v")])), ["row_kind", "s"], ["k", "s", "v"]),
      (.topN(.init(count: 2, by: [.init("v")], rank: "place")), ["row_kind", "s", "place"], ["k", "s", "v"]),
      (.deduplicate(.init(keep: .last, by: ["v"])), ["row_kind", "s"], ["k", "s", "v"]),
      (.deduplicate(.init(keep: .first)), ["k", "s"], ["k", "s"]), (.latest(.init()), ["k", "s"], ["k", "s"]),
    ] as [(Plan.Operator, [String], [String])] {
      let found = try columns([
        node(10, operation, from: 5, uid: "o"), node(11, select("s"), from: 10), memorySink(12, from: 11),
      ])
      #expect(found.output == given)
      #expect(found.travelling == [travelling])
    }
    // With the key alone each row would hold.
    let latest = try columns([
      node(10, .latest(.init()), from: 5, uid: "o"), node(11, select("k"), from: 10), memorySink(12, from: 11),
    ])
    #expect(latest.travelling == [["k", "s"]])
  }

  @Test("a pattern's rows have what its conditions name, their time, and what is read of a step")
  func patterns() throws {
    func isPositive(_ name: String) -> Plan.PatternStep {
      .init(
        name: name, condition: .call("greater_than", [.column("v"), .literal(.int64(0))]), contiguity: .followedBy)
    }
    let pattern = Plan.Pattern(steps: [isPositive("a"), isPositive("b")], within: 5, timedOut: .route, late: .route)
    func travelling(_ names: (String, String, String)) throws -> [[String]] {
      try columns([
        node(10, .pattern(pattern), from: 5, uid: "o"), node(11, select(names.0), from: 10), memorySink(12, from: 11),
        Plan.Node(id: 13, uid: nil, inputs: [.init(node: 10, output: 1)], operator: select(names.1)),
        memorySink(14, from: 13, uid: "timed-out"),
        Plan.Node(id: 15, uid: nil, inputs: [.init(node: 10, output: 2)], operator: select(names.2)),
        memorySink(16, from: 15, uid: "late"),
      ]).travelling
    }
    #expect(try travelling(("k", "a_v", "k")) == [["k", "v", "ts"]])
    #expect(try travelling(("b_s", "k", "k")) == [["k", "s", "v", "ts"]])
    #expect(try travelling(("k", "a_s", "k")) == [["k", "s", "v", "ts"]])
    #expect(try travelling(("k", "k", "s")) == [["k", "s", "v", "ts"]])
  }

  @Test("late rows have the columns that are read of them")
  func late() throws {
    let count = Plan.AggregateCall(function: "count", argument: nil, name: "n")
    let found = try columns(
      [
        node(
          10,
          .window(
            .init(assigner: .session(.init(gap: 5)), scope: .key, late: .route, aggregates: [count])), from: 5,
          uid: "w"), memorySink(11, from: 10),
        Plan.Node(id: 12, uid: nil, inputs: [.init(node: 10, output: 1)], operator: select("v")),
        memorySink(13, from: 12, uid: "late"),
      ], output: 1)
    #expect(found.travelling == [["k", "v", "ts"]])
    #expect(found.output == ["k", "v", "ts"])
  }
}
