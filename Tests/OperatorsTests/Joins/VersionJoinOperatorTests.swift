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
      // With the time from which on it does not hold.
      var versions: [(row: JoinRun.Row, end: Int64)] = []
      var (watermark, lateCount) = (Int64.min, 0)
      for step in 0..<300 {
        let rows = (0..<Int.random(in: 1...6, using: &random)).map { _ -> JoinRun.Row in
          let key = Int64.random(in: -1...3, using: &random)
          let time = Int64(step * 2) + Int64.random(in: -20...10, using: &random)
          // Rows of a key are told apart by their values.
          return (key < 0 ? nil : key, Int64.random(in: 0...Int64(1) << 40, using: &random), time)
        }
        if Bool.random(using: &random) {
          try run.process(rows, 0)
          lateCount += rows.filter { $0.t < watermark }.count
          left += rows.filter { $0.t >= watermark }
        } else {
          var changes: [(kind: String, row: JoinRun.Row)] = []
          for row in rows where row.t >= watermark {
            let open = versions.indices.filter { versions[$0].end == .max && versions[$0].row.t <= row.t }
            if let place = open.randomElement(using: &random), Bool.random(using: &random) {
              // What is taken back says from when on it does not hold. It may come back under another key.
              versions[place].end = row.t
              let old = versions[place].row
              let isMoved = Bool.random(using: &random)
              changes.append((isMoved ? "-U" : "-D", (old.k, old.v, row.t)))
              if !isMoved { continue }
              changes.append(("+U", row))
            } else {
              changes.append(("+I", row))
            }
            if row.k != nil { versions.append((row, .max)) }
          }
          try run.process(changes)
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
        var best: JoinRun.Row?
        for (version, end) in versions
        where version.k == row.k && version.t <= row.t && row.t < end && version.t >= best?.t ?? .min { best = version }
        if hasCondition && (row.v ?? 0) >= (best?.v ?? 0) { best = nil }
        let own = "\(number(row.k)) \(number(row.v)) \(row.t)"
        switch kind {
        case .semi: if best != nil { expected.append(own) }
        case .anti: if best == nil { expected.append(own) }
        default:
          if kind == .left || best != nil { expected.append("\(own) \(number(best?.v)) \(number(best?.t))") }
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

  @Test("a row that goes to another key leaves its former one, where others hold again")
  func moved() throws {
    let run = try version(.left, isChangelog: true)
    // Key 2 has row 10 and then row 11, which goes to key 1 at 300.
    try run.changes(("+I", (2, 10, 100)), ("+I", (2, 11, 200)), ("-U", (2, 11, 300)))
    try run.changes(("+U", (1, 11, 300)))
    try run.rows(0, (2, 0, 150), (2, 1, 250), (2, 2, 300), (1, 3, 299), (1, 4, 300))
    try run.watermark(310)
    #expect(
      run.takeRows() == ["2 0 150 10 100", "2 1 250 11 200", "1 3 299 null null", "2 2 300 10 100", "1 4 300 11 300"])
    try run.changes(("-U", (2, 10, 400)))
    try run.rows(0, (2, 5, 399), (2, 6, 400))
    try run.finish()
    #expect(run.takeRows() == ["2 5 399 10 100", "2 6 400 null null"])
    #expect(run.metrics.counts.lateRowsDropped == 0)
  }

  @Test("what has come of a changelog is the last row of each key that was not taken back")
  func sideReference() throws {
    var random = SeededGenerator()
    let run = try side(.left, .latest, isChangelog: true)
    var live: [JoinRun.Row] = []
    for step in 0..<300 {
      var changes: [(kind: String, row: JoinRun.Row)] = []
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let key = Int64.random(in: -1...3, using: &random)
        let new: JoinRun.Row = (key < 0 ? nil : key, Int64(step), Int64.random(in: 0...100_000, using: &random))
        let isOld = !live.isEmpty && Bool.random(using: &random)
        if isOld { changes.append(("-D", live.remove(at: Int.random(in: live.indices, using: &random)))) }
        if isOld, Bool.random(using: &random) { continue }
        if isOld { changes[changes.count - 1].kind = "-U" }
        changes.append((isOld ? "+U" : "+I", new))
        live.append(new)
      }
      try run.process(changes)
      try run.process((0...3).map { (Int64($0), 0, 0) }, 0)
      let expected = (0...3).map { key in
        let last = live.last { $0.k == Int64(key) }
        return "\(key) 0 0 \(last?.v.map { "\($0)" } ?? "null") \(last.map { "\($0.t)" } ?? "null")"
      }
      #expect(run.takeRows().sorted() == expected.sorted(), "step \(step), \(random)")
    }
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
