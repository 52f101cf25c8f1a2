import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

/// What a changelog's rows, as texts with their kinds in front, amount to; nil when one takes back what is not there in the end.
func materialised(_ rows: [String]) -> [String]? {
  var counts: [Substring: Int] = [:]
  for row in rows { counts[row.dropFirst(3), default: 0] += row.hasPrefix("+") ? 1 : -1 }
  if counts.values.contains(where: { $0 < 0 }) { return nil }
  return counts.flatMap { [String](repeating: String($0), count: $1) }.sorted()
}

/// Events by `k` in front of an operator.
func keyedNodes(_ operation: Plan.Operator, keys: [String] = ["k"], sources: Int) -> [Plan.Node] {
  let keyBy = Plan.KeyBy(
    keys: keys.map { NamedExpression($0, .column($0)) }, everyColumn: keys.isEmpty ? true : nil)
  return [
    memorySource(1, WindowEvents.fields, parallelism: sources), node(2, .keyBy(keyBy), from: 1),
    node(3, operation, from: 2, uid: "ranked"), memorySink(4, from: 3),
  ]
}

@Suite("Deduplicate, top n and distinct compute what DuckDB computes")
struct RankingTests {
  @Test("at any parallelism", arguments: [1, 2, 3])
  func ranked(parallelism: Int) throws {
    var random = SeededGenerator()
    let events = WindowEvents(
      count: 6_000, keys: 40, start: -50_000, step: 7, disorder: 400, batchRows: 1...300, &random)
    // In the order in which they come, where one source gives them all.
    let arriving = "(select *, row_number() over () n from e)"
    func place(_ order: String, _ of: String = "e", limit: Int) -> String {
      "select * from (select k, v, t, row_number() over (partition by k order by \(order)) r from \(of)) where r <= \(limit)"
    }
    let best = [Plan.Ordering("v", descending: true), Plan.Ordering("ts"), Plan.Ordering("k")]
    let cases: [(name: String, operation: Plan.Operator, keys: [String], sources: Int, sql: String)] = [
      (
        "top 1", .topN(.init(count: 1, by: best)), ["k"], parallelism,
        "select k, v, t from (\(place("v desc nulls last, t", limit: 1)))"
      ),
      (
        "top 3 without places", .topN(.init(count: 3, by: best)), ["k"], parallelism,
        "select k, v, t from (\(place("v desc nulls last, t", limit: 3)))"
      ),
      (
        "top 10 with places", .topN(.init(count: 10, by: best, rank: "place")), ["k"], parallelism,
        place("v desc nulls last, t", limit: 10)
      ),
      (
        "top 2, nulls first, ties as they come",
        .topN(.init(count: 2, by: [.init("v", nullsFirst: true)], rank: "place")), ["k"], 1,
        place("v nulls first, n", arriving, limit: 2)
      ),
      (
        "first by time", .deduplicate(.init(keep: .first, by: ["ts"])), ["k"], 1,
        "select k, v, t from (\(place("t, n", arriving, limit: 1)))"
      ),
      (
        "last by time", .deduplicate(.init(keep: .last, by: ["ts"])), ["k"], 1,
        "select k, v, t from (\(place("t desc, n desc", arriving, limit: 1)))"
      ),
      (
        "last", .deduplicate(.init(keep: .last)), ["k"], 1,
        "select k, v, t from (\(place("n desc", arriving, limit: 1)))"
      ),
      (
        "first", .deduplicate(.init(keep: .first)), ["k", "v"], 1,
        "select k, v, t from (select *, row_number() over (partition by k, v order by n) r from \(arriving)) where r = 1"
      ),
      ("distinct", .deduplicate(.init(keep: .first)), [], parallelism, "select distinct k, v, t from e"),
    ]
    let expected = try events.duckDB(cases.map(\.sql))
    for (index, `case`) in cases.enumerated() {
      let code = MemoryCode(events.recordBatches(subtasks: `case`.sources))
      _ = try code.run(
        keyedNodes(`case`.operation, keys: `case`.keys, sources: `case`.sources), parallelism: parallelism)
      let isFinal = `case`.name == "first" || `case`.name == "distinct"
      let found = isFinal ? code.rows("out") : materialised(code.rows("out"))
      let difference = found.map { WindowEvents.difference($0, expected[index]) ?? "" }
      #expect(difference == "", "\(`case`.name), \(random)")
    }
  }

  @Test("of windows, at any parallelism", arguments: [1, 2])
  func windows(parallelism: Int) throws {
    var random = SeededGenerator()
    let events = WindowEvents(
      count: 6_000, keys: 40, start: -50_000, step: 7, disorder: 400, batchRows: 1...300, &random)
    let window = Plan.Window(
      assigner: .tumbling(.init(size: 1_000)), scope: .key,
      aggregates: [
        .init(function: "count", argument: nil, name: "n"), .init(function: "sum", argument: .column("v"), name: "s"),
      ])
    let best = [Plan.Ordering("n", descending: true), Plan.Ordering("s"), Plan.Ordering("k")]
    var nodes = windowNodes(window, outOfOrderness: 400, sourceParallelism: parallelism).filter { $0.id < 5 }
    nodes.append(node(5, keyBy("window_start", "window_end"), from: 4))
    nodes.append(
      node(6, .topN(.init(count: 5, by: best, rank: "place", emission: .final)), from: 5, uid: "best"))
    nodes.append(memorySink(7, from: 6))
    let start = "t - ((t % 1000) + 1000) % 1000"
    let expected = try events.duckDB([
      """
      select k, s, s + 1000, n, sum_v, r from (
        select *, row_number() over (partition by s order by n desc, sum_v, k) r from (
          select k, \(start) s, count(*) n, sum(v)::bigint sum_v from e group by k, \(start)))
      where r <= 5
      """
    ])
    let code = MemoryCode(events.recordBatches(subtasks: parallelism))
    _ = try code.run(nodes, parallelism: parallelism)
    #expect(WindowEvents.difference(code.rows("out"), expected[0]) == nil, "\(random)")
  }
}

@Suite("What cannot be ranked")
struct RankingRefusalTests {
  private func refusal(_ operation: Plan.Operator, keys: [String] = ["user_id"]) -> String {
    do throws(Failure) {
      _ = try graph([
        source(1, fields: orderFields + [Field("tags", .list(Field("item", .utf8)))]),
        node(2, .keyBy(.init(keys: keys.map { NamedExpression($0, .column($0)) })), from: 1),
        node(3, operation, from: 2, uid: "r"), sink(4, from: 3),
      ])
      return ""
    } catch {
      return error.message
    }
  }

  @Test("is refused with what would be right")
  func refusals() {
    let amount = [Plan.Ordering("amount")]
    #expect(
      refusal(.topN(.init(count: 0, by: amount))) == "topN 'r': it keeps 0 rows of each key; give 1 to 1000000")
    #expect(refusal(.topN(.init(count: 1, by: []))) == "topN 'r': it has no order; name at least one column")
    #expect(refusal(.topN(.init(count: 1, by: amount + amount))).contains("'amount' twice"))
    #expect(refusal(.topN(.init(count: 1, by: [.init("x")]))).contains("there is no column 'x'"))
    #expect(refusal(.topN(.init(count: 1, by: [.init("tags")]))).contains("cannot be ordered by 'tags'"))
    #expect(refusal(.topN(.init(count: 1, by: amount, rank: "note"))).contains("two columns are named 'note'"))
    #expect(refusal(.topN(.init(count: 1, by: amount, timeToLive: 0))).contains("time to live is 0 µs"))
    #expect(
      refusal(.topN(.init(count: 1, by: amount, emission: .final))).hasPrefix(
        "topN 'r': final results are those of windows"))
    #expect(refusal(.deduplicate(.init(keep: .last, by: ["tags"]))).contains("cannot be ordered by 'tags'"))
    #expect(refusal(.deduplicate(.init(keep: .last)), keys: []).contains("there is no key"))
  }

  @Test("such as rows that revise others")
  func revisions() {
    do throws(Failure) {
      _ = try graph([
        source(1), node(2, keyBy("user_id"), from: 1),
        node(3, .deduplicate(.init(keep: .last)), from: 2, uid: "a"), node(4, keyBy("user_id"), from: 3),
        node(5, .topN(.init(count: 1, by: [.init("amount")])), from: 4, uid: "b"), sink(6, from: 5),
      ])
      Issue.record("it was planned")
    } catch {
      #expect(error.message.hasPrefix("topN 'b': its input revises rows"), "\(error.message)")
    }
  }
}
