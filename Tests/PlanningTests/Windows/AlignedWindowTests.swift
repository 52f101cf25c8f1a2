import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

private let calls = [
  Plan.AggregateCall(function: "count", argument: nil, name: "n"),
  Plan.AggregateCall(function: "sum", argument: .column("v"), name: "s"),
  Plan.AggregateCall(function: "min", argument: .column("v"), name: "low"),
  Plan.AggregateCall(function: "max", argument: .column("v"), name: "high"),
  Plan.AggregateCall(function: "count_distinct", argument: .column("v"), name: "d"),
]
private let results = "count(*), sum(v)::bigint, min(v), max(v), count(distinct v)"

/// Events, the key unless all rows are one window's, the window, and a sink.
func windowNodes(
  _ window: Plan.Window, outOfOrderness: Int64, keys: [String] = ["k"], sourceParallelism: Int? = nil
) -> [Plan.Node] {
  var nodes = [
    memorySource(1, WindowEvents.fields, parallelism: sourceParallelism),
    node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: outOfOrderness)), from: 1),
  ]
  if window.scope == .key {
    nodes.append(node(3, .keyBy(Plan.KeyBy(keys: keys.map { NamedExpression($0, .column($0)) })), from: 2))
  }
  nodes.append(node(4, .window(window), from: nodes.last?.id ?? 0, uid: "w"))
  nodes.append(memorySink(5, from: 4))
  if window.late == .route { nodes.append(memorySink(6, from: 4, output: 1, uid: "late")) }
  return nodes
}

/// The start of the window of `size` that has `t`, in SQL, rounded down for negative times as well.
private func floorSQL(_ size: Int64, _ offset: Int64, _ time: String = "t") -> String {
  "(\(time) - \(offset)) - ((((\(time) - \(offset)) % \(size)) + \(size)) % \(size)) + \(offset)"
}

@Suite("Windows compute what DuckDB computes")
struct AlignedWindowTests {
  /// A stream and what is asked of it.
  struct Case: CustomTestStringConvertible {
    var name: String
    var assigner: Plan.WindowAssigner
    /// A query that gives (k, v, t, s, e) of a row for each window that it is in.
    var rows: String
    var testDescription: String { name }
  }

  private static func tumbling(_ size: Int64, offset: Int64 = 0) -> Case {
    let start = floorSQL(size, offset)
    return Case(
      name: "tumbling \(size) from \(offset)", assigner: .tumbling(.init(size: size, offset: offset)),
      rows: "select k, v, t, \(start) s, \(start) + \(size) e from e")
  }

  static func sliding(_ size: Int64, _ slide: Int64, offset: Int64 = 0) -> Case {
    let last = floorSQL(slide, offset)
    return Case(
      name: "sliding \(size) by \(slide) from \(offset)",
      assigner: .sliding(.init(size: size, slide: slide, offset: offset)),
      rows: """
        select k, v, t, s, s + \(size) e from (
          select k, v, t, \(last) - i * \(slide) s from e, range(0, \(size / slide + 1)) r(i))
        where t < s + \(size)
        """)
  }

  private static func cumulative(_ size: Int64, _ step: Int64, offset: Int64 = 0) -> Case {
    let start = floorSQL(size, offset)
    return Case(
      name: "cumulative \(size) by \(step) from \(offset)",
      assigner: .cumulative(.init(size: size, step: step, offset: offset)),
      rows: """
        select k, v, t, s, s + i * \(step) e from (select *, \(start) s from e), range(1, \(size / step + 1)) r(i)
        where t < s + i * \(step)
        """)
  }

  static let cases = [
    tumbling(1_000), tumbling(700, offset: 123), tumbling(1), tumbling(1_000_000_000, offset: -5),
    sliding(1_000, 200), sliding(1_000, 1_000), sliding(1_000, 300, offset: 50), sliding(90, 1),
    sliding(5_000, 10, offset: -7),
    cumulative(1_000, 100), cumulative(1_000, 1_000), cumulative(900, 300, offset: 100),
  ]

  @Test("of each key and of all rows, in and out of order, before and after 1970", arguments: cases)
  func random(_ test: Case) throws {
    var random = SeededGenerator()
    let start: Int64 = [-3_000, 1_700_000_000_000_000, 253_402_300_795_000_000].randomElement(using: &random) ?? 0
    let disorder: Int64 = [0, 40, 2_500].randomElement(using: &random) ?? 0
    let events = WindowEvents(
      count: 300, keys: [1, 7, 100].randomElement(using: &random) ?? 1, start: start, step: 10, disorder: disorder,
      batchRows: 1...80, &random)
    let keys = Plan.WindowScope.allCases.map { $0 == .key ? "k, " : "" }
    let expected = try events.duckDB(
      keys.map { "select \($0)s, e, \(results) from (\(test.rows)) group by \($0)s, e" })
    for (scope, expected) in zip(Plan.WindowScope.allCases, expected) {
      #expect(!expected.isEmpty)
      for parallelism in [1, 2] {
        let code = MemoryCode(events.recordBatches(subtasks: parallelism))
        let window = Plan.Window(assigner: test.assigner, scope: scope, aggregates: calls)
        let reports = try code.run(
          windowNodes(window, outOfOrderness: disorder, sourceParallelism: parallelism), parallelism: parallelism)
        let difference = WindowEvents.difference(code.rows("out"), expected)
        #expect(
          difference == nil, "\(scope), parallelism \(parallelism), from \(start), disorder \(disorder), \(random)")
        #expect(reports.allSatisfy { $0.counts.lateRowsDropped == 0 })
      }
    }
  }

  @Test("sessions, of each key and of all rows", arguments: [1, 25, 300])
  func sessions(gap: Int64) throws {
    var random = SeededGenerator()
    let start: Int64 = [-3_000, 1_700_000_000_000_000, 253_402_300_795_000_000].randomElement(using: &random) ?? 0
    let disorder: Int64 = [0, 40, 2_500].randomElement(using: &random) ?? 0
    let events = WindowEvents(
      count: 600, keys: [1, 20, 100].randomElement(using: &random) ?? 1, start: start, step: 10, disorder: disorder,
      batchRows: 1...150, &random)
    let expected = try events.duckDB(
      Plan.WindowScope.allCases.map { scope in
        let (key, partition) = scope == .key ? ("k, ", "partition by k ") : ("", "")
        return """
          select \(key)min(t), max(t) + \(gap), \(results) from (
            select *, sum(first) over (\(partition)order by t, first desc rows unbounded preceding) number from (
              select *, case when t - lag(t) over (\(partition)order by t) < \(gap) then 0 else 1 end first from e))
          group by \(key)number
          """
      })
    for (scope, expected) in zip(Plan.WindowScope.allCases, expected) {
      for parallelism in [1, 2] {
        let code = MemoryCode(events.recordBatches(subtasks: parallelism))
        let window = Plan.Window(assigner: .session(.init(gap: gap)), scope: scope, aggregates: calls)
        _ = try code.run(
          windowNodes(window, outOfOrderness: disorder, sourceParallelism: parallelism), parallelism: parallelism)
        let difference = WindowEvents.difference(code.rows("out"), expected)
        #expect(
          difference == nil, "\(scope), parallelism \(parallelism), from \(start), disorder \(disorder), \(random)")
      }
    }
  }

  @Test(
    "windows of windows: the greatest count of each window, also when the first ones wait for late rows",
    arguments: [0, 350])
  func cascade(lateness: Int64) throws {
    var random = SeededGenerator()
    let events = WindowEvents(
      count: 500, keys: 30, start: 1_000, step: 10, disorder: 100, batchRows: 1...80, &random)
    let expected = try events.duckDB([
      """
      select s, e, max(n), count(*) from (
        select k, s, e, count(*) n from (\(Self.sliding(1_000, 200).rows)) group by k, s, e) group by s, e
      """
    ])
    for parallelism in [1, 2] {
      let code = MemoryCode(events.recordBatches(subtasks: parallelism))
      var nodes = windowNodes(
        Plan.Window(
          assigner: .sliding(.init(size: 1_000, slide: 200)), scope: .key, allowedLateness: lateness, aggregates: calls),
        outOfOrderness: 100, sourceParallelism: parallelism)
      nodes.removeLast()
      nodes.append(
        node(
          6,
          .window(
            Plan.Window(
              assigner: .inherited, scope: .all,
              aggregates: [
                Plan.AggregateCall(function: "max", argument: .column("n"), name: "m"),
                Plan.AggregateCall(function: "count", argument: nil, name: "c"),
              ])), from: 4, uid: "most"))
      nodes.append(memorySink(7, from: 6))
      let reports = try code.run(nodes, parallelism: parallelism)
      let difference = WindowEvents.difference(code.rows("out"), expected[0])
      #expect(difference == nil, "parallelism \(parallelism), \(random)")
      #expect(reports.allSatisfy { $0.counts.lateRowsDropped == 0 })
    }
  }

  @Test("results of sessions that wait for late rows are not late behind them")
  func lateSessions() throws {
    var random = SeededGenerator()
    let events = WindowEvents(
      count: 400, keys: 10, start: 1_000, step: 10, disorder: 50, batchRows: 1...40, &random)
    let plain = MemoryCode(events.recordBatches(subtasks: 1))
    let waiting = MemoryCode(events.recordBatches(subtasks: 1))
    for (code, lateness) in [(plain, 0), (waiting, 400)] as [(MemoryCode, Int64)] {
      var nodes = windowNodes(
        Plan.Window(assigner: .session(.init(gap: 30)), scope: .key, allowedLateness: lateness, aggregates: calls),
        outOfOrderness: 50, sourceParallelism: 1)
      nodes.removeLast()
      let sum = Plan.AggregateCall(function: "sum", argument: .column("n"), name: "rows")
      nodes.append(
        node(
          6, .window(Plan.Window(assigner: .tumbling(.init(size: 200)), scope: .all, aggregates: [sum])), from: 4,
          uid: "most"))
      nodes.append(memorySink(7, from: 6))
      let reports = try code.run(nodes, parallelism: 1)
      #expect(reports.allSatisfy { $0.counts.lateRowsDropped == 0 }, "\(random)")
    }
    #expect(plain.rows("out") == waiting.rows("out"), "\(random)")
  }
}
