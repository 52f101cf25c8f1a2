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
}
