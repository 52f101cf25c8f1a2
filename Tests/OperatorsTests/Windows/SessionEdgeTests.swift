import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Edges of sessions")
struct SessionEdgeTests {
  private let ten = Plan.WindowAssigner.session(.init(gap: 10))

  @Test("a row exactly a gap behind the last one begins a session, one a microsecond before goes on with it")
  func borders() throws {
    let run = try WindowRun(ten)
    try run.rows((1, 1, 0), (1, 2, 9), (1, 4, 19), (2, 8, 0), (2, 16, 10))
    try run.finish()
    #expect(run.takeRows().sorted() == ["1 0 19 2 3", "1 19 29 1 4", "2 0 10 1 8", "2 10 20 1 16"])
  }

  @Test("a row between sessions makes one of three, in one batch and over several")
  func merging() throws {
    let run = try WindowRun(ten, late: .route)
    try run.rows((1, 1, 0), (1, 2, 18), (1, 4, 36))
    try run.rows((1, 8, 9), (1, 16, 27))
    try run.watermark(45)
    #expect(run.takeRows() == [])
    try run.watermark(46)
    #expect(run.takeRows() == ["1 0 46 5 31"])
    try run.rows((1, 1, 100), (1, 2, 118), (1, 4, 136), (2, 64, 140), (1, 16, 127), (1, 8, 109))
    try run.finish()
    #expect(run.takeRows() == ["1 100 146 5 31", "2 140 150 1 64"])
  }

  @Test("the earliest of the sessions that become one takes in the others")
  func orderedMerge() throws {
    let run = try WindowRun(
      ten, calls: [Plan.AggregateCall(function: "collect", argument: .column("v"), name: "all")])
    try run.rows((1, 3, 40), (1, 1, 0), (1, 2, 20))
    // The later two become one first, and that is taken in by the earliest.
    try run.rows((1, 8, 30 + 1), (1, 7, 29), (1, 9, 9), (1, 6, 15))
    try run.finish()
    #expect(run.takeRows() == ["1 0 50 [1, 9, 6, 2, 7, 3, 8]"])
  }

  @Test("times before 1970 and at the end of the year 9999, and null keys")
  func extremes() throws {
    let run = try WindowRun(ten)
    try run.rows((nil, 1, -5), (nil, 2, 4), (1, 4, 253_402_300_799_999_999), (1, 8, -253_402_300_799_999_999))
    try run.finish()
    #expect(
      run.takeRows().sorted() == [
        "1 -253402300799999999 -253402300799999989 1 8", "1 253402300799999999 253402300800000009 1 4",
        "null -5 14 2 3",
      ])
    for time in [Int64.min, .max] { #expect(throws: PaneSplit.beyond) { try run.rows((1, 1, time)) } }
  }

  @Test("a late row goes on with a session that is open, and is late when it would make a closed one of its own")
  func late() throws {
    let run = try WindowRun(ten, late: .route)
    try run.rows((1, 1, 95), (1, 2, 104))
    try run.watermark(105)
    try run.rows((1, 4, 90), (2, 8, 95), (2, 16, 96), (3, 32, 80))
    #expect(run.takeRows(1) == ["2 8 95", "3 32 80"])
    try run.finish()
    #expect(run.takeRows().sorted() == ["1 90 114 3 7", "2 96 106 1 16"])
    #expect(run.metrics.counts.lateRowsRouted == 2)
  }

  @Test("the allowed lateness keeps a session open")
  func lateness() throws {
    let run = try WindowRun(ten, lateness: 100)
    try run.rows((1, 1, 0))
    try run.watermark(109)
    try run.rows((1, 2, 9))
    try run.watermark(110)
    #expect(run.takeRows() == [])
    try run.watermark(118)
    #expect(run.takeRows() == [])
    try run.watermark(119)
    #expect(run.takeRows() == ["1 0 19 2 3"])
    try run.rows((1, 4, 9))
    #expect(run.metrics.counts.lateRowsDropped == 1)
  }

  @Test("on the processing clock a session ends when nothing has come for the gap")
  func processing() throws {
    let run = try WindowRun(ten, time: .processing)
    try run.clock(1_000)
    try run.rows((1, 1, 5), (2, 2, -7))
    try run.clock(1_009)
    try run.rows((1, 4, 0))
    try run.clock(1_010)
    #expect(run.takeRows() == ["2 1000 1010 1 2"])
    try run.clock(1_018)
    #expect(run.takeRows() == [])
    try run.clock(1_019)
    #expect(run.takeRows() == ["1 1000 1019 2 5"])
  }

  @Test("times whose sessions could wait for late rows beyond the end of what 64 bits hold are refused")
  func latenessBeyond() throws {
    let (second, hour): (Int64, Int64) = (1_000_000, 3_600_000_000)
    for emission: Plan.WindowEmission in [.final, .updating] {
      let run = try WindowRun(.session(.init(gap: second)), lateness: hour, emission: emission)
      #expect(throws: PaneSplit.beyond) { try run.rows((1, 1, .max - 10 * second)) }
      let start = Int64.max - hour - 10 * second
      try run.rows((1, 2, start))
      try run.watermark(start + second)
      try run.finish()
      #expect(run.takeRows().map { $0.suffix(4) } == [" 1 2"])
    }
  }

  @Test("sessions that come and go take and give back slots, keys and memory")
  func churn() throws {
    var random = SeededGenerator()
    let run = try WindowRun(ten, late: .route)
    var open: [Int64: (first: Int64, last: Int64, n: Int64, s: Int64)] = [:]
    var expected: [String] = []
    var found: [String] = []
    func close(_ time: Int64) {
      for (key, session) in open where session.last + 10 <= time {
        expected.append("\(key) \(session.first) \(session.last + 10) \(session.n) \(session.s)")
        open[key] = nil
      }
    }
    for step in 0..<400 {
      let time = Int64(step) * 3
      let rows = (0..<20).map { _ in
        (k: Int64.random(in: 0..<60, using: &random) as Int64?, v: Int64.random(in: 0..<9, using: &random), t: time)
      }
      try run.operation.process(WindowRun.batch(rows), input: 0, to: run)
      for row in rows {
        let key = row.k ?? 0
        if let session = open[key], row.t >= session.last + 10 {
          open[key] = nil
          expected.append("\(key) \(session.first) \(session.last + 10) \(session.n) \(session.s)")
        }
        let session = open[key] ?? (row.t, row.t, 0, 0)
        open[key] = (session.first, row.t, session.n + 1, session.s + row.v)
      }
      if step % 5 == 4 {
        try run.watermark(time)
        close(time)
        found += run.takeRows()
      }
    }
    try run.finish()
    close(.max - 10)
    found += run.takeRows()
    #expect(found.sorted() == expected.sorted(), "\(random)")
  }
}
