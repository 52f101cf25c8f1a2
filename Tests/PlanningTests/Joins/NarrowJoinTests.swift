import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

@Suite("Joins of which some columns are read give what DuckDB gives")
struct NarrowJoinTests {
  private static func floor(_ time: String) -> String { "(\(time) - (((\(time) % 500) + 500) % 500))" }

  /// Bounds, and what they ask for of `l.t`, `r.t` and `r.next`, the time of the next row of the key.
  private static let bounds: [(Plan.JoinBounds, String)] = [
    (.unbounded(.init()), ""), (.interval(.init(lower: -100, upper: 50)), " and r.t - l.t between -100 and 50"),
    (.window(.init(assigner: .tumbling(.init(size: 500)))), " and \(floor("l.t")) = \(floor("r.t"))"),
    (.version, " and l.t >= r.t and (r.next is null or l.t < r.next)"),
    (.side(.init(spread: .key, awaited: true, keep: .all)), ""),
    (.side(.init(spread: .broadcast, awaited: true, keep: .all)), ""),
  ]

  private static let pairs = [
    ("k", "coalesce(l.k, r.k)"), ("s", "l.s"), ("v", "l.v"), ("ts", "l.t"), ("s_right", "r.s"), ("v_right", "r.v"),
    ("ts_right", "r.t"),
  ]

  private static let left = [("k", "l.k"), ("s", "l.s"), ("v", "l.v"), ("ts", "l.t")]

  private static func query(_ kind: Plan.JoinKind, _ columns: [String], on: String) -> String {
    let right = "(select *, lead(t) over (partition by k order by t) next from tr) r"
    let columns = columns.joined(separator: ", ")
    switch kind {
    case .inner, .left, .right, .full:
      return "select \(columns) from tl l \(kind.rawValue) join \(right) on \(on)"
    case .semi, .anti:
      let not = kind == .anti ? "not " : ""
      return "select \(columns) from tl l where \(not)exists (select 1 from \(right) where \(on))"
    }
  }

  /// Of two versions of one time any may be taken.
  private static func streams(_ random: inout SeededGenerator) -> JoinStreams {
    var streams = JoinStreams(count: 120, keys: 7, start: -3_000, disorder: 40, batchRows: 1...40, &random)
    var seen: Set<String> = []
    streams.streams[1] = streams.streams[1].map { batch in
      batch.filter { seen.insert("\($0.key ?? -1) \($0.time)").inserted }
    }
    return streams
  }

  private static func some<Item>(_ items: [Item], _ random: inout SeededGenerator) -> [Item] {
    let chosen = items.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    return chosen.isEmpty ? [items[Int.random(in: items.indices, using: &random)]] : chosen
  }

  private static func nodes(_ join: Plan.Join, _ names: [String], parallelism: Int) -> [Plan.Node] {
    JoinStreams.nodes(join, outOfOrderness: 40, sourceParallelism: parallelism).filter { $0.id != 2 } + [
      node(3, .select(Plan.Select(columns: names.map { NamedExpression($0, .column($0)) })), from: 1),
      memorySink(4, from: 3),
    ]
  }

  @Test("of each kind, within all bounds, with and without a condition", arguments: Plan.JoinKind.allCases)
  func kinds(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    let streams = Self.streams(&random)
    var cases: [(join: Plan.Join, names: [String])] = []
    var queries: [String] = []
    for (bounds, sql) in Self.bounds {
      switch bounds {
      case .version, .side: if kind == .right || kind == .full { continue }
      default: break
      }
      for (condition, text) in [
        (nil, ""), (.call("less_than", [.column("v"), .column("v_right")]), " and l.v < r.v"),
      ] as [(Expression?, String)] {
        var all = kind == .semi || kind == .anti ? Self.left : Self.pairs
        if case .window = bounds {
          all.append(
            (
              "window_end",
              kind == .semi || kind == .anti
                ? "\(Self.floor("l.t")) + 500" : "coalesce(\(Self.floor("l.t")), \(Self.floor("r.t"))) + 500"
            ))
        }
        let columns = Self.some(all, &random)
        queries.append(Self.query(kind, columns.map(\.1), on: "l.k = r.k" + sql + text))
        cases.append(
          (
            Plan.Join(kind: kind, bounds: bounds, condition: condition, sharedNames: .suffix(["", "_right"])),
            columns.map(\.0)
          ))
      }
    }
    for (test, expected) in zip(cases, try streams.duckDB(queries)) {
      for parallelism in [1, 2] {
        let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
        _ = try code.run(Self.nodes(test.join, test.names, parallelism: parallelism), parallelism: parallelism)
        var found = code.rows("out")
        if case .unbounded = test.join.bounds, ![.inner, .semi].contains(kind) {
          let (rows, surplus) = JoinStreams.materialized(found)
          #expect(surplus.isEmpty, "\(test), parallelism \(parallelism), \(random)")
          found = rows
        }
        let difference = WindowEvents.difference(found, expected)
        #expect(difference == nil, "\(test), parallelism \(parallelism), \(random)")
      }
    }
  }

  @Test("ranked, as winning bids are found")
  func ranked() throws {
    var random = SeededGenerator()
    let streams = Self.streams(&random)
    let order = ["v_right", "ts_right", "s_right", "v", "ts", "s"]
    let orderings = order.enumerated().map { Plan.Ordering($1, descending: $0 == 0) }
    let sql = "r.v desc nulls last, r.t, r.s nulls last, l.v nulls last, l.t, l.s nulls last"
    func places(_ columns: [String], limit: Int) -> String {
      """
      select \(columns.joined(separator: ", ")) from (
        select coalesce(l.k, r.k) k, l.s, l.v, l.t ts, r.s s_right, r.v v_right, r.t ts_right,
          row_number() over (partition by r.k order by \(sql)) place
        from tl l join tr r on l.k = r.k and l.v < r.v)
      where place <= \(limit)
      """
    }
    var cases: [(operation: Plan.Operator, names: [String])] = []
    var queries: [String] = []
    for _ in 0..<4 {
      var names = Self.some(Self.pairs.map(\.0), &random)
      queries.append(places(names, limit: 1))
      cases.append((.topN(.init(count: 1, by: orderings)), names))
      queries.append(places(names, limit: 3))
      cases.append((.topN(.init(count: 3, by: orderings)), names))
      names = Self.some(Self.pairs.map(\.0) + ["place"], &random)
      queries.append(places(names, limit: 4))
      cases.append((.topN(.init(count: 4, by: orderings, rank: "place")), names))
    }
    for (test, expected) in zip(cases, try streams.duckDB(queries)) {
      for parallelism in [1, 2] {
        let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
        let join = Plan.Join(
          kind: .inner, bounds: .unbounded(.init()),
          condition: .call("less_than", [.column("v"), .column("v_right")]), sharedNames: .suffix(["", "_right"]))
        _ = try code.run(
          JoinStreams.nodes(join, sourceParallelism: parallelism).filter { $0.id != 2 } + [
            node(3, keyBy("k"), from: 1), node(4, test.operation, from: 3, uid: "ranked"),
            node(5, .select(Plan.Select(columns: test.names.map { NamedExpression($0, .column($0)) })), from: 4),
            memorySink(6, from: 5),
          ], parallelism: parallelism)
        let found = materialised(code.rows("out"))
        let difference = found.map { WindowEvents.difference($0, expected) ?? "" }
        #expect(difference == "", "\(test), parallelism \(parallelism), \(random)")
      }
    }
  }

  @Test("the results of windows, of which nobody reads the windows", arguments: [1, 2])
  func inherited(parallelism: Int) throws {
    var random = SeededGenerator()
    let streams = Self.streams(&random)
    let results = ["l", "r"].map { "select k, \(Self.floor("t")) s0, count(*) n from t\($0) group by k, s0" }
    let expected = try streams.duckDB([
      "select r.n from (\(results[0])) l join (\(results[1])) r on l.k = r.k and l.s0 = r.s0"
    ])[0]
    var nodes: [Plan.Node] = []
    for stream in 0...1 {
      let id = 10 * (stream + 1)
      nodes += [
        memorySource(id, JoinStreams.fields, uid: JoinStreams.name(stream), parallelism: parallelism),
        node(id + 1, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 40)), from: id),
        node(id + 2, keyBy("k"), from: id + 1),
        node(
          id + 3,
          .window(
            .init(
              assigner: .tumbling(.init(size: 500)), scope: .key,
              aggregates: [.init(function: "count", argument: nil, name: "n")])), from: id + 2, uid: "w\(stream)"),
        node(id + 4, keyBy("k"), from: id + 3),
      ]
    }
    nodes += [
      node(
        30,
        .join(
          Plan.Join(
            kind: .inner, bounds: .window(.init(assigner: .inherited)), sharedNames: .suffix(["", "_right"]))),
        from: 14, 24, uid: "j"),
      node(31, .select(Plan.Select(columns: [NamedExpression("m", .column("n_right"))])), from: 30),
      memorySink(32, from: 31),
    ]
    let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
    _ = try code.run(nodes, parallelism: parallelism)
    let difference = WindowEvents.difference(code.rows("out"), expected)
    #expect(difference == nil, "\(random)")
  }
}
