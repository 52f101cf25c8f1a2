import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

@Suite("Joins with what is looked up give what DuckDB gives")
struct SideJoinTests {
  private static let kinds: [Plan.JoinKind] = [.inner, .left, .semi, .anti]

  @Test("a bounded side input, read before the first row of the other, in each subtask and by key", arguments: kinds)
  func lookup(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    let streams = JoinStreams(
      count: 300, keys: [1, 20, 200].randomElement(using: &random) ?? 1, batchRows: 1...10, &random)
    let keySets = [["k"], ["k", "s"]]
    let conditions: [(Expression?, String)] = [
      (nil, ""), (.call("less_than", [.column("v"), .column("v_right")]), " and l.v < r.v"),
    ]
    let all = try streams.duckDB(
      keySets.flatMap { keys in conditions.map { UnboundedJoinTests.query(kind, keys: keys, condition: $0.1) } })
    for (number, keys) in keySets.enumerated() {
      for ((condition, _), expected) in zip(conditions, all[(number * conditions.count)...]) {
        for spread in Plan.SideSpread.allCases {
          for parallelism in [1, 2] {
            let join = Plan.Join(
              kind: kind, bounds: .side(.init(spread: spread, awaited: true, keep: .all)), condition: condition,
              sharedNames: .suffix(["", "_right"]))
            let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
            _ = try code.run(
              JoinStreams.nodes(join, keys: keys, sourceParallelism: parallelism), parallelism: parallelism)
            let difference = WindowEvents.difference(code.rows("out"), expected)
            #expect(
              difference == nil,
              "\(keys), \(spread), condition \(condition != nil), parallelism \(parallelism), \(random)")
          }
        }
      }
    }
  }

  @Test("the version that held at a row's event time", arguments: [Plan.JoinKind.inner, .left, .semi, .anti])
  func versions(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    for disorder: Int64 in [0, 60, 3_000] {
      var streams = JoinStreams(
        count: 300, keys: [1, 9].randomElement(using: &random) ?? 1, start: -1_000, disorder: disorder,
        batchRows: 1...20, &random)
      // Of two versions of one time DuckDB takes any.
      var seen: Set<String> = []
      streams.streams[1] = streams.streams[1].map { batch in
        batch.filter { seen.insert("\($0.key ?? -1) \($0.time)").inserted }
      }
      let columns = UnboundedJoinTests.columns(["k"]).replacingCoalesce
      let on = "l.k = r.k and l.t >= r.t"
      let query =
        switch kind {
        case .left: "select \(columns) from l asof left join r on \(on)"
        case .semi: "select * from l where exists (select 1 from r where \(on))"
        case .anti: "select * from l where not exists (select 1 from r where \(on))"
        default: "select \(columns) from l asof join r on \(on)"
        }
      let expected = try streams.duckDB([query])[0]
      for parallelism in [1, 2] {
        let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
        let reports = try code.run(
          JoinStreams.nodes(
            Plan.Join(kind: kind, bounds: .version, sharedNames: .suffix(["", "_right"])),
            outOfOrderness: disorder, sourceParallelism: parallelism), parallelism: parallelism)
        let difference = WindowEvents.difference(code.rows("out"), expected)
        #expect(difference == nil, "disorder \(disorder), parallelism \(parallelism), \(random)")
        #expect(reports.allSatisfy { $0.counts.lateRowsDropped == 0 })
      }
    }
  }

  @Test("a changelog whose rows go to other keys, as versions and as what is looked up", arguments: [1, 2])
  func movedKeys(parallelism: Int) throws {
    var random = SeededGenerator()
    for _ in 0..<5 {
      var streams = JoinStreams(count: 60, keys: 3, batchRows: 1...4, &random)
      // A text's row is its last one, and is looked up by its key. The others come before and after all of them.
      var times: (left: Int64, right: Int64) = (0, 1_000)
      streams.streams[1] = streams.streams[1].map { batch in
        batch.map { row in
          times.right += 10
          return JoinStreams.Row(key: row.key, text: row.text, value: row.value, time: times.right)
        }
      }
      streams.streams[0] = streams.streams[0].enumerated().map { number, batch in
        batch.map { row in
          times.left += 1
          return JoinStreams.Row(
            key: row.key, text: row.text, value: row.value, time: times.left + (number < 3 ? 0 : 1_000_000))
        }
      }
      let held = """
        with u as (select * from r qualify row_number() over (partition by s order by t desc) = 1),
        c as (select * from u qualify row_number() over (partition by k order by t desc) = 1)
        """
      let expected = try streams.duckDB([
        held + " select l.k, l.s, l.v, l.t, c.s, c.v, c.t from l left join c on l.k = c.k and l.t >= c.t",
        held + " select * from l where k in (select k from c)",
      ])
      let looked = Plan.SideJoin(spread: .broadcast, awaited: true, keep: .latest)
      let joins: [(Plan.JoinKind, Plan.JoinBounds)] = [
        // Which of several rows of a key is looked up is not asked: those of one batch may change places on the way.
        (.left, .version), (.semi, .side(looked)),
        (.semi, .side(.init(spread: .key, awaited: true, keep: .latest))),
      ]
      for (number, (kind, bounds)) in joins.enumerated() {
        let nodes = [
          memorySource(10, JoinStreams.fields, uid: "left", parallelism: 1),
          node(11, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 10),
          node(12, keyBy("k"), from: 11),
          memorySource(20, JoinStreams.fields, uid: "right", parallelism: 1), node(21, keyBy("s"), from: 20),
          node(22, .deduplicate(Plan.Deduplicate(keep: .last)), from: 21, uid: "d"),
          node(23, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 1_000)), from: 22),
          node(24, keyBy("k"), from: 23),
          node(
            30, .join(Plan.Join(kind: kind, bounds: bounds, sharedNames: .suffix(["", "_right"]))), from: 12, 24,
            uid: "j"), memorySink(31, from: 30),
        ]
        let code = MemoryCode(sources: streams.recordBatches(subtasks: 1))
        _ = try code.run(nodes, parallelism: parallelism)
        let difference = WindowEvents.difference(code.rows("out"), expected[min(number, 1)])
        #expect(difference == nil, "join \(number), \(random)")
      }
    }
  }

  @Test("versions of a changelog are refused behind what may pass on one row of an update without the other")
  func partedUpdates() throws {
    func nodes(_ between: Plan.Operator, revised: Bool) -> [Plan.Node] {
      let unique = Plan.Operator.deduplicate(Plan.Deduplicate(keep: revised ? .last : .first))
      return [
        memorySource(10, JoinStreams.fields, uid: "left", parallelism: 1),
        node(11, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 10),
        node(12, keyBy("k"), from: 11),
        memorySource(20, JoinStreams.fields, uid: "right", parallelism: 1), node(21, keyBy("s"), from: 20),
        node(22, unique, from: 21, uid: "d"), node(23, between, from: 22),
        node(24, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 23), node(25, keyBy("k"), from: 24),
        node(
          30, .join(Plan.Join(kind: .left, bounds: .version, sharedNames: .suffix(["", "_right"]))), from: 12, 25,
          uid: "j"), memorySink(31, from: 30),
      ]
    }
    let code = MemoryCode(sources: [:])
    let kept = filter(.call("greater_than", [.column("v"), .literal(.int64(1))]))
    let same = Plan.Operator.extend(Plan.Select(columns: [NamedExpression("w", .column("v"))]))
    func plan(_ between: Plan.Operator, revised: Bool) throws(Failure) {
      _ = try ExecutionGraph(
        Plan(name: "test", nodes: nodes(between, revised: revised)), code: code, options: .init(parallelism: 1))
    }
    try plan(kept, revised: false)
    try plan(same, revised: true)
    let refused = #expect(throws: Failure.self) { try plan(kept, revised: true) }
    #expect(refused?.kind == .usage)
    #expect(refused?.message.contains("filter (node 23) may pass on one row of an update") == true)
  }

  @Test("a side input without event time does not hold the watermark back")
  func watermark() throws {
    let rows = (0..<20).map { JoinStreams.Row(key: Int64($0 % 3), text: nil, value: 1, time: Int64($0) * 100) }
    let streams = JoinStreams([[rows], [[JoinStreams.Row(key: 1, text: "x", value: 7, time: 0)]]])
    for awaited in [true, false] {
      let join = Plan.Join(
        kind: .left, bounds: .side(.init(spread: .broadcast, awaited: awaited, keep: .latest)),
        sharedNames: .suffix(["", "_right"]))
      let window = Plan.Window(
        assigner: .tumbling(.init(size: 1_000)), scope: .key,
        aggregates: [Plan.AggregateCall(function: "count", argument: nil, name: "n")])
      let nodes = [
        memorySource(10, JoinStreams.fields, uid: "left", parallelism: 1),
        node(11, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 10), node(12, keyBy("k"), from: 11),
        memorySource(20, JoinStreams.fields, uid: "right", parallelism: 1), node(21, keyBy("k"), from: 20),
        node(30, .join(join), from: 12, 21, uid: "j"), node(31, keyBy("k"), from: 30),
        node(32, .window(window), from: 31, uid: "w"), memorySink(33, from: 32),
      ]
      let code = MemoryCode(sources: streams.recordBatches(subtasks: 1))
      _ = try code.run(nodes, parallelism: 1)
      #expect(
        code.rows("out") == [
          "0,0,1000,4", "0,1000,2000,3", "1,0,1000,3", "1,1000,2000,4", "2,0,1000,3", "2,1000,2000,3",
        ])
    }
  }

  @Test("a source that feeds both sides is refused where one is read to its end first")
  func sharedSource() {
    do throws(Failure) {
      _ = try graph([
        source(1), node(2, keyBy("user_id"), from: 1), node(3, positive, from: 1), node(4, keyBy("user_id"), from: 3),
        node(
          5,
          .join(
            Plan.Join(
              kind: .inner, bounds: .side(.init(spread: .key, awaited: true, keep: .all)),
              sharedNames: .suffix(["", "_2"]))), from: 2, 4, uid: "j"), sink(6, from: 5),
      ])
      Issue.record("a source that waits for itself was taken")
    } catch {
      #expect(
        error.message
          == "join 'j' reads input 1 to its end before input 0, and source 'orders' feeds both; read what is looked up with a "
          + "source of its own")
    }
  }
}

extension String {
  /// An as-of join gives left keys.
  fileprivate var replacingCoalesce: String { "l.k" + dropFirst("coalesce(l.k, r.k)".count) }
}
