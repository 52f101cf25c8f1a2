import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Windows with updating results")
struct UpdatingWindowTests {
  private let hundred = Plan.WindowAssigner.tumbling(.init(size: 100))

  @Test("tell at the end, correct by late rows within the allowance, and then no more")
  func corrections() throws {
    let run = try WindowRun(hundred, lateness: 50, late: .route, emission: .updating)
    try run.rows((1, 1, 10), (2, 2, 20))
    try run.watermark(99)
    #expect(run.takeRows() == [])
    try run.watermark(100)
    #expect(run.takeRows() == ["+I 1 0 100 1 1", "+I 2 0 100 1 2"])
    try run.rows((2, 4, 30), (3, 8, 40), (2, 16, 50), (1, 32, 110))
    #expect(run.takeRows() == ["-U 2 0 100 1 2", "+U 2 0 100 3 22", "+I 3 0 100 1 8"])
    try run.watermark(149)
    try run.rows((3, 64, 99))
    #expect(run.takeRows() == ["-U 3 0 100 1 8", "+U 3 0 100 2 72"])
    try run.watermark(150)
    try run.rows((1, 128, 99))
    #expect(run.takeRows() == [])
    #expect(run.takeRows(1) == ["1 128 99"])
    try run.finish()
    #expect(run.takeRows() == ["+I 1 100 200 1 32"])
  }

  @Test("a late row corrects each sliding window that was told, and is in those to come")
  func sliding() throws {
    let run = try WindowRun(.sliding(.init(size: 200, slide: 100)), lateness: 100, emission: .updating)
    try run.rows((1, 1, 50), (1, 2, 150))
    try run.watermark(200)
    #expect(run.takeRows() == ["+I 1 -100 100 1 1", "+I 1 0 200 2 3"])
    // The window from -100 on has closed with its allowance.
    try run.rows((1, 4, 60), (1, 8, 160))
    #expect(run.takeRows() == ["-U 1 0 200 2 3", "+U 1 0 200 3 7", "-U 1 0 200 3 7", "+U 1 0 200 4 15"])
    try run.finish()
    #expect(run.takeRows() == ["+I 1 100 300 2 10"])
  }

  @Test("a window that had no rows at its end is told with the first late one")
  func lateFirst() throws {
    let run = try WindowRun(hundred, lateness: 50, emission: .updating)
    try run.watermark(100)
    try run.rows((1, 1, 10))
    #expect(run.takeRows() == ["+I 1 0 100 1 1"])
    try run.rows((1, 2, 10))
    #expect(run.takeRows() == ["-U 1 0 100 1 1", "+U 1 0 100 2 3"])
    try run.finish()
    #expect(run.takeRows() == [])
  }

  @Test("a trigger tells a key after so many rows, and the rest at the end")
  func everyRows() throws {
    let run = try WindowRun(hundred, emission: .updating, trigger: .init(everyRows: 2))
    try run.rows((1, 1, 10), (2, 2, 20))
    #expect(run.takeRows() == [])
    try run.rows((1, 4, 10))
    #expect(run.takeRows() == ["+I 1 0 100 2 5"])
    try run.rows((1, 8, 10), (2, 16, 10), (1, 32, 99), (1, 64, 99))
    #expect(run.takeRows() == ["-U 1 0 100 2 5", "+U 1 0 100 5 109", "+I 2 0 100 2 18"])
    try run.rows((2, 128, 10), (3, 256, 10))
    try run.watermark(100)
    #expect(run.takeRows() == ["-U 2 0 100 2 18", "+U 2 0 100 3 146", "+I 3 0 100 1 256"])
    try run.finish()
    #expect(run.takeRows() == [])
  }

  @Test("a trigger tells every so often what has changed")
  func every() throws {
    let run = try WindowRun(
      .sliding(.init(size: 200, slide: 100)), emission: .updating, trigger: .init(every: 1_000))
    try run.clock(5_000)
    try run.rows((1, 1, 10))
    try run.clock(5_999)
    #expect(run.takeRows() == [])
    try run.clock(6_000)
    #expect(run.takeRows() == ["+I 1 -100 100 1 1", "+I 1 0 200 1 1"])
    try run.clock(60_000)
    #expect(run.takeRows() == [], "nothing has changed")
    try run.rows((1, 2, 110))
    try run.watermark(100)
    #expect(run.takeRows() == [], "the first window has not changed")
    try run.clock(61_000)
    #expect(run.takeRows() == ["-U 1 0 200 1 1", "+U 1 0 200 2 3", "+I 1 100 300 1 2"])
    try run.finish()
    #expect(run.takeRows() == [])
  }

  @Test("sessions are told, corrected, and taken back when another takes them in")
  func sessions() throws {
    let run = try WindowRun(.session(.init(gap: 10)), lateness: 100, late: .route, emission: .updating)
    try run.rows((1, 1, 0), (1, 2, 15), (2, 4, 0))
    try run.watermark(10)
    #expect(run.takeRows().sorted() == ["+I 1 0 10 1 1", "+I 2 0 10 1 4"])
    try run.watermark(25)
    #expect(run.takeRows() == ["+I 1 15 25 1 2"])
    try run.rows((1, 8, 8), (2, 16, 5))
    #expect(
      run.takeRows() == [
        "-D 1 15 25 1 2", "-U 1 0 10 1 1", "+U 1 0 25 3 11", "-U 2 0 10 1 4", "+U 2 0 15 2 20",
      ])
    // Beyond the watermark: it is told again when that has come.
    try run.rows((1, 32, 24))
    #expect(run.takeRows() == [])
    try run.watermark(34)
    #expect(run.takeRows() == ["-U 1 0 25 3 11", "+U 1 0 34 4 43"])
    try run.watermark(134)
    try run.rows((1, 64, 24))
    #expect(run.takeRows(1) == ["1 64 24"])
    try run.finish()
    #expect(run.takeRows() == [])
  }

  @Test("a session that takes in others has their rows since they were told, and tells what stands for a told one")
  func mergedCounts() throws {
    let run = try WindowRun(.session(.init(gap: 10)), emission: .updating, trigger: .init(everyRows: 5))
    try run.rows((1, 1, 0))
    try run.rows((1, 2, 15), (1, 2, 16), (1, 2, 17), (1, 2, 18), (1, 2, 19))
    #expect(run.takeRows() == ["+I 1 15 29 5 10"])
    try run.rows((1, 4, 9))
    #expect(run.takeRows() == ["-D 1 15 29 5 10", "+I 1 0 29 7 15"])
    // Of sessions that have not been told the counts are added: 2, 2, and the one that lies between.
    try run.rows((2, 1, 100), (2, 1, 101), (2, 1, 115))
    try run.rows((2, 1, 116))
    #expect(run.takeRows() == [])
    try run.rows((2, 1, 108))
    #expect(run.takeRows() == ["+I 2 100 126 5 5"])
    // Merging is no row of its own.
    try run.rows((3, 1, 100), (3, 1, 115), (3, 1, 130))
    try run.rows((3, 1, 108))
    #expect(run.takeRows() == [])
    try run.rows((3, 1, 123))
    #expect(run.takeRows() == ["+I 3 100 140 5 5"])
    // A told one that goes over to another which goes over to a third, in one batch.
    try run.rows((4, 1, 200), (4, 1, 215), (4, 1, 230), (4, 1, 230), (4, 1, 230), (4, 1, 230), (4, 1, 230))
    #expect(run.takeRows() == ["+I 4 230 240 5 5"])
    try run.rows((4, 1, 223), (4, 1, 208))
    #expect(run.takeRows() == ["-D 4 230 240 5 5", "+I 4 200 240 9 9"])
    try run.finish()
    #expect(run.takeRows() == [])
  }

  @Test(
    "a told session that another takes in is told anew at once, when it has not ended yet and when the clock triggers")
  func mergedAtOnce() throws {
    let late = try WindowRun(.session(.init(gap: 10)), lateness: 100, emission: .updating)
    try late.rows((1, 1, 0), (1, 2, 18))
    try late.watermark(10)
    #expect(late.takeRows() == ["+I 1 0 10 1 1"])
    try late.rows((1, 4, 36))
    // The session that goes on is the earlier one, which was told.
    try late.rows((1, 8, 9))
    try late.watermark(27)
    #expect(late.takeRows() == [])
    try late.watermark(28)
    #expect(late.takeRows() == ["-U 1 0 10 1 1", "+U 1 0 28 3 11"])
    try late.rows((1, 16, -9), (1, 32, -27))
    #expect(late.takeRows() == ["-U 1 0 28 3 11", "+U 1 -9 28 4 27", "+I 1 -27 -17 1 32"])
    // Now a told one goes over to an earlier one, by a row that also takes in one that has not ended.
    try late.rows((1, 64, 27), (1, 128, -18))
    #expect(late.takeRows() == ["-D 1 -9 28 4 27", "-U 1 -27 -17 1 32", "+U 1 -27 46 8 255"])

    let clocked = try WindowRun(.session(.init(gap: 10)), emission: .updating, trigger: .init(every: 1_000))
    try clocked.rows((1, 1, 18))
    try clocked.clock(1_000)
    #expect(clocked.takeRows() == ["+I 1 18 28 1 1"])
    try clocked.rows((1, 2, 0), (1, 4, 9))
    #expect(clocked.takeRows() == ["-D 1 18 28 1 1", "+I 1 0 28 3 7"])
    try clocked.finish()
    #expect(clocked.takeRows() == [])
  }

  @Test("materialised, the changelog is what final windows with that allowance say", arguments: [0, 1, 2, 3, 4])
  func materialised(_ kind: Int) throws {
    let assigners: [Plan.WindowAssigner] = [
      hundred, .sliding(.init(size: 200, slide: 50)), .cumulative(.init(size: 300, step: 100)), .session(.init(gap: 8)),
      .session(.init(gap: 40)),
    ]
    var random = SeededGenerator()
    for trigger: Plan.WindowTrigger? in [nil, .init(everyRows: 3), .init(every: 5), .init(everyRows: 4, every: 7)] {
      let final = try WindowRun(assigners[kind], lateness: 80)
      let updating = try WindowRun(assigners[kind], lateness: 80, emission: .updating, trigger: trigger)
      var table: [String: Int] = [:]
      func apply() {
        for row in updating.takeRows() {
          let content = String(row.dropFirst(3))
          let change = row.hasPrefix("+") ? 1 : -1
          table[content, default: 0] += change
          #expect(table[content] ?? 0 >= 0, "\(row) takes back what is not there, \(random)")
          if table[content] == 0 { table[content] = nil }
        }
      }
      var latest: Int64 = 0
      for step in 0..<120 {
        let rows = (0..<Int.random(in: 1...6, using: &random)).map { _ -> WindowRun.Row in
          latest += Int64.random(in: 0...6, using: &random)
          return (
            k: Int64.random(in: 0..<5, using: &random), v: Int64.random(in: 0..<100, using: &random),
            t: latest - Int64.random(in: 0...150, using: &random)
          )
        }
        for run in [final, updating] { try run.operation.process(WindowRun.batch(rows), input: 0, to: run) }
        try updating.clock(Int64(step))
        if step % 3 == 2 { for run in [final, updating] { try run.watermark(latest - 60) } }
        apply()
      }
      for run in [final, updating] { try run.finish() }
      apply()
      let expected = final.takeRows()
      #expect(table.values.allSatisfy { $0 == 1 })
      #expect(table.keys.sorted() == expected.sorted(), "trigger \(String(describing: trigger)), \(random)")
      #expect(final.metrics.counts.lateRowsDropped == updating.metrics.counts.lateRowsDropped)
    }
  }
}
