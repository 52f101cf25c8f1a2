import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

private typealias Call = Plan.AggregateCall

@Suite("Changelogs compute what DuckDB computes")
struct ChangelogTests {
  /// The greatest value and the number of rows of each key, as changes, then a bucket of keys.
  private func buckets(sources: Int) -> [Plan.Node] {
    [
      memorySource(1, WindowEvents.fields, parallelism: sources), node(2, keyBy("k"), from: 1),
      node(
        3,
        .aggregate(
          Plan.Aggregate(
            aggregates: [
              Call(function: "max", argument: .column("v"), name: "high"),
              Call(function: "count", argument: nil, name: "n"),
            ], emission: .changelog)), from: 2, uid: "inner"),
      node(
        4, .extend(.init(columns: [NamedExpression("bucket", .call("modulo", [.column("n"), .literal(.int64(4))]))])),
        from: 3),
    ]
  }

  private let outer = [
    Call(function: "count", argument: nil, name: "keys"), Call(function: "sum", argument: .column("high"), name: "s"),
    Call(function: "min", argument: .column("high"), name: "low"),
    Call(function: "max", argument: .column("high"), name: "top"),
    Call(function: "count_distinct", argument: .column("high"), name: "d"),
  ]
  private let inner = "(select *, n % 4 as b from (select k, max(v) high, count(*) n from e group by k))"
  private let results = "count(*), sum(high)::bigint, min(high), max(high), count(distinct high)"

  @Test("aggregates of aggregates, whose keys move, at any parallelism", arguments: [1, 2, 3])
  func cascades(parallelism: Int) throws {
    var random = SeededGenerator()
    let events = WindowEvents(
      count: 5_000, keys: 200, start: 0, step: 7, disorder: 0, batchRows: 1...200, &random)
    let positive = Expression.call("greater_than", [.column("high"), .literal(.int64(900))])
    var nodes = buckets(sources: parallelism)
    nodes += [
      node(5, keyBy("bucket"), from: 4),
      node(6, .aggregate(Plan.Aggregate(aggregates: outer, emission: .changelog)), from: 5, uid: "outer"),
      memorySink(7, from: 6, uid: "nested"), memorySink(8, from: 3, uid: "flat"),
      node(9, filter(positive), from: 4), memorySink(10, from: 9, uid: "filtered"),
      node(11, keyBy("bucket"), from: 9),
      node(12, .aggregate(Plan.Aggregate(aggregates: outer, emission: .changelog)), from: 11, uid: "outer2"),
      memorySink(13, from: 12, uid: "filtered-nested"),
      node(14, keyBy("bucket"), from: 6), node(15, .latest(.init()), from: 14, uid: "l1"),
      memorySink(16, from: 15, uid: "latest"),
      node(17, .keyBy(.init(keys: [], everyColumn: true)), from: 4), node(18, .latest(.init()), from: 17, uid: "l2"),
      memorySink(19, from: 18, uid: "rows"),
      node(
        20, .select(.init(columns: [NamedExpression("n", .column("n")), NamedExpression("k", .column("k"))])), from: 3),
      node(
        21, .select(.init(columns: [NamedExpression("n", .column("n")), NamedExpression("k", .column("k"))])), from: 9),
      node(22, .union(Plan.Union()), from: 20, 21), memorySink(23, from: 22, uid: "union"),
    ]
    let expected = try events.duckDB([
      "select b, \(results) from \(inner) group by b", "select k, high, n from \(inner)",
      "select k, high, n, b from \(inner) where high > 900",
      "select b, \(results) from \(inner) where high > 900 group by b", "select b, \(results) from \(inner) group by b",
      "select k, high, n, b from \(inner)",
      "select n, k from \(inner) union all select n, k from \(inner) where high > 900",
    ])
    let code = MemoryCode(events.recordBatches(subtasks: parallelism))
    _ = try code.run(nodes, parallelism: parallelism)
    for (index, uid) in ["nested", "flat", "filtered", "filtered-nested", "latest", "rows", "union"].enumerated() {
      let isFinal = uid == "latest" || uid == "rows"
      let found = isFinal ? code.rows(uid) : materialised(code.rows(uid))
      let difference = found.map { WindowEvents.difference($0, expected[index]) ?? "" }
      #expect(difference == "", "\(uid), \(random)")
    }
  }

  @Test("the last row of each key of new rows", arguments: [1, 2])
  func latest(parallelism: Int) throws {
    var random = SeededGenerator()
    let events = WindowEvents(
      count: 3_000, keys: 30, start: 0, step: 7, disorder: 100, batchRows: 1...200, &random)
    let expected = try events.duckDB([
      "select k, v, t from (select *, row_number() over () n from e) qualify row_number() over (partition by k order by n desc) = 1",
      "select k, v, t from e",
    ])
    for (index, keys) in [["k"], []].enumerated() {
      let code = MemoryCode(events.recordBatches(subtasks: 1))
      _ = try code.run(keyedNodes(.latest(.init()), keys: keys, sources: 1), parallelism: parallelism)
      #expect(WindowEvents.difference(code.rows("out"), expected[index]) == nil, "\(keys), \(random)")
    }
  }

  @Test("are refused where results would have to be revised, or cannot be")
  func refusals() {
    func refusal(_ operation: Plan.Operator, keys: String = "bucket") -> String {
      do throws(Failure) {
        _ = try graph(
          buckets(sources: 1) + [
            node(5, keyBy(keys), from: 4), node(6, operation, from: 5, uid: "x"), sink(7, from: 6),
          ],
          connectors: ["memory"])
        return ""
      } catch {
        return error.message
      }
    }
    #expect(
      refusal(sum("high", as: "s"))
        == "aggregate 'x': its input revises rows that it gave before (column 'row_kind'), so that its results are revised as well; take the "
        + "emission 'changelog'")
    #expect(
      refusal(
        .aggregate(
          .init(aggregates: [Call(function: "collect", argument: .column("n"), name: "c")], emission: .changelog)))
        == "aggregate 'x': aggregate 'c': collect cannot take back rows that are revised; count, sum, avg, min, max and count_distinct can"
    )
    #expect(refusal(sum("high", as: "s"), keys: "row_kind").hasPrefix("keyBy (node 5): the column 'row_kind' says"))
  }

  @Test(
    "a function that does not take the kind of the rows is refused, as is a computed kind, and one that is not the first column"
  )
  func kinds() {
    func refusal(_ operation: Plan.Operator) -> String {
      let nodes = buckets(sources: 1) + [node(5, operation, from: 4), memorySink(6, from: 5)]
      let failure = #expect(throws: Failure.self) {
        _ = try ExecutionGraph(
          Plan(name: "test", nodes: nodes), code: MemoryCode([[]]), options: .init(parallelism: 1))
      }
      return failure?.message ?? "none"
    }
    func function(_ columns: [Field]?, _ output: [Field]) -> Plan.Operator {
      .batchFunction(.init(function: "f", label: "f", columns: columns, outputs: [output]))
    }
    let (kind, high) = (Field(Plan.rowKindColumn, .utf8, nullable: false), Field("high", .int64))
    #expect(
      refusal(function([high], [high]))
        == "f (node 5): its rows revise former ones, as 'row_kind' says, and the function does not take that column: it would take "
        + "rows that no longer hold for new ones; take it as well, or put latest(by:) before the function")
    #expect(
      refusal(function([kind, high], [high, kind]))
        == "f (node 5): 'row_kind' is column 2 of an output; let it be the first, where what reads it looks for it")
    func asynchronous(_ order: Plan.AnswerOrder) -> Plan.Operator {
      let settings = Plan.AsyncSettings(capacity: 5, rowsPerCall: 1, timeout: nil, order: order)
      return .batchFunction(
        .init(function: "f", label: "f", columns: [kind, high], outputs: [[kind, high]], async: settings))
    }
    #expect(throws: Never.self) {
      _ = try ExecutionGraph(
        Plan(
          name: "test", nodes: buckets(sources: 1) + [node(5, asynchronous(.ordered), from: 4), memorySink(6, from: 5)]),
        code: MemoryCode([[]]), options: .init(parallelism: 1))
    }
    #expect(
      refusal(asynchronous(.unordered))
        == "f (node 5): its rows revise former ones, as 'row_kind' says, and its answers leave unordered: one might leave before the "
        + "row that it takes back; take the order 'ordered', or put latest(by:) before the function")
    #expect(
      refusal(.select(.init(columns: [NamedExpression(Plan.rowKindColumn, .literal(.utf8("+I")))])))
        == "select (node 5): the column 'row_kind' says how rows revise others, and cannot be computed; choose another name"
    )
  }

  @Test("the kind of the rows stays the first column, wherever it is selected")
  func selectedKind() throws {
    let events = WindowEvents([[.init(key: 1, value: 5, time: 0)], [.init(key: 1, value: 7, time: 1)]])
    let code = MemoryCode(events.recordBatches(subtasks: 1))
    let columns = [
      NamedExpression("high", .column("high")), NamedExpression(Plan.rowKindColumn, .column(Plan.rowKindColumn)),
    ]
    _ = try code.run(
      buckets(sources: 1) + [node(5, .select(.init(columns: columns)), from: 4), memorySink(6, from: 5)], parallelism: 1
    )
    #expect(code.rows("out") == ["+I,5", "+U,7", "-U,5"])
  }

  @Test("a row and what takes it back go the same way when there are fewer subtasks behind, and more are refused")
  func sameWay() throws {
    func nodes(_ parallelism: Int) -> [Plan.Node] {
      buckets(sources: 2) + [
        Plan.Node(
          id: 5, uid: nil, parallelism: parallelism, inputs: [Plan.Input(node: 4)],
          operator: .select(.init(columns: [NamedExpression("high", .column("high"))]))),
        memorySink(6, from: 5),
      ]
    }
    func graph(_ parallelism: Int) throws(Failure) -> ExecutionGraph {
      try ExecutionGraph(
        Plan(name: "test", nodes: nodes(parallelism)), code: MemoryCode([[]]), options: .init(parallelism: 3))
    }
    let edges = try graph(2).jobGraph(code: MemoryCode([[]])).edges
    #expect(edges.contains { if case .forward = $0.exchange { true } else { false } })
    #expect(!edges.contains { if case .rebalance = $0.exchange { $0.to > 1 } else { false } })
    let failure = #expect(throws: Failure.self) { _ = try graph(4) }
    #expect(
      failure?.message
        == "select (node 5) has the parallelism 4, and its rows, which revise each other, come from 3 subtasks; give it at most as "
        + "many, or key the rows before it")
  }
}
