import Base
import Dataflow
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Joins in event time")
struct TimedJoinOperatorTests {
  private func interval(
    _ kind: Plan.JoinKind, _ lower: Int64, _ upper: Int64, condition: Expression? = nil
  ) throws(Failure) -> JoinRun {
    try JoinRun(
      Plan.Join(kind: kind, bounds: .interval(.init(lower: lower, upper: upper)), condition: condition), hasTimes: true)
  }

  private func window(_ kind: Plan.JoinKind, _ assigner: Plan.WindowAssigner, inputs: Int = 2) throws(Failure)
    -> JoinRun
  {
    try JoinRun(
      Plan.Join(kind: kind, bounds: .window(.init(assigner: assigner))), inputs: inputs, hasTimes: true,
      hasWindows: true)
  }

  @Test("have both ends of the interval in it")
  func borders() throws {
    let run = try interval(.inner, -5, 10)
    try run.rows(0, (1, 0, 100))
    try run.rows(1, (1, 1, 94), (1, 2, 95), (1, 3, 110), (1, 4, 111))
    #expect(run.takeRows() == ["1 0 100 2 95", "1 0 100 3 110"])
    let other = try interval(.inner, -5, 10)
    try other.rows(1, (1, 1, 94), (1, 2, 95), (1, 3, 110), (1, 4, 111))
    try other.rows(0, (1, 0, 100))
    #expect(other.takeRows() == ["1 0 100 2 95", "1 0 100 3 110"])
  }

  @Test("keep a row exactly as long as a partner can come, and tell then that there was none")
  func alone() throws {
    let run = try interval(.full, -5, 10)
    try run.rows(0, (1, 0, 100), (nil, 1, 100))
    #expect(run.takeRows() == ["null 1 100 null null"])
    try run.watermark(110)
    #expect(run.takeRows() == [])
    try run.rows(1, (1, 2, 110))
    #expect(run.takeRows() == ["1 0 100 2 110"])
    try run.watermark(111)
    #expect(run.takeRows() == [])
    // A partner of 110 is from 100 to 115, so the watermark has to say 116.
    try run.rows(1, (2, 3, 111))
    try run.watermark(116)
    #expect(run.takeRows() == [])
    try run.watermark(117)
    #expect(run.takeRows() == ["2 null null 3 111"])
    try run.rows(0, (3, 4, 117))
    try run.finish()
    #expect(run.takeRows() == ["3 4 117 null null"])
    #expect(run.metrics.counts.lateRowsDropped == 0)
  }

  @Test("count rows behind the watermark, and take one that is exactly on it")
  func late() throws {
    let run = try interval(.left, 0, 10)
    try run.rows(1, (1, 1, 100))
    try run.watermark(100)
    try run.rows(0, (1, 0, 99), (1, 1, 100), (nil, 2, 98))
    #expect(run.takeRows() == ["1 1 100 1 100"])
    #expect(run.metrics.counts.lateRowsDropped == 2)
  }

  @Test("hold the watermark back as far as a pair's event time may be behind it")
  func watermarks() throws {
    let left = try interval(.inner, -5, 10)
    #expect(left.operation.makesWatermarks)
    try left.watermark(100)
    #expect(left.watermarks == [90])
    try left.operation.inputBecame(idle: true, to: left)
    #expect(left.idleCount == 1)
    try left.operation.inputBecame(idle: false, to: left)
    #expect(left.watermarks == [90, .min] && left.idleCount == 1, "any watermark says that it is active")
    let right = try interval(.right, -5, 10)
    try right.watermark(100)
    #expect(right.watermarks == [95])
    let behind = try interval(.inner, -20, -10)
    #expect(!behind.operation.makesWatermarks)
  }

  @Test("take times near the ends of what microseconds can say")
  func farAway() throws {
    let run = try interval(.full, -10, 10)
    try run.rows(0, (1, 0, .min + 1), (1, 1, .max - 1))
    try run.rows(1, (1, 2, .min + 5), (1, 3, .max - 5))
    #expect(
      run.takeRows().sorted() == ["1 0 \(Int64.min + 1) 2 \(Int64.min + 5)", "1 1 \(Int64.max - 1) 3 \(Int64.max - 5)"])
    try run.finish()
    #expect(run.takeRows() == [])
  }

  @Test("on intervals give what a search through all rows gives, with late rows", arguments: Plan.JoinKind.allCases)
  func reference(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    for (lower, upper) in [(-15, 15), (0, 40), (5, 20), (-30, -5)] as [(Int64, Int64)] {
      let run = try interval(kind, lower, upper, condition: .call("less_than", [.column("v0"), .column("v1")]))
      var kept: [[JoinRun.Row]] = [[], []]
      var (watermark, lateCount) = (Int64.min, 0)
      for step in 0..<150 {
        let input = Int.random(in: 0...1, using: &random)
        let rows = (0..<Int.random(in: 1...8, using: &random)).map { _ -> JoinRun.Row in
          let key = Int64.random(in: -1...3, using: &random)
          let time = Int64(step * 3) + Int64.random(in: -25...10, using: &random)
          return (key < 0 ? nil : key, Int64.random(in: 0...9, using: &random), time)
        }
        try run.process(rows, input)
        kept[input] += rows.filter { $0.t >= watermark }
        lateCount += rows.filter { $0.t < watermark }.count
        if Int.random(in: 0...3, using: &random) == 0 {
          watermark = max(watermark, Int64(step * 3 - 12))
          try run.watermark(watermark)
        }
      }
      try run.finish()
      #expect(
        run.takeRows().sorted() == Self.joined(kind, kept) { $1.t - $0.t >= lower && $1.t - $0.t <= upper },
        "\(lower)...\(upper), \(random)")
      #expect(run.metrics.counts.lateRowsDropped == lateCount, "\(random)")
      #expect(lateCount > 0)
    }
  }

  /// All pairs of a key, and the rows that have none.
  static func joined(
    _ kind: Plan.JoinKind, _ rows: [[JoinRun.Row]], hasCondition: Bool = true,
    _ isNear: (JoinRun.Row, JoinRun.Row) -> Bool
  ) -> [String] {
    func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }
    func text(_ left: JoinRun.Row?, _ right: JoinRun.Row?) -> String {
      let row = "\(number(left?.k ?? right?.k)) \(number(left?.v)) \(number(left?.t))"
      return kind == .semi || kind == .anti ? row : row + " \(number(right?.v)) \(number(right?.t))"
    }
    var result: [String] = []
    var partnered = Set<Int>()
    for left in rows[0] {
      let found = rows[1].indices.filter { index in
        let right = rows[1][index]
        return left.k != nil && left.k == right.k && isNear(left, right)
          && (!hasCondition || (left.v ?? 0) < (right.v ?? 0))
      }
      partnered.formUnion(found)
      switch kind {
      case .semi: if !found.isEmpty { result.append(text(left, nil)) }
      case .anti: if found.isEmpty { result.append(text(left, nil)) }
      default:
        result += found.map { text(left, rows[1][$0]) }
        if found.isEmpty, kind == .left || kind == .full { result.append(text(left, nil)) }
      }
    }
    if kind == .right || kind == .full {
      result += rows[1].indices.filter { !partnered.contains($0) }.map { text(nil, rows[1][$0]) }
    }
    return result.sorted()
  }

  @Test("on windows tell a window when the watermark is at its end, and not before")
  func windowEnd() throws {
    let run = try window(.left, .tumbling(.init(size: 10)))
    try run.rows(0, (1, 0, 9), (1, 1, 10), (2, 2, -1))
    try run.rows(1, (1, 3, 0))
    try run.watermark(9)
    #expect(run.takeRows() == ["2 2 -1 null null -10 0"])
    try run.watermark(10)
    #expect(run.takeRows() == ["1 0 9 3 0 0 10"])
    try run.rows(0, (1, 4, 9), (1, 5, 11))
    #expect(run.metrics.counts.lateRowsDropped == 1)
    try run.rows(1, (1, 6, 19))
    try run.finish()
    #expect(run.takeRows().sorted() == ["1 1 10 6 19 10 20", "1 5 11 6 19 10 20"])
  }

  @Test("on sliding windows give a pair in each window that has both, and drop a row when its last window is told")
  func sliding() throws {
    let run = try window(.inner, .sliding(.init(size: 10, slide: 5)))
    try run.rows(0, (1, 0, 7))
    try run.rows(1, (1, 1, 4), (1, 2, 12))
    try run.watermark(10)
    #expect(run.takeRows() == ["1 0 7 1 4 0 10"])
    // Late for its first window, in time for its second.
    try run.rows(1, (1, 3, 6), (1, 4, 3))
    #expect(run.metrics.counts.lateRowsDropped == 1)
    try run.watermark(15)
    #expect(run.takeRows().sorted() == ["1 0 7 2 12 5 15", "1 0 7 3 6 5 15"])
    try run.finish()
    #expect(run.takeRows() == [])
  }

  @Test("on sessions of all streams: a row exactly the gap after the last one begins a new session")
  func sessions() throws {
    let run = try window(.full, .session(.init(gap: 10)))
    try run.rows(0, (1, 0, 0), (1, 1, 18), (1, 2, 28))
    try run.rows(1, (1, 3, 9), (3, 7, 25))
    try run.watermark(27)
    #expect(run.takeRows() == [])
    try run.watermark(28)
    #expect(run.takeRows().sorted() == ["1 0 0 3 9 0 28", "1 1 18 3 9 0 28"])
    try run.rows(1, (1, 4, 18), (2, 6, 18))
    try run.rows(1, (1, 5, 19))
    #expect(run.metrics.counts.lateRowsDropped == 2)
    // Alone its session would have ended; it belongs to one that is open.
    try run.rows(0, (3, 8, 17))
    #expect(run.metrics.counts.lateRowsDropped == 2)
    try run.finish()
    #expect(run.takeRows().sorted() == ["1 2 28 5 19 19 38", "3 8 17 7 25 17 35"])
  }

  @Test("on windows that leave gaps do not keep a row that is in none, and do not call it late either")
  func gaps() throws {
    let run = try window(.left, .sliding(.init(size: 15, slide: 25)))
    let operation = try #require(run.operation as? any StatefulOperator)
    operation.trackChanges()
    try run.rows(0, (1, 0, -3), (nil, 1, 20))
    try run.rows(1, (1, 2, 24))
    var changes = StateChanges()
    try operation.takeChanges(into: &changes)
    let rowTables = operation.stateTables.count - 1
    for part in changes.parts {
      if case .put(let entries, let table) = part, table < rowTables { Issue.record("kept: \(entries)") }
    }
    #expect(run.metrics.counts.lateRowsDropped == 0)
    try run.rows(0, (1, 3, 25), (1, 4, 40))
    try run.watermark(40)
    #expect(run.takeRows() == ["1 3 25 null null 25 40"])
    try run.rows(0, (1, 5, 20))
    #expect(run.metrics.counts.lateRowsDropped == 1)
    try run.finish()
    #expect(run.takeRows() == [])
  }

  @Test("of three streams on one window give every combination, and nothing where one has no row")
  func three() throws {
    let run = try window(.inner, .tumbling(.init(size: 10)), inputs: 3)
    try run.rows(0, (1, 0, 1), (2, 1, 1), (nil, 9, 1))
    try run.rows(1, (1, 2, 2), (1, 3, 3), (2, 4, 3), (nil, 9, 1))
    try run.rows(2, (1, 5, 4), (1, 6, 14), (nil, 9, 1))
    try run.finish()
    #expect(run.takeRows() == ["1 0 1 2 2 5 4 0 10", "1 0 1 3 3 5 4 0 10"])
  }
}
