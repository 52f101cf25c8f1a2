import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Joins with versions and with what has come")
struct VersionJoinOperatorTests {
  private func version(_ kind: Plan.JoinKind, isChangelog: Bool = false, condition: Expression? = nil) throws(Failure)
    -> JoinRun
  {
    try JoinRun(
      Plan.Join(kind: kind, bounds: .version, condition: condition), hasTimes: true, changelogs: isChangelog ? [1] : [])
  }

  @Test("a version holds from its time on, that included, until the next one or its end")
  func borders() throws {
    let run = try version(.left, isChangelog: true)
    try run.changes(("+I", (1, 10, 100)), ("-U", (1, 10, 200)), ("+U", (1, 11, 200)), ("-D", (1, 11, 300)))
    try run.rows(0, (1, 0, 99), (1, 1, 100), (1, 2, 199), (1, 3, 200), (1, 4, 299), (1, 5, 300), (nil, 6, 300))
    #expect(run.takeRows() == ["null 6 300 null null"])
    try run.watermark(200)
    #expect(run.takeRows() == ["1 0 99 null null", "1 1 100 10 100", "1 2 199 10 100"])
    try run.watermark(400)
    #expect(run.takeRows() == ["1 3 200 11 200", "1 4 299 11 200", "1 5 300 null null"])
    try run.changes(("+I", (1, 12, 399)), ("+I", (1, 12, 400)))
    #expect(run.metrics.counts.lateRowsDropped == 1)
    try run.rows(0, (1, 7, 399), (1, 8, 400))
    try run.finish()
    #expect(run.takeRows() == ["1 8 400 12 400"])
    #expect(run.metrics.counts.lateRowsDropped == 2)
  }

  @Test(
    "with versions give what a search through all rows gives, with late rows and ends",
    arguments: [Plan.JoinKind.inner, .left, .semi, .anti])
  func reference(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    for hasCondition in [false, true] {
      let run = try version(
        kind, isChangelog: true,
        condition: hasCondition ? .call("less_than", [.column("v0"), .column("v1")]) : nil)
      var left: [JoinRun.Row] = []
      var versions: [(kind: String, row: JoinRun.Row)] = []
      var (watermark, lateCount) = (Int64.min, 0)
      for step in 0..<300 {
        let rows = (0..<Int.random(in: 1...6, using: &random)).map { _ -> JoinRun.Row in
          let key = Int64.random(in: -1...3, using: &random)
          let time = Int64(step * 2) + Int64.random(in: -20...10, using: &random)
          return (key < 0 ? nil : key, Int64.random(in: 0...9, using: &random), time)
        }
        lateCount += rows.filter { $0.t < watermark }.count
        if Bool.random(using: &random) {
          try run.process(rows, 0)
          left += rows.filter { $0.t >= watermark }
        } else {
          let changes = rows.map { (["+I", "+U", "-U", "-D"].randomElement(using: &random) ?? "+I", $0) }
          try run.process(changes)
          versions += changes.filter { $0.1.t >= watermark }.map { (kind: $0.0, row: $0.1) }
        }
        if Int.random(in: 0...4, using: &random) == 0 {
          watermark = max(watermark, Int64(step * 2 - 10))
          try run.watermark(watermark)
        }
      }
      try run.finish()
      func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }
      var expected: [String] = []
      for row in left {
        var best: (kind: String, row: JoinRun.Row)?
        for version in versions
        where version.kind != "-U" && row.k != nil && version.row.k == row.k && version.row.t <= row.t
          && version.row.t >= best?.row.t ?? .min
        { best = version }
        if best?.kind == "-D" || (hasCondition && (row.v ?? 0) >= (best?.row.v ?? 0)) { best = nil }
        let own = "\(number(row.k)) \(number(row.v)) \(row.t)"
        switch kind {
        case .semi: if best != nil { expected.append(own) }
        case .anti: if best == nil { expected.append(own) }
        default:
          if kind == .left || best != nil { expected.append("\(own) \(number(best?.row.v)) \(number(best?.row.t))") }
        }
      }
      #expect(run.takeRows().sorted() == expected.sorted(), "condition \(hasCondition), \(random)")
      #expect(run.metrics.counts.lateRowsDropped == lateCount, "\(random)")
    }
  }

  private func side(_ kind: Plan.JoinKind, _ keep: Plan.SideRows, isChangelog: Bool = false) throws(Failure) -> JoinRun
  {
    try JoinRun(
      Plan.Join(kind: kind, bounds: .side(.init(spread: .broadcast, awaited: false, keep: keep))),
      changelogs: isChangelog ? [1] : [])
  }

  @Test("rows meet what has come by then: all of a key, or the last")
  func broadcast() throws {
    let all = try side(.inner, .all)
    try all.rows(0, (1, 0, 0))
    try all.rows(1, (1, 10, 0), (2, 11, 0), (1, 12, 0), (nil, 13, 0))
    try all.rows(0, (1, 1, 0), (3, 2, 0), (nil, 3, 0))
    #expect(all.takeRows() == ["1 1 0 10 0", "1 1 0 12 0"])

    let latest = try side(.left, .latest)
    try latest.rows(1, (1, 10, 0), (2, 11, 0), (1, 12, 0))
    try latest.rows(0, (1, 1, 0), (2, 2, 0), (3, 3, 0), (nil, 4, 0))
    #expect(latest.takeRows().sorted() == ["1 1 0 12 0", "2 2 0 11 0", "3 3 0 null null", "null 4 0 null null"])
    try latest.rows(1, (2, 13, 0))
    try latest.rows(0, (2, 2, 0))
    #expect(latest.takeRows() == ["2 2 0 13 0"])
  }

  @Test("a changelog of what is looked up changes and ends rows")
  func changelog() throws {
    let run = try side(.inner, .latest, isChangelog: true)
    try run.changes(("+I", (1, 10, 0)), ("+I", (2, 20, 0)), ("-U", (1, 10, 0)), ("+U", (1, 11, 0)))
    try run.rows(0, (1, 0, 0), (2, 0, 0))
    #expect(run.takeRows() == ["1 0 0 11 0", "2 0 0 20 0"])
    try run.changes(("-D", (1, 11, 0)), ("-D", (2, 20, 0)), ("+I", (2, 21, 0)))
    try run.rows(0, (1, 0, 0), (2, 0, 0))
    #expect(run.takeRows() == ["2 0 0 21 0"])
  }
}
