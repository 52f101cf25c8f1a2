import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Joins that are cut")
struct JoinCutTests {
  private static let time = DataType.timestamp(.microsecond, timezone: nil)

  /// A join of rows of a key, a number, a time and a text, some of them null.
  private struct Case {
    var join: Plan.Join
    var key = DataType.int64
    var inputs = 2
    var hasTimes = false
    var hasWindows = false
    /// The last of the key's columns is equal, and does not say where a row goes.
    var hasEqualColumn = false
    var changelogs: Set<Int> = []

    func fields(_ input: Int) -> [Field] {
      (changelogs.contains(input) ? [Field("row_kind", .utf8, nullable: false)] : [])
        + [
          Field("k", key), Field("v", .int64), Field("ts", JoinCutTests.time, nullable: false), Field("s", .utf8),
          Field("e", .int64),
        ]
    }

    /// Of the column `k`.
    func first(_ input: Int) -> Int { changelogs.contains(input) ? 1 : 0 }

    func layout() throws(Failure) -> JoinLayout {
      var join = join
      join.sharedNames = .suffix((0..<inputs).map { "\($0)" })
      let bound = ["window_start", "window_end"].map { Field($0, JoinCutTests.time, nullable: false) }
      return try JoinLayout(
        join, inputs: (0..<inputs).map { Schema(fields($0)) },
        keys: (0..<inputs).map { [first($0)] + (hasEqualColumn ? [first($0) + 4] : []) }, keyCount: 1,
        times: hasTimes ? (0..<inputs).map { JoinTime(column: first($0) + 2, shift: 0) } : [],
        kindColumns: (0..<inputs).map { changelogs.contains($0) ? 0 : nil }, more: hasWindows ? bound : [])
    }

    func make(_ context: SubtaskContext) throws(Failure) -> any Operator {
      try makeJoinOperator(join, layout: layout(), functions: NoScalarFunctions(), context: context)
    }

    var keys: [[Int]] { (0..<inputs).map { [first($0)] } }
  }

  private struct Row {
    var key: Literal
    var values: [Literal]
    var time: Int64
  }

  private static func isNull(_ value: Literal) -> Bool { if case .null = value { true } else { false } }

  /// Rows in about the order of their times, late ones among them; of a changelog, rows that are taken back.
  private func steps(_ test: Case, _ random: inout SeededGenerator, clock: Bool, nullKeys: Bool) -> [CutStep] {
    var steps: [CutStep] = []
    var watermark = Int64.min
    var live = [[Row]](repeating: [], count: test.inputs)
    for step in 0..<Int.random(in: 15...40, using: &random) {
      let input = Int.random(in: 0..<test.inputs, using: &random)
      var rows: [(kind: String, row: Row)] = []
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let time = Int64(step * 6) + Int64.random(in: -25...10, using: &random)
        let isChangelog = test.changelogs.contains(input)
        if isChangelog, Int.random(in: 0..<3, using: &random) == 0,
          let place = live[input].indices.randomElement(using: &random)
        {
          var row = live[input].remove(at: place)
          // It says from when on it does not hold.
          row.time = max(row.time, time)
          rows.append(("-D", row))
          continue
        }
        var key = randomLiteral(test.key, distinct: 5, &random)
        while !nullKeys && Self.isNull(key) { key = randomLiteral(test.key, distinct: 5, &random) }
        let row = Row(
          key: key,
          values: [
            .int64(Int64.random(in: 0..<(isChangelog ? 1 << 40 : 10), using: &random)),
            randomLiteral(.utf8, distinct: 6, &random), .int64(Int64.random(in: 0..<2, using: &random)),
          ], time: max(isChangelog && test.hasTimes ? watermark : time, time))
        if isChangelog { live[input].append(row) }
        rows.append(("+I", row))
      }
      steps.append(.batch(batch(test, input, rows), input: input))
      if test.hasTimes, Int.random(in: 0..<4, using: &random) == 0 {
        watermark = max(watermark, Int64(step * 6 - 15))
        steps.append(.watermark(watermark))
      }
      if clock, Int.random(in: 0..<3, using: &random) == 0 { steps.append(.clock(Int64(step) * 1_000_000)) }
    }
    return steps
  }

  private func batch(_ test: Case, _ input: Int, _ rows: [(kind: String, row: Row)]) -> RecordBatch {
    let fields = test.fields(input)
    let builders = fields.map { ColumnBuilder($0.type) }
    let first = test.first(input)
    for (kind, row) in rows {
      if first > 0 { builders[0].append(.utf8(kind)) }
      builders[first].append(row.key)
      builders[first + 1].append(row.values[0])
      builders[first + 2].append(.timestamp(row.time, .microsecond, timezone: nil))
      builders[first + 3].append(row.values[1])
      builders[first + 4].append(row.values[2])
    }
    return RecordBatch(schema: Schema(fields), columns: builders.map { $0.finish() }, length: rows.count)
  }

  private func check(_ test: Case, runs: Int = 3, hasTimeToLive: Bool = false) throws {
    var random = SeededGenerator()
    for run in 0..<runs {
      var rig = CutRig(make: test.make, keys: test.keys, unnamed: ["$row"])
      var nullKeys = true
      switch test.join.bounds {
      case .interval: rig.tellsAgain = true
      case .version: rig.mayForget = true
      case .window:
        // Windows are told in which no row was kept, since it has no key, and take rows with them that go later otherwise.
        nullKeys = run % 2 == 0
        if nullKeys { rig.comparison = .none }
        // A row that joins a session which would have ended is told when the watermark is told again, and else with the next one.
        rig.mayForget = true
      case .side(let bounds): if bounds.spread == .broadcast { rig.broadcast = [1] }
      default: break
      }
      var steps = steps(test, &random, clock: hasTimeToLive, nullKeys: nullKeys)
      if hasTimeToLive {
        // When a subtask looks for what has expired depends on what it had.
        rig.comparison = .none
        rig.endsEmpty = true
        steps.append(.clock(1_000_000_000_000))
      }
      try rig.check(steps, &random)
    }
  }

  private static let condition = Expression.call("less_than", [.column("v0"), .column("v1")])

  @Test("on intervals go on as if they were not", arguments: Plan.JoinKind.allCases)
  func intervals(kind: Plan.JoinKind) throws {
    for (lower, upper) in [(-15, 15), (0, 40), (5, 20)] as [(Int64, Int64)] {
      for condition in [nil, Self.condition] {
        let join = Plan.Join(
          kind: kind, bounds: .interval(.init(lower: lower, upper: upper)), condition: condition)
        try check(Case(join: join, hasTimes: true), runs: 3)
      }
    }
    for key in [DataType.utf8, .float64] {
      let join = Plan.Join(kind: kind, bounds: .interval(.init(lower: -20, upper: 20)))
      try check(Case(join: join, key: key, hasTimes: true), runs: 2)
      try check(Case(join: join, key: key, hasTimes: true, hasEqualColumn: true), runs: 2)
    }
  }

  @Test("without bounds go on as if they were not", arguments: Plan.JoinKind.allCases)
  func unbounded(kind: Plan.JoinKind) throws {
    for condition in [nil, Self.condition] {
      let join = Plan.Join(kind: kind, bounds: .unbounded(.init()), condition: condition)
      try check(Case(join: join, key: .utf8))
      try check(Case(join: join, hasEqualColumn: true), runs: 3)
      let expiring = Plan.Join(
        kind: kind, bounds: .unbounded(.init(timeToLive: 10_000_000)), condition: condition)
      try check(Case(join: expiring), hasTimeToLive: true)
      try check(Case(join: expiring, hasEqualColumn: true), runs: 3, hasTimeToLive: true)
    }
  }

  @Test("of changelogs go on as if they were not", arguments: Plan.JoinKind.allCases)
  func changelogs(kind: Plan.JoinKind) throws {
    for changelogs in [[0], [1], [0, 1]] as [Set<Int>] {
      for condition in [nil, Self.condition] {
        let join = Plan.Join(kind: kind, bounds: .unbounded(.init()), condition: condition)
        try check(Case(join: join, changelogs: changelogs), runs: 3)
        let expiring = Plan.Join(
          kind: kind, bounds: .unbounded(.init(timeToLive: 10_000_000)), condition: condition)
        try check(Case(join: expiring, changelogs: changelogs), runs: 2, hasTimeToLive: true)
      }
    }
  }

  @Test("with versions go on as if they were not", arguments: [Plan.JoinKind.inner, .left, .semi, .anti])
  func versions(kind: Plan.JoinKind) throws {
    for changelogs in [[], [1]] as [Set<Int>] {
      for condition in [nil, Self.condition] {
        let join = Plan.Join(kind: kind, bounds: .version, condition: condition)
        try check(Case(join: join, hasTimes: true, changelogs: changelogs))
        try check(Case(join: join, key: .utf8, hasTimes: true, hasEqualColumn: true, changelogs: changelogs), runs: 2)
      }
    }
  }

  @Test("of a side's rows go on as if they were not", arguments: [Plan.JoinKind.inner, .left, .semi, .anti])
  func sides(kind: Plan.JoinKind) throws {
    for spread in Plan.SideSpread.allCases {
      for keep in Plan.SideRows.allCases {
        let join = Plan.Join(kind: kind, bounds: .side(.init(spread: spread, awaited: false, keep: keep)))
        try check(Case(join: join))
        if keep == .latest { try check(Case(join: join, key: .utf8, hasEqualColumn: true, changelogs: [1])) }
      }
    }
  }

  @Test("on windows go on as if they were not", arguments: Plan.JoinKind.allCases)
  func windows(kind: Plan.JoinKind) throws {
    let assigners: [Plan.WindowAssigner] = [
      .tumbling(.init(size: 30)), .sliding(.init(size: 60, slide: 15)), .sliding(.init(size: 15, slide: 25)),
      .session(.init(gap: 9)),
    ]
    for assigner in assigners {
      let join = Plan.Join(kind: kind, bounds: .window(.init(assigner: assigner)))
      try check(Case(join: join, hasTimes: true, hasWindows: true))
      try check(Case(join: join, key: .utf8, hasTimes: true, hasWindows: true, hasEqualColumn: true), runs: 2)
      if kind == .inner { try check(Case(join: join, inputs: 3, hasTimes: true, hasWindows: true)) }
    }
  }
}
