import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

@Suite("Patterns compute what DuckDB computes")
struct PatternTests {
  private func rest(_ value: Int64) -> Expression {
    .call("equal", [.call("modulo", [.column("v"), .literal(.int64(5))]), .literal(.int64(value))])
  }

  private func nodes(_ pattern: Plan.Pattern) -> [Plan.Node] {
    var nodes = [
      memorySource(1, WindowEvents.fields, parallelism: 1),
      node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 400)), from: 1), node(3, keyBy("k"), from: 2),
      node(4, .pattern(pattern), from: 3, uid: "p"), memorySink(5, from: 4),
    ]
    if pattern.timedOut == .route { nodes.append(memorySink(6, from: 4, output: 1, uid: "timed-out")) }
    return nodes
  }

  @Test("of two steps, at any parallelism", arguments: [1, 2], [Plan.PatternContiguity.followedBy, .next])
  func steps(parallelism: Int, contiguity: Plan.PatternContiguity) throws {
    var random = SeededGenerator()
    let events = WindowEvents(
      count: 5_000, keys: 30, start: -20_000, step: 7, disorder: 400, batchRows: 1...300, &random)
    let pattern = Plan.Pattern(
      steps: [
        .init(name: "a", condition: rest(0), contiguity: .followedBy),
        .init(name: "b", condition: rest(1), contiguity: contiguity),
      ], within: 1_500, timedOut: .route)
    let arriving = "(select *, row_number() over () n from e)"
    func next(_ column: String) -> String {
      contiguity == .next
        ? "lead(\(column)) over w"
        : "first_value(case when v % 5 = 1 then \(column) end ignore nulls) over (w rows between 1 following and unbounded following)"
    }
    let followed = """
      (select k, v, t, \(next("v")) bv, \(next("t")) bt from \(arriving)
        window w as (partition by k order by t, n))
      """
    let expected = try events.duckDB([
      "select k, v, t, bv, bt from \(followed) where v % 5 = 0 and bv % 5 = 1 and bt - t < 1500",
      "select k, v, t, null, null from \(followed) where v % 5 = 0 and (bt is null or bt - t >= 1500)",
    ])
    let code = MemoryCode(events.recordBatches(subtasks: 1))
    _ = try code.run(nodes(pattern), parallelism: parallelism)
    #expect(WindowEvents.difference(code.rows("out"), expected[0]) == nil, "\(random)")
    #expect(WindowEvents.difference(code.rows("timed-out"), expected[1]) == nil, "\(random)")
    #expect(!expected[0].isEmpty && !expected[1].isEmpty)
  }

  @Test("that cannot be are refused")
  func refusals() {
    func refusal(_ steps: [(String, Expression)], within: Int64 = 1) -> String {
      do throws(Failure) {
        _ = try graph(
          nodes(
            .init(
              steps: steps.map { .init(name: $0.0, condition: $0.1, contiguity: .followedBy) }, within: within)),
          connectors: ["memory"])
        return ""
      } catch {
        return error.message
      }
    }
    #expect(refusal([("a", rest(0))]) == "pattern 'p': it has 1 steps; give it 2 to 32")
    #expect(refusal([("a", rest(0)), ("a", rest(0))]) == "pattern 'p': two steps are named 'a'; rename one")
    #expect(
      refusal([("a", rest(0)), ("b", .column("v"))])
        == "pattern 'p': step 'b': the condition is int64, and must be bool; compare it with something")
    #expect(refusal([("a", rest(0)), ("b", rest(0))], within: 0).contains("within 0 µs"))
    #expect(refusal([("a", rest(0)), ("b", rest(0))]) == "")
  }
}
