import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

@Suite("Unbounded joins give what DuckDB gives")
struct UnboundedJoinTests {
  /// The condition over both sides, and the same in SQL.
  private static let conditions: [(Expression?, String)] = [
    (nil, ""),
    (.call("less_than", [.column("v"), .column("v_right")]), " and l.v < r.v"),
  ]

  /// The columns of a pair in SQL, those of keys once.
  static func columns(_ keys: [String]) -> String {
    let left = ["k", "s", "v", "t"].map { keys.contains($0) ? "coalesce(l.\($0), r.\($0))" : "l.\($0)" }
    let right = ["k", "s", "v", "t"].filter { !keys.contains($0) }.map { "r.\($0)" }
    return (left + right).joined(separator: ", ")
  }

  /// The whole query. A condition begins with " and ".
  static func query(_ kind: Plan.JoinKind, keys: [String], condition: String) -> String {
    let on = keys.map { "l.\($0) = r.\($0)" }.joined(separator: " and ") + condition
    switch kind {
    case .inner, .left, .right, .full: return "select \(columns(keys)) from l \(kind.rawValue) join r on \(on)"
    case .semi: return "select * from l where exists (select 1 from r where \(on))"
    case .anti: return "select * from l where not exists (select 1 from r where \(on))"
    }
  }

  @Test("of each kind, by one and several keys, with and without a condition", arguments: Plan.JoinKind.allCases)
  func random(_ kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    let streams = JoinStreams(
      count: 150, keys: [1, 7, 100].randomElement(using: &random) ?? 1, batchRows: 1...40, &random)
    let keySets = [["k"], ["s"], ["k", "s"]]
    let all = try streams.duckDB(
      keySets.flatMap { keys in Self.conditions.map { Self.query(kind, keys: keys, condition: $0.1) } })
    for (number, keys) in keySets.enumerated() {
      let expected = all[(number * Self.conditions.count)...]
      for ((condition, _), expected) in zip(Self.conditions, expected) {
        let join = Plan.Join(
          kind: kind, bounds: .unbounded(.init()), condition: condition, sharedNames: .suffix(["", "_right"]))
        for parallelism in [1, 2] {
          let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
          _ = try code.run(
            JoinStreams.nodes(join, keys: keys, sourceParallelism: parallelism), parallelism: parallelism)
          var found = code.rows("out")
          if ![.inner, .semi].contains(kind) {
            let (rows, surplus) = JoinStreams.materialized(found)
            #expect(surplus.isEmpty, "\(keys), parallelism \(parallelism), \(random)")
            found = rows
          }
          let difference = WindowEvents.difference(found, expected)
          #expect(difference == nil, "\(keys), condition \(condition != nil), parallelism \(parallelism), \(random)")
        }
      }
    }
  }

  @Test("of what another join revises, with a third stream", arguments: [Plan.JoinKind.inner, .left, .full])
  func again(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    let streams = JoinStreams(streams: 3, count: 80, keys: 7, batchRows: 1...10, &random)
    let expected = try streams.duckDB([
      """
      select coalesce(j.k, s2.k), ls, lv, lt, rs, rv, rt, s2.s, s2.v, s2.t from (
        select coalesce(l.k, r.k) k, l.s ls, l.v lv, l.t lt, r.s rs, r.v rv, r.t rt from l full join r on l.k = r.k) j
      \(kind.rawValue) join s2 on j.k = s2.k
      """
    ])[0]
    for parallelism in [1, 2] {
      func join(_ kind: Plan.JoinKind, _ suffix: String) -> Plan.Operator {
        .join(Plan.Join(kind: kind, bounds: .unbounded(.init()), sharedNames: .suffix(["", suffix])))
      }
      let sources = (0..<3).map {
        memorySource($0 + 1, JoinStreams.fields, uid: JoinStreams.name($0), parallelism: parallelism)
      }
      let code = MemoryCode(sources: streams.recordBatches(subtasks: parallelism))
      _ = try code.run(
        sources + [
          node(4, keyBy("k"), from: 1), node(5, keyBy("k"), from: 2), node(6, keyBy("k"), from: 3),
          node(7, join(.full, "_right"), from: 4, 5, uid: "first"), node(8, keyBy("k"), from: 7),
          node(9, join(kind, "_third"), from: 8, 6, uid: "second"), memorySink(10, from: 9),
        ], parallelism: parallelism)
      let (rows, surplus) = JoinStreams.materialized(code.rows("out"))
      #expect(surplus.isEmpty, "parallelism \(parallelism), \(random)")
      let difference = WindowEvents.difference(rows, expected)
      #expect(difference == nil, "parallelism \(parallelism), \(random)")
    }
  }
}
