import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Edges of windows at fixed places")
struct WindowEdgeTests {
  private let hundred = Plan.WindowAssigner.tumbling(.init(size: 100))

  @Test("a row on a border is of the window that begins there, and a watermark on it closes the one that ends there")
  func borders() throws {
    let run = try WindowRun(hundred)
    try run.rows((1, 1, 0), (1, 2, 99), (1, 4, 100), (1, 8, 199), (1, 16, 200))
    try run.watermark(99)
    #expect(run.takeRows() == [])
    try run.watermark(100)
    #expect(run.takeRows() == ["1 0 100 2 3"])
    try run.watermark(200)
    #expect(run.takeRows() == ["1 100 200 2 12"])
    try run.finish()
    #expect(run.takeRows() == ["1 200 300 1 16"])
  }

  @Test(
    "windows that wait for late rows are idle when their input is, and active with it",
    arguments: [Plan.WindowAssigner.tumbling(.init(size: 100)), .session(.init(gap: 100))])
  func idleInput(_ assigner: Plan.WindowAssigner) throws {
    let run = try WindowRun(assigner, lateness: 50)
    try run.rows((1, 1, 0))
    try run.watermark(120)
    #expect(run.takeSignals() == ["w70"])
    try run.operation.inputBecame(idle: true, to: run)
    #expect(run.takeSignals() == ["idle"])
    try run.operation.inputBecame(idle: false, to: run)
    #expect(run.takeSignals() == ["w\(Int64.min)"])
  }

  @Test("times before 1970 are rounded down")
  func negative() throws {
    let run = try WindowRun(.tumbling(.init(size: 100, offset: 30)))
    try run.rows((1, 1, -70), (1, 2, -71), (1, 4, -1), (1, 8, 29), (1, 16, 30), (1, 32, -100_000_000_000_000))
    try run.finish()
    #expect(
      run.takeRows() == [
        "1 -100000000000070 -99999999999970 1 32", "1 -170 -70 1 2", "1 -70 30 3 13", "1 30 130 1 16",
      ])
  }

  @Test("the last day of the year 9999 has a window")
  func year9999() throws {
    let run = try WindowRun(.tumbling(.init(size: 86_400_000_000)))
    try run.rows((1, 1, 253_402_300_799_999_999))
    try run.finish()
    #expect(run.takeRows() == ["1 253402214400000000 253402300800000000 1 1"])
  }

  @Test("a time at the very end of what 64 bits hold is refused")
  func beyond() throws {
    for time in [Int64.min, .min + 300, .max - 300, .max] {
      let run = try WindowRun(hundred)
      #expect(throws: PaneSplit.beyond) { try run.rows((1, 1, time)) }
    }
  }

  @Test("a null key is a key")
  func nullKey() throws {
    let run = try WindowRun(hundred)
    try run.rows((nil, 1, 5), (1, 2, 6), (nil, 4, 7))
    try run.finish()
    #expect(run.takeRows().sorted() == ["1 0 100 1 2", "null 0 100 2 5"])
  }

  @Test("a row is late for a window when the watermark has reached its end and the allowed lateness, and not before")
  func late() throws {
    let run = try WindowRun(hundred, lateness: 50, late: .route)
    try run.rows((1, 1, 10))
    try run.watermark(149)
    #expect(run.takeRows() == [], "the window waits for late rows")
    try run.rows((1, 2, 20))
    try run.watermark(150)
    #expect(run.takeRows() == ["1 0 100 2 3"])
    try run.rows((1, 4, 99), (1, 8, 100), (2, 16, 30))
    #expect(run.takeRows(1) == ["1 4 99", "2 16 30"])
    #expect(run.metrics.counts.lateRowsRouted == 2)
    #expect(run.metrics.counts.lateRowsDropped == 0)
    try run.finish()
    #expect(run.takeRows() == ["1 100 200 1 8"])
  }

  @Test("late rows are counted where they are dropped")
  func dropped() throws {
    let run = try WindowRun(hundred)
    try run.watermark(1_000)
    try run.rows((1, 1, 899), (1, 2, 900), (1, 4, 1_000))
    #expect(run.metrics.counts.lateRowsDropped == 2)
    try run.finish()
    #expect(run.takeRows() == ["1 1000 1100 1 4"])
  }

  @Test("a watermark that regresses changes nothing")
  func regress() throws {
    let run = try WindowRun(hundred)
    try run.watermark(500)
    try run.watermark(-500)
    try run.rows((1, 1, 399), (1, 2, 450), (1, 4, 500))
    #expect(run.metrics.counts.lateRowsDropped == 2)
    try run.watermark(500)
    try run.watermark(.min)
    #expect(run.takeRows() == [])
    try run.finish()
    #expect(run.takeRows() == ["1 500 600 1 4"])
  }

  @Test("a late row is of those sliding windows that are open")
  func lateSliding() throws {
    let run = try WindowRun(.sliding(.init(size: 300, slide: 100)), late: .route)
    try run.rows((1, 1, 10), (2, 1, 110))
    try run.watermark(100)
    #expect(run.takeRows() == ["1 -200 100 1 1"])
    // Of the pane 0 to 100, which is merged, and of a key that it has, and of one that it has not.
    try run.rows((1, 2, 20), (3, 4, 30))
    try run.watermark(200)
    #expect(run.takeRows().sorted() == ["1 -100 200 2 3", "2 -100 200 1 1", "3 -100 200 1 4"])
    try run.rows((3, 8, 40), (1, 16, 150))
    try run.watermark(300)
    #expect(run.takeRows().sorted() == ["1 0 300 3 19", "2 0 300 1 1", "3 0 300 2 12"])
    try run.rows((1, 32, 99), (1, 64, 100))
    #expect(run.takeRows(1) == ["1 32 99"])
    try run.finish()
    // The row at 100 is of the windows that begin at 100 only, as that from 0 on has closed.
    #expect(run.takeRows().sorted() == ["1 100 400 2 80", "2 100 400 1 1"])
  }

  @Test("what windows take is given back when they are closed")
  func memory() throws {
    for assigner: Plan.WindowAssigner in [
      hundred, .sliding(.init(size: 300, slide: 100)), .cumulative(.init(size: 300, step: 100)),
      .session(.init(gap: 100)),
    ] {
      let run = try WindowRun(assigner)
      try run.rows((1, 1, 0))
      try run.watermark(10_000)
      let empty = run.memory.usedBytes
      for round in 1...3 {
        let start = Int64(round) * 100_000
        for part in 0..<20 {
          try run.operation.process(
            WindowRun.batch((0..<5_000).map { (k: Int64(part * 5_000 + $0), v: 1, t: start + Int64($0 % 50)) }),
            input: 0,
            to: run)
        }
        let full = run.memory.usedBytes
        #expect(full > 100_000 * 16, "\(assigner)")
        try run.watermark(start + 50_000)
        #expect(Set(run.takeRows().map { $0.split(separator: " ")[0] }).count == 100_000, "\(assigner)")
        // What is kept is used again: a pane of each size at the most.
        #expect(run.memory.usedBytes <= full, "\(assigner)")
        // A window of few keys finds that the memory is much too large.
        try run.rows((1, 1, start + 60_000))
        try run.watermark(start + 70_000)
        try run.rows((1, 1, start + 80_000))
        try run.watermark(start + 90_000)
        #expect(
          run.memory.usedBytes <= 4 * empty + (3 << 20), "\(assigner): \(run.memory.usedBytes), and \(empty) at first")
        _ = run.takeRows()
      }
    }
  }

  @Test("windows of whole days follow the clocks of a zone: days of 23, 24 and 25 hours")
  func days() throws {
    let hour: Int64 = 3_600_000_000
    // Europe/Berlin: 2024-03-31 has 23 hours, 2024-10-27 has 25.
    let spring: Int64 = 1_711_839_600_000_000  // 2024-03-31T00:00+01:00
    let autumn: Int64 = 1_729_980_000_000_000  // 2024-10-27T00:00+02:00
    let run = try WindowRun(.tumbling(.init(size: 24 * hour, zone: "Europe/Berlin")))
    try run.rows(
      (1, 1, spring - 1), (1, 2, spring), (1, 4, spring + 23 * hour - 1), (1, 8, spring + 23 * hour), (1, 16, autumn),
      (1, 32, autumn + 25 * hour - 1), (1, 64, autumn + 25 * hour))
    try run.finish()
    #expect(
      run.takeRows() == [
        "1 \(spring - 24 * hour) \(spring) 1 1", "1 \(spring) \(spring + 23 * hour) 2 6",
        "1 \(spring + 23 * hour) \(spring + 47 * hour) 1 8", "1 \(autumn) \(autumn + 25 * hour) 2 48",
        "1 \(autumn + 25 * hour) \(autumn + 49 * hour) 1 64",
      ])
  }
}
