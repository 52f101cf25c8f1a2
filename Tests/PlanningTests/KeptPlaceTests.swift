import Base
import Dataflow
import Testing
import VolleyPlan

@testable import Planning

@Suite("Rows that are in the subtask of their key already do not travel")
struct KeptPlaceTests {
  private static let ranked = Plan.Operator.topN(.init(count: 1, by: [.init("v")]))

  private func join(_ kind: Plan.JoinKind) -> Plan.Operator {
    .join(Plan.Join(kind: kind, bounds: .unbounded(.init()), sharedNames: .suffix(["", "_right"])))
  }

  /// The operators between two streams and a sink, as they are spread over tasks, and the exchanges between these.
  private func found(
    _ nodes: [Plan.Node], from last: Int, parallelism: Int = 2
  ) throws -> (tasks: [[Int]], exchanges: [String]) {
    let fields = [Field("k", .int64), Field("n", .int64), Field("v", .int64)]
    var sources = [source(1, uid: "l", fields: fields), source(2, uid: "r", fields: fields)]
    let read = Set(nodes.flatMap { $0.inputs.map(\.node) })
    sources.removeAll { !read.contains($0.id) }
    let graph = try graph(sources + nodes + [sink(99, from: last)], parallelism: parallelism)
    let edges = try graph.jobGraph(code: NamedCode()).edges
    return (
      graph.tasks.map(\.nodes),
      edges.map { edge in
        switch edge.exchange {
        case .forward: "\(edge.from)-\(edge.to) forward"
        case .partition: "\(edge.from)-\(edge.to) partition"
        case .rebalance: "\(edge.from)-\(edge.to) rebalance"
        case .broadcast: "\(edge.from)-\(edge.to) broadcast"
        }
      }
    )
  }

  private let keyed = [node(3, keyBy("k"), from: 1), node(4, keyBy("n"), from: 2)]

  @Test("when what was joined is ranked by what it was joined on", arguments: [1, 2])
  func joined(parallelism: Int) throws {
    let exchange = parallelism == 1 ? "forward" : "partition"
    for key in ["k", "n_right"] {
      let found = try found(
        keyed + [
          node(5, join(.inner), from: 3, 4, uid: "j"), node(6, filter(.call("is_null", [.column("v")])), from: 5),
          node(7, keyBy(key), from: 6), node(8, Self.ranked, from: 7, uid: "t"),
        ], from: 8, parallelism: parallelism)
      #expect(found.tasks == [[1, 3], [2, 4], [5, 6, 7, 8, 99]])
      #expect(found.exchanges == ["0-2 \(exchange)", "1-2 \(exchange)"])
    }
  }

  @Test("but they do when a row may have no partner, whose columns are null then")
  func unpaired() throws {
    let kept: [(Plan.JoinKind, String, Bool)] = [
      (.left, "k", true), (.left, "n_right", false), (.right, "k", false), (.right, "n_right", true),
      (.full, "k", false), (.full, "n_right", false), (.semi, "k", true), (.anti, "k", true), (.inner, "v", false),
    ]
    for (kind, key, isKept) in kept {
      let changes = kind != .inner && kind != .semi
      let operation = changes ? sum("v", as: "s", emission: .changelog) : Self.ranked
      let found = try found(
        keyed + [
          node(5, join(kind), from: 3, 4, uid: "j"), node(7, keyBy(key), from: 5),
          node(8, operation, from: 7, uid: "t"),
        ], from: 8)
      #expect(found.tasks == (isKept ? [[1, 3], [2, 4], [5, 7, 8, 99]] : [[1, 3], [2, 4], [5, 7], [8, 99]]))
      #expect(found.exchanges.count == (isKept ? 2 : 3), "\(kind) \(key)")
    }
  }

  @Test("under another name, and by more columns beside the key's")
  func renamed() throws {
    func tasks(_ columns: (String, String)..., key: [String]) throws -> Int {
      let keys = Plan.Operator.keyBy(Plan.KeyBy(keys: key.map { NamedExpression($0, .column($0)) }))
      let projection = Plan.Operator.select(
        Plan.Select(columns: columns.map { NamedExpression($0.0, .column($0.1)) }))
      return try found(
        [
          node(3, keyBy("k"), from: 1), node(5, .deduplicate(.init(keep: .first)), from: 3, uid: "d"),
          node(6, projection, from: 5), node(7, keys, from: 6), node(8, Self.ranked, from: 7, uid: "t"),
        ], from: 8
      ).tasks.count
    }
    #expect(try tasks(("id", "k"), ("v", "v"), key: ["id"]) == 2)
    #expect(try tasks(("id", "k"), ("v", "v"), key: ["v", "id"]) == 2)
    #expect(try tasks(("id", "k"), ("v", "v"), key: ["v"]) == 3)
    // Another column has the key's name.
    #expect(try tasks(("k", "n"), ("id", "k"), ("v", "v"), key: ["k"]) == 3)
  }

  @Test("but they do to other numbers of subtasks, and from values that are computed anew")
  func changed() throws {
    func exchanges(_ between: Plan.Operator, _ parallelism: Int?) throws -> [String] {
      try found(
        [
          node(3, keyBy("k"), from: 1), node(5, .deduplicate(.init(keep: .first)), from: 3, uid: "d"),
          node(6, between, from: 5), node(7, keyBy("k"), from: 6),
          node(8, Self.ranked, from: 7, uid: "t", parallelism: parallelism),
        ], from: 8
      ).exchanges
    }
    let same = Plan.Operator.extend(Plan.Select(columns: [NamedExpression("w", .column("v"))]))
    let other = Plan.Operator.extend(
      Plan.Select(columns: [NamedExpression("k", .call("modulo", [.column("k"), .literal(.int64(2))]))]))
    #expect(try exchanges(same, nil) == ["0-1 partition"])
    #expect(try exchanges(same, 2) == ["0-1 partition"])
    #expect(try exchanges(same, 3) == ["0-1 partition", "1-2 partition"])
    #expect(try exchanges(other, nil) == ["0-1 partition", "1-2 partition"])
  }

  @Test("to a join by their whole key, and do by a part of it")
  func joins() throws {
    func exchanges(_ keys: String...) throws -> [String] {
      let key = Plan.Operator.keyBy(Plan.KeyBy(keys: keys.map { NamedExpression($0, .column($0)) }))
      return try found(
        [
          node(3, keyBy("k"), from: 1), node(5, .deduplicate(.init(keep: .first)), from: 3, uid: "d"),
          node(6, key, from: 5), node(4, key, from: 2), node(7, join(.inner), from: 6, 4, uid: "j"),
        ], from: 7
      ).exchanges.sorted()
    }
    #expect(try exchanges("k") == ["0-2 partition", "1-3 partition", "2-3 forward"])
    #expect(try exchanges("k", "n") == ["0-2 partition", "1-3 partition", "2-3 partition"])
  }

  @Test("but they do by a result that has the name of a column which was joined on")
  func resultOfTheName() throws {
    let count = Plan.AggregateCall(function: "count", argument: nil, name: "n_right")
    let operations: [Plan.Operator] = [
      sum("v", as: "n_right"),
      .window(Plan.Window(assigner: .count(.init(size: 2)), scope: .key, aggregates: [count])),
    ]
    for operation in operations {
      for (key, isKept) in [("k", true), ("n_right", false)] {
        let found = try found(
          keyed + [
            node(5, join(.inner), from: 3, 4, uid: "j"), node(6, keyBy("k"), from: 5),
            node(7, operation, from: 6, uid: "o"), node(8, keyBy(key), from: 7),
            node(9, .deduplicate(.init(keep: .first)), from: 8, uid: "d"),
          ], from: 9)
        #expect(found.tasks.count == (isKept ? 3 : 4), "\(key)")
      }
    }
  }
}
