import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

@Suite("The rows of a window's greatest or least value are DuckDB's")
struct WindowChoiceTests {
  /// Source, event time, the key unless all rows are one window's, the choice, and a sink.
  private func nodes(_ choice: Plan.WindowChoice, disorder: Int64, subtasks: Int) -> [Plan.Node] {
    var nodes = [
      memorySource(1, WindowEvents.fields, parallelism: subtasks),
      node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: disorder)), from: 1),
    ]
    if choice.scope == .key {
      nodes.append(node(3, .keyBy(Plan.KeyBy(keys: [NamedExpression("k", .column("k"))])), from: 2))
    }
    nodes.append(node(4, .windowChoice(choice), from: nodes.last?.id ?? 0, uid: "best"))
    nodes.append(memorySink(5, from: 4))
    return nodes
  }

  @Test("of each key and of all rows, in and out of order, with ties", arguments: AlignedWindowTests.cases)
  func random(_ test: AlignedWindowTests.Case) throws {
    var random = SeededGenerator()
    let disorder: Int64 = [0, 40, 2_500].randomElement(using: &random) ?? 0
    var events = WindowEvents(
      count: 400, keys: [1, 7, 100].randomElement(using: &random) ?? 1,
      start: [-3_000, 1_700_000_000_000_000].randomElement(using: &random) ?? 0, step: 10, disorder: disorder,
      batchRows: 1...80, &random)
    // Few values, so that several rows are the best.
    for batch in events.batches.indices {
      for row in events.batches[batch].indices {
        events.batches[batch][row].value = events.batches[batch][row].value.map { $0 % 8 }
      }
    }
    let asked = Plan.Extreme.allCases.flatMap { takes in Plan.WindowScope.allCases.map { (takes, $0) } }
    let answers = try events.duckDB(
      asked.map { takes, scope in
        """
        select k, v, t, s, e from (\(test.rows))
        qualify v = \(takes == .greatest ? "max" : "min")(v) over (partition by \(scope == .key ? "k, " : "")s, e)
        """
      })
    for ((takes, scope), expected) in zip(asked, answers) {
      #expect(!expected.isEmpty)
      for parallelism in [1, 2] {
        let code = MemoryCode(events.recordBatches(subtasks: parallelism))
        let choice = Plan.WindowChoice(assigner: test.assigner, scope: scope, value: .column("v"), takes: takes)
        _ = try code.run(nodes(choice, disorder: disorder, subtasks: parallelism), parallelism: parallelism)
        let difference = WindowEvents.difference(code.rows("out"), expected)
        #expect(difference == nil, "\(takes) \(scope), parallelism \(parallelism), \(random)")
      }
    }
  }

  @Test("windows of windows: the keys with the greatest count of each window")
  func cascade() throws {
    var random = SeededGenerator()
    let events = WindowEvents(
      count: 500, keys: 30, start: 1_000, step: 10, disorder: 100, batchRows: 1...80, &random)
    let expected = try events.duckDB([
      """
      select k, s, e, n from (
        select k, s, e, count(*) n from (\(AlignedWindowTests.sliding(1_000, 200).rows)) group by k, s, e)
      qualify n = max(n) over (partition by s, e)
      """
    ])
    for parallelism in [1, 2] {
      let code = MemoryCode(events.recordBatches(subtasks: parallelism))
      var nodes = windowNodes(
        Plan.Window(
          assigner: .sliding(.init(size: 1_000, slide: 200)), scope: .key,
          aggregates: [Plan.AggregateCall(function: "count", argument: nil, name: "n")]),
        outOfOrderness: 100, sourceParallelism: parallelism)
      nodes.removeLast()
      nodes.append(
        node(
          6,
          .windowChoice(
            Plan.WindowChoice(assigner: .inherited, scope: .all, value: .column("n"), takes: .greatest)), from: 4,
          uid: "most"))
      nodes.append(memorySink(7, from: 6))
      _ = try code.run(nodes, parallelism: parallelism)
      let difference = WindowEvents.difference(code.rows("out"), expected[0])
      #expect(difference == nil, "parallelism \(parallelism), \(random)")
    }
  }

  @Test("what has no such rows is refused")
  func refusals() {
    func message(
      _ assigner: Plan.WindowAssigner = .tumbling(.init(size: 10)), value: Expression = .column("v")
    ) -> String {
      let choice = Plan.WindowChoice(assigner: assigner, scope: .all, value: value, takes: .least)
      do throws(Failure) {
        _ = try MemoryCode([[]]).run(nodes(choice, disorder: 0, subtasks: 1), parallelism: 1)
        return ""
      } catch {
        return error.message
      }
    }
    #expect(message(.session(.init(gap: 1))).contains("take tumbling, sliding, cumulative or inherited ones"))
    #expect(message(.count(.init(size: 1))).contains("take tumbling, sliding, cumulative or inherited ones"))
    #expect(message(.inherited).contains("the input has no 'window_start'"))
    #expect(message(value: .cast(.column("v"), .utf8)).contains("rows are chosen by a utf8"))
    #expect(message(.sliding(.init(size: 1, slide: 2))).contains("the slide is at most the size"))
    #expect(message() == "")
  }
}
