import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

@Suite("Joins in event time give what DuckDB gives")
struct TimedJoinTests {
  private static let condition = Expression.call("less_than", [.column("v"), .column("v_right")])

  /// Streams that begin anywhere in time, out of order by up to the second result.
  private func streams(
    _ count: Int, rows: Int, _ random: inout SeededGenerator
  ) -> (JoinStreams, disorder: Int64) {
    let start: Int64 = [-3_000, 1_700_000_000_000_000, 253_402_300_795_000_000].randomElement(using: &random) ?? 0
    let disorder: Int64 = [0, 40, 2_500].randomElement(using: &random) ?? 0
    let streams = JoinStreams(
      streams: count, count: rows, keys: [1, 7, 30].randomElement(using: &random) ?? 1, start: start, step: 10,
      disorder: disorder, batchRows: 1...40, &random)
    return (streams, disorder)
  }

  /// Runs a join at parallelism 1 and 2 beside what it should give.
  private func check(
    _ join: Plan.Join, _ streams: JoinStreams, disorder: Int64, keys: [String] = ["k"], _ expected: [String],
    _ comment: String
  ) throws {
    for parallelism in [1, 2] {
      let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
      let reports = try code.run(
        JoinStreams.nodes(
          join, keys: keys, streams: streams.streams.count, outOfOrderness: disorder, sourceParallelism: parallelism),
        parallelism: parallelism)
      let difference = WindowEvents.difference(code.rows("out"), expected)
      #expect(difference == nil, "parallelism \(parallelism), \(comment)")
      #expect(reports.allSatisfy { $0.counts.lateRowsDropped == 0 }, "\(comment)")
    }
  }

  @Test("on intervals, of each kind", arguments: Plan.JoinKind.allCases)
  func intervals(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    let bounds: [(Int64, Int64)] = [(0, 0), (-100, 50), (20, 300), (-300, -20), (-5_000, 5_000)]
    let (streams, disorder) = streams(2, rows: 120, &random)
    var cases: [(join: Plan.Join, comment: String)] = []
    var queries: [String] = []
    for (lower, upper) in bounds {
      for (condition, sql) in [(nil, ""), (Self.condition, " and l.v < r.v")] {
        queries.append(
          UnboundedJoinTests.query(
            kind, keys: ["k"], condition: " and r.t - l.t between \(lower) and \(upper)" + sql))
        cases.append(
          (
            Plan.Join(
              kind: kind, bounds: .interval(.init(lower: lower, upper: upper)), condition: condition,
              sharedNames: .suffix(["", "_right"])),
            "\(lower)...\(upper), condition \(condition != nil), disorder \(disorder), \(random)"
          ))
      }
    }
    for (test, expected) in zip(cases, try streams.duckDB(queries)) {
      try check(test.join, streams, disorder: disorder, expected, test.comment)
    }
  }

  // MARK: Windows

  private static func floor(_ size: Int64, _ time: String = "t") -> String {
    "(\(time) - (((\(time) % \(size)) + \(size)) % \(size)))"
  }

  /// Windows, and a query that gives a table's rows with the start and the end of each window that they are in.
  private static let windows: [(Plan.WindowAssigner, @Sendable (String) -> String)] = [
    (
      .tumbling(.init(size: 500)), { table in "select *, \(floor(500)) s0, \(floor(500)) + 500 e0 from \(table)" }
    ),
    (
      .sliding(.init(size: 300, slide: 100)),
      { table in
        "select *, \(floor(100)) - i * 100 s0, \(floor(100)) - i * 100 + 300 e0 from \(table), range(0, 3) w(i)"
      }
    ),
    (
      .cumulative(.init(size: 600, step: 200)),
      { table in
        """
        select *, \(floor(600)) s0, \(floor(600)) + i * 200 e0 from \(table), range(1, 4) w(i)
        where t < \(floor(600)) + i * 200
        """
      }
    ),
  ]

  /// The join of two tables of rows in windows.
  private static func query(
    _ kind: Plan.JoinKind, keys: [String], left: String, right: String, condition: String, before: String = ""
  ) -> String {
    let on =
      keys.map { "l.\($0) = r.\($0)" }.joined(separator: " and ") + " and l.s0 = r.s0 and l.e0 = r.e0" + condition
    let columns = UnboundedJoinTests.columns(keys)
    let tables = "with \(before)l as (\(left)), r as (\(right)) "
    switch kind {
    case .inner, .left, .right, .full:
      return tables
        + "select \(columns), coalesce(l.s0, r.s0), coalesce(l.e0, r.e0) from l \(kind.rawValue) join r on \(on)"
    case .semi, .anti:
      let not = kind == .anti ? "not " : ""
      return tables + "select k, s, v, t, s0, e0 from l where \(not)exists (select 1 from r where \(on))"
    }
  }

  @Test("on windows, of each kind", arguments: Plan.JoinKind.allCases)
  func windows(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    let (streams, disorder) = streams(2, rows: 120, &random)
    var cases: [(join: Plan.Join, keys: [String], comment: String)] = []
    var queries: [String] = []
    for (assigner, rows) in Self.windows {
      for keys in [["k"], ["k", "s"]] {
        for (condition, sql) in [(nil, ""), (Self.condition, " and l.v < r.v")] {
          queries.append(Self.query(kind, keys: keys, left: rows("tl"), right: rows("tr"), condition: sql))
          cases.append(
            (
              Plan.Join(
                kind: kind, bounds: .window(.init(assigner: assigner)), condition: condition,
                sharedNames: .suffix(["", "_right"])), keys,
              "\(assigner), \(keys), condition \(condition != nil), disorder \(disorder), \(random)"
            ))
        }
      }
    }
    for (test, expected) in zip(cases, try streams.duckDB(queries)) {
      try check(test.join, streams, disorder: disorder, keys: test.keys, expected, test.comment)
    }
  }

  @Test("on sessions of both streams together, of each kind", arguments: Plan.JoinKind.allCases)
  func sessions(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    for gap in [1, 30, 400] {
      let (streams, disorder) = streams(2, rows: 120, &random)
      // Rows without a key are in sessions where they are told.
      let kept = [
        kind == .left || kind == .full || kind == .anti ? "true" : "k is not null",
        kind == .right || kind == .full ? "true" : "k is not null",
      ]
      // Of rows of one time the one that begins a session is counted first.
      let sessions = """
        select *, min(t) over (partition by k, number) s0, max(t) over (partition by k, number) + \(gap) e0 from (
          select *, sum(first) over (partition by k order by t, first desc rows unbounded preceding) number from (
            select *, case when t - lag(t) over (partition by k order by t) < \(gap) then 0 else 1 end first from (
              select 0 side, * from tl where \(kept[0]) union all select 1 side, * from tr where \(kept[1]))))
        """
      let query = Self.query(
        kind, keys: ["k"], left: "select k, s, v, t, s0, e0 from u where side = 0",
        right: "select k, s, v, t, s0, e0 from u where side = 1", condition: "", before: "u as (\(sessions)), ")
      try check(
        Plan.Join(
          kind: kind, bounds: .window(.init(assigner: .session(.init(gap: Int64(gap))))),
          sharedNames: .suffix(["", "_right"])),
        streams, disorder: disorder, try streams.duckDB([query])[0], "gap \(gap), disorder \(disorder), \(random)")
    }
  }

  @Test("of four streams on one window")
  func many() throws {
    var random = SeededGenerator()
    for (assigner, rows) in Self.windows {
      let (streams, disorder) = streams(4, rows: 60, &random)
      let names = ["l", "r", "s2", "s3"]
      let tables = names.map { "w\($0) as (\(rows($0)))" }.joined(separator: ", ")
      let columns = names.map { "w\($0).s, w\($0).v, w\($0).t" }.joined(separator: ", ")
      let on = names.dropFirst().map { "join w\($0) on wl.k = w\($0).k and wl.s0 = w\($0).s0 and wl.e0 = w\($0).e0" }
      let query =
        "with \(tables) select wl.k, \(columns), wl.s0, wl.e0 from wl \(on.joined(separator: " ")) where wl.v < wr.v"
      try check(
        Plan.Join(
          kind: .inner, bounds: .window(.init(assigner: assigner)),
          condition: .call("less_than", [.column("v_0"), .column("v_1")]),
          sharedNames: .suffix(["_0", "_1", "_2", "_3"])),
        streams, disorder: disorder, try streams.duckDB([query])[0], "\(assigner), disorder \(disorder), \(random)")
    }
  }

  @Test("results of windows on their keys and windows, of each kind", arguments: Plan.JoinKind.allCases)
  func inherited(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    let (streams, disorder) = streams(2, rows: 120, &random)
    let (assigner, rows) = Self.windows[1]
    let results = ["l", "r"].map {
      "select k, s0, e0, count(*) \($0 == "l" ? "n" : "m") from (\(rows($0))) group by k, s0, e0"
    }
    let on = "l.k = r.k and l.s0 = r.s0 and l.e0 = r.e0"
    let tables = "with wl as (\(results[0])), wr as (\(results[1])), l as (select * from wl), r as (select * from wr) "
    let query =
      switch kind {
      case .inner, .left, .right, .full:
        "select coalesce(l.k, r.k), coalesce(l.s0, r.s0), coalesce(l.e0, r.e0), n, m from l \(kind.rawValue) join r on \(on)"
      case .semi: "select * from l where exists (select 1 from r where \(on))"
      case .anti: "select * from l where not exists (select 1 from r where \(on))"
      }
    let expected = try streams.duckDB([tables + query])[0]
    for parallelism in [1, 2] {
      let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
      var nodes: [Plan.Node] = []
      for (stream, name) in ["n", "m"].enumerated() {
        let id = 10 * (stream + 1)
        let window = Plan.Window(
          assigner: assigner, scope: .key,
          aggregates: [Plan.AggregateCall(function: "count", argument: nil, name: name)])
        nodes += [
          memorySource(id, JoinStreams.fields, uid: JoinStreams.name(stream), parallelism: parallelism),
          node(id + 1, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: disorder)), from: id),
          node(id + 2, keyBy("k"), from: id + 1), node(id + 3, .window(window), from: id + 2, uid: "w\(stream)"),
          node(id + 4, keyBy("k"), from: id + 3),
        ]
      }
      nodes += [
        node(
          30, .join(Plan.Join(kind: kind, bounds: .window(.init(assigner: .inherited)))), from: 14, 24, uid: "j"),
        memorySink(31, from: 30),
      ]
      let reports = try code.run(nodes, parallelism: parallelism)
      let difference = WindowEvents.difference(code.rows("out"), expected)
      #expect(difference == nil, "parallelism \(parallelism), disorder \(disorder), \(random)")
      #expect(reports.allSatisfy { $0.counts.lateRowsDropped == 0 })
    }
  }

  @Test("the results of windows of one stream and the greatest of each window, as the hottest items are found")
  func hottest() throws {
    var random = SeededGenerator()
    let (streams, disorder) = streams(1, rows: 400, &random)
    let (assigner, rows) = Self.windows[1]
    let expected = try streams.duckDB([
      """
      with c as (select k, s0, e0, count(*) n from (\(rows("tl"))) group by k, s0, e0)
      select k, s0, e0, n, m from (select *, max(n) over (partition by s0, e0) m from c) where n >= m
      """
    ])[0]
    for parallelism in [1, 2] {
      let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
      func window(_ scope: Plan.WindowScope, _ assigner: Plan.WindowAssigner, _ call: Plan.AggregateCall)
        -> Plan.Operator
      {
        .window(Plan.Window(assigner: assigner, scope: scope, aggregates: [call]))
      }
      _ = try code.run(
        [
          memorySource(1, JoinStreams.fields, uid: "left", parallelism: parallelism),
          node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: disorder)), from: 1),
          node(3, keyBy("k"), from: 2),
          node(4, window(.key, assigner, .init(function: "count", argument: nil, name: "n")), from: 3, uid: "counts"),
          node(
            5, window(.all, .inherited, .init(function: "max", argument: .column("n"), name: "m")), from: 4, uid: "most"
          ),
          node(6, keyBy("window_end"), from: 4), node(7, keyBy("window_end"), from: 5),
          node(
            8,
            .join(
              Plan.Join(
                kind: .inner, bounds: .window(.init(assigner: .inherited)),
                condition: .call("greater_than_or_equal", [.column("n"), .column("m")]))), from: 6, 7, uid: "j"),
          memorySink(9, from: 8),
        ], parallelism: parallelism)
      let difference = WindowEvents.difference(code.rows("out"), expected)
      #expect(difference == nil, "parallelism \(parallelism), disorder \(disorder), \(random)")
    }
  }
}
