import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("An unbounded join of streams that revise their rows")
struct ChangelogJoinTests {
  private typealias Change = (kind: String, row: JoinRun.Row)

  /// Changes of a stream: new rows, and rows that are there taken back, in pairs with new ones or alone.
  private static func changes(
    _ live: inout [JoinRun.Row], _ count: Int, _ random: inout SeededGenerator
  ) -> [Change] {
    var changes: [Change] = []
    func row() -> JoinRun.Row {
      let key = Int64.random(in: -1...4, using: &random)
      return (key < 0 ? nil : key, Int64.random(in: 0...4, using: &random), Int64.random(in: 0...2, using: &random))
    }
    while changes.count < count {
      if !live.isEmpty, Int.random(in: 0...2, using: &random) > 0 {
        let old = live.remove(at: Int.random(in: live.indices, using: &random))
        if Bool.random(using: &random) {
          changes.append(("-D", old))
        } else {
          let new: JoinRun.Row = (old.k, Int64.random(in: 0...4, using: &random), old.t)
          changes += [("-U", old), ("+U", new)]
          live.append(new)
        }
      } else {
        let new = row()
        changes.append(("+I", new))
        live.append(new)
      }
    }
    return changes
  }

  @Test(
    "leaves what a join of the rows that are left gives, and takes nothing back that it did not tell",
    arguments: Plan.JoinKind.allCases)
  func reference(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    for hasCondition in [false, true] {
      for changelogs: Set<Int> in [[0], [1], [0, 1]] {
        let run = try JoinRun(
          Plan.Join(
            kind: kind, bounds: .unbounded(.init()),
            condition: hasCondition ? .call("less_than", [.column("v0"), .column("v1")]) : nil), changelogs: changelogs)
        var live: [[JoinRun.Row]] = [[], []]
        var told: [Substring: Int] = [:]
        for step in 0..<80 {
          let input = Int.random(in: 0...1, using: &random)
          if changelogs.contains(input) {
            try run.process(Self.changes(&live[input], Int.random(in: 1...15, using: &random), &random), input: input)
          } else {
            let rows = (0..<Int.random(in: 1...4, using: &random)).map { _ -> JoinRun.Row in
              let key = Int64.random(in: -1...4, using: &random)
              return (key < 0 ? nil : key, Int64.random(in: 0...4, using: &random), 0)
            }
            try run.process(rows, input)
            live[input] += rows
          }
          for row in run.takeRows() {
            told[row.dropFirst(3), default: 0] += row.hasPrefix("+") ? 1 : -1
            if told[row.dropFirst(3)] ?? 0 < 0 { Issue.record("'\(row)' was never told, step \(step), \(random)") }
          }
          let found = told.flatMap { [String](repeating: String($0.key), count: max(0, $0.value)) }.sorted()
          #expect(
            found == TimedJoinOperatorTests.joined(kind, live, hasCondition: hasCondition) { _, _ in true },
            "step \(step), changelogs \(changelogs.sorted()), condition \(hasCondition), \(random)")
        }
      }
    }
  }

  @Test(
    "whose rows live for a while takes back what it told of rows that are kept, and counts what is taken back too late",
    arguments: Plan.JoinKind.allCases)
  func timeToLive(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    for hasCondition in [false, true] {
      for changelogs: Set<Int> in [[0], [1], [0, 1]] {
        let timeToLive: Int64 = 10_000_000
        let run = try JoinRun(
          Plan.Join(
            kind: kind, bounds: .unbounded(.init(timeToLive: timeToLive)),
            condition: hasCondition ? .call("less_than", [.column("v0"), .column("v1")]) : nil), changelogs: changelogs)
        var model = ExpiringJoinModel(kind: kind, hasCondition: hasCondition, timeToLive: timeToLive)
        var live: [[JoinRun.Row]] = [[], []]
        var told: [Substring: Int] = [:]
        var now: Int64 = 0
        for step in 0..<120 {
          now += Int64.random(in: 0...2_500_000, using: &random)
          try run.clock(now)
          let input = Int.random(in: 0...1, using: &random)
          if changelogs.contains(input) {
            let changes = Self.changes(&live[input], Int.random(in: 1...6, using: &random), &random)
            try run.process(changes, input: input)
            model.process(changes, input, at: now)
          } else {
            let rows = (0..<Int.random(in: 1...4, using: &random)).map { _ -> JoinRun.Row in
              let key = Int64.random(in: -1...4, using: &random)
              return (key < 0 ? nil : key, Int64.random(in: 0...4, using: &random), Int64(step))
            }
            try run.process(rows, input)
            model.process(rows.map { ("+I", $0) }, input, at: now)
          }
          for row in run.takeRows() {
            told[row.dropFirst(3), default: 0] += row.hasPrefix("+") ? 1 : -1
            if told[row.dropFirst(3)] ?? 0 < 0 { Issue.record("'\(row)' was never told, step \(step), \(random)") }
          }
          let found = told.flatMap { [String](repeating: String($0.key), count: max(0, $0.value)) }.sorted()
          #expect(
            found == model.told.sorted(),
            "step \(step), changelogs \(changelogs.sorted()), condition \(hasCondition), \(random)")
        }
        #expect(run.metrics.counts.lateRowsDropped == model.dropped, "\(random)")
      }
    }
  }

  @Test("a row that is kept no longer is not taken back from those that came since")
  func expired() throws {
    let run = try JoinRun(Plan.Join(kind: .left, bounds: .unbounded(.init(timeToLive: 10_000_000))), changelogs: [0])
    try run.process([("+I", (1, 1, 0))], input: 0)
    try run.clock(14_000_000)
    try run.rows(1, (1, 9, 0))
    try run.process([("-U", (1, 1, 0)), ("+U", (1, 2, 0))], input: 0)
    #expect(run.takeRows() == ["+I 1 1 0 null null", "+I 1 2 0 9 0"])
    #expect(run.metrics.counts.lateRowsDropped == 1)
  }

  @Test("of equal rows as many are taken back as are named")
  func equalRows() throws {
    let run = try JoinRun(Plan.Join(kind: .inner, bounds: .unbounded(.init())), changelogs: [0])
    try run.process((0..<5).map { ("+I", (1, $0 < 3 ? 7 : 8, 0)) }, input: 0)
    try run.process([("-D", (1, 7, 0)), ("-D", (1, 8, 0)), ("-D", (1, 7, 0)), ("-D", (1, 9, 0))], input: 0)
    try run.rows(1, (1, 0, 0))
    #expect(run.takeRows() == ["+I 1 7 0 0 0", "+I 1 8 0 0 0"])
  }

  @Test("holds no memory for what was taken back")
  func memory() throws {
    let run = try JoinRun(Plan.Join(kind: .full, bounds: .unbounded(.init())), changelogs: [0, 1])
    for round in 0..<2_000 {
      let rows = (0..<50).map { JoinRun.Row(k: Int64(round * 50 + $0), v: 1, t: 1) }
      try run.process(rows.map { ("+I", $0) }, input: round % 2)
      try run.process(rows.map { ("-D", $0) }, input: round % 2)
    }
    #expect(run.memory.usedBytes < 2 << 20)
  }
}
