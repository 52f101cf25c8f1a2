import Arrow
import Base
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

/// Keeps what an operator emits and says of its watermark, in order.
private final class Signals: Collector {
  enum Signal: Equatable {
    case rows([Int64?], output: Int)
    case watermark(Int64)
    case idle
  }

  var all: [Signal] = []

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    if batch.rowCount == 0 { return }
    let ids = batch.compactedColumn(0)
    all.append(.rows((0..<ids.length).map { ids.isValid($0) ? ids.values(Int64.self)[$0] : nil }, output: output))
  }
  func advance(to time: EventTime) { all.append(.watermark(time.microseconds)) }
  func becomeIdle() { all.append(.idle) }
}

@Suite("Event time")
struct EventTimeOperatorTests {
  private let manual = ManualClock()
  private let cursor = InputCursor()

  private func schema(_ unit: TimeUnit = .microsecond) -> Schema {
    Schema([Field("id", .int64), Field("ts", .timestamp(unit, timezone: nil))])
  }

  private func batch(_ times: [Int64?], unit: TimeUnit = .microsecond) throws -> RecordBatch {
    let ids = FixedBuilder<Int64>(.int64)
    let stamps = FixedBuilder<Int64>(.timestamp(unit, timezone: nil))
    for (row, time) in times.enumerated() {
      ids.append(Int64(row))
      if let time { stamps.append(time) } else { stamps.appendNull() }
    }
    return RecordBatch(schema: schema(unit), columns: [ids.finish(), stamps.finish()], length: times.count)
  }

  private func make(_ spec: Plan.EventTime, unit: TimeUnit = .microsecond) throws(Failure) -> EventTimeOperator {
    var fields = schema(unit).fields
    fields[1].nullable = false
    let made = EventTimeOperator(
      spec, input: schema(unit), output: Schema(fields),
      in: SubtaskContext(
        id: SubtaskID(task: 0, index: 0), parallelism: 1, clock: SubtaskClock(.manual(manual)), input: cursor))
    try made.open()
    return made
  }

  @Test("the watermark is the latest time less the disorder, behind the rows, and never goes back")
  func watermarks() throws {
    let made = try make(Plan.EventTime(column: "ts", outOfOrderness: 10))
    let signals = Signals()
    try made.process(batch([100, 90]), input: 0, to: signals)
    try made.process(batch([95]), input: 0, to: signals)
    try made.process(batch([101, 200]), input: 0, to: signals)
    #expect(
      signals.all == [
        .rows([0, 1], output: 0), .watermark(90), .rows([0], output: 0), .rows([0, 1], output: 0), .watermark(190),
      ])
    #expect(made.makesWatermarks)
  }

  @Test("times before 1970, at the ends of 64 bits and of other units")
  func extremes() throws {
    for (unit, time, expected) in [
      (TimeUnit.nanosecond, Int64(-1), Int64(-1)), (.nanosecond, -1001, -2), (.nanosecond, 1999, 1),
      (.millisecond, -5, -5000), (.second, 253_402_300_799, 253_402_300_799_000_000),
    ] {
      let signals = Signals()
      try make(Plan.EventTime(column: "ts", outOfOrderness: 0), unit: unit)
        .process(batch([time], unit: unit), input: 0, to: signals)
      #expect(signals.all == [.rows([0], output: 0), .watermark(expected)], "\(time) \(unit)")
    }
    let signals = Signals()
    let made = try make(Plan.EventTime(column: "ts", outOfOrderness: 5))
    // There is no time so far before the first that there is: no watermark yet.
    try made.process(batch([.min, .min + 4]), input: 0, to: signals)
    try made.process(batch([.max]), input: 0, to: signals)
    #expect(signals.all == [.rows([0, 1], output: 0), .rows([0], output: 0), .watermark(.max - 5)])
    #expect(throws: Failure.self) {
      try make(Plan.EventTime(column: "ts", outOfOrderness: 0), unit: .second)
        .process(batch([.max / 1000], unit: .second), input: 0, to: Signals())
    }
  }

  @Test("a row without a time stops the job and is shown, or goes to an output of its own")
  func undated() throws {
    let stopping = try make(Plan.EventTime(column: "ts", outOfOrderness: 0))
    do throws(Failure) {
      try stopping.process(try! batch([5, nil]), input: 0, to: Signals())
      Issue.record("the row was taken")
    } catch {
      #expect(
        error.message
          == "the event time 'ts' is null in the row (id: 1, ts: null); correct it, filter such rows out before, or give "
          + "eventTime an 'undated' stream for them")
    }
    let routing = try make(Plan.EventTime(column: "ts", outOfOrderness: 0, undated: .route))
    let signals = Signals()
    try routing.process(batch([nil, 7, nil, 3]), input: 0, to: signals)
    try routing.process(batch([nil]), input: 0, to: signals)
    #expect(
      signals.all == [
        .rows([0, 2], output: 1), .rows([1, 3], output: 0), .watermark(7), .rows([0], output: 1),
      ])
  }

  @Test("a selection of rows is what counts")
  func selection() throws {
    let made = try make(Plan.EventTime(column: "ts", outOfOrderness: 0))
    let signals = Signals()
    try made.process(batch([5, nil, 100]).selecting(Selection([0])), input: 0, to: signals)
    #expect(signals.all == [.rows([0], output: 0), .watermark(5)])
  }

  @Test("who was looked at for so long and had nothing is idle, once, until a row comes")
  func idle() throws {
    let made = try make(Plan.EventTime(column: "ts", outOfOrderness: 0, idleTimeout: 100))
    let signals = Signals()
    #expect(made.wakeTime == nil, "nobody has looked yet")
    cursor.foundNothing(at: ProcessingTime(microseconds: 0))
    #expect(made.wakeTime == ProcessingTime(microseconds: 100))
    try made.wake(at: ProcessingTime(microseconds: 100), to: signals)
    #expect(made.wakeTime == nil)
    cursor.foundInput()
    try made.process(batch([5]), input: 0, to: signals)
    #expect(made.wakeTime == nil)
    cursor.foundNothing(at: ProcessingTime(microseconds: 150))
    #expect(made.wakeTime == ProcessingTime(microseconds: 250))
    #expect(signals.all == [.idle, .rows([0], output: 0), .watermark(5)])
    #expect(try make(Plan.EventTime(column: "ts", outOfOrderness: 0)).wakeTime == nil)
  }

  @Test(
    "the slowest split of a source holds it back, one that has given nothing all, one that has ended or is idle nobody")
  func splits() throws {
    let made = try make(Plan.EventTime(column: "ts", outOfOrderness: 0, idleTimeout: 100))
    let signals = Signals()
    cursor.expectSplits()
    func change(_ change: SplitChange) throws { if cursor.apply(change) { try made.splitsChanged(to: signals) } }
    func rows(_ split: Int, _ time: Int64) throws {
      try change(.gives(SplitID(split)))
      try made.process(batch([time]), input: 0, to: signals)
    }
    func watermarks() -> [Int64] {
      defer { signals.all = [] }
      return signals.all.compactMap { if case .watermark(let time) = $0 { time } else { nil } }
    }
    try change(.begins(SplitID(1)))
    try change(.begins(SplitID(2)))
    try rows(1, 50)
    #expect(watermarks() == [])
    try rows(2, 20)
    #expect(watermarks() == [20])
    try rows(2, 60)
    #expect(watermarks() == [50])
    try change(.ends(SplitID(1)))
    #expect(watermarks() == [60])
    // A new one that begins behind does not turn time back.
    try rows(3, 10)
    #expect(watermarks() == [])
    cursor.foundInput(read: 100)
    try rows(2, 90)
    #expect(watermarks() == [90], "split 3 gave nothing for so long")
    try rows(3, 91)
    #expect(watermarks() == [])
    try rows(2, 95)
    #expect(watermarks() == [91])
  }

  @Test(
    "a split is idle by the time in which its source was read, whether it has given rows or not, not by that of others")
  func splitIdleness() throws {
    let made = try make(Plan.EventTime(column: "ts", outOfOrderness: 0, idleTimeout: 100))
    let signals = Signals()
    cursor.expectSplits()
    func change(_ change: SplitChange) throws { if cursor.apply(change) { try made.splitsChanged(to: signals) } }
    func rows(_ split: Int, _ time: Int64, read: Int64) throws {
      cursor.foundInput(read: read)
      try change(.gives(SplitID(split)))
      try made.process(batch([time]), input: 0, to: signals)
    }
    func told() -> [Signals.Signal] {
      defer { signals.all = [] }
      return signals.all.filter { if case .rows = $0 { false } else { true } }
    }
    func wakes(at expected: Int64?) throws {
      #expect(made.wakeTime == expected.map { ProcessingTime(microseconds: $0) })
      guard let time = made.wakeTime else { return }
      manual.advance(to: time)
      try made.wake(at: time, to: signals)
    }
    for split in 1...3 { try change(.begins(SplitID(split))) }
    // All that time its rows waited in front of the operator: the source was read for a moment only.
    manual.advance(to: ProcessingTime(microseconds: 1000))
    try rows(1, 50, read: 10)
    #expect(told() == [])
    try rows(2, 20, read: 60)
    try rows(1, 60, read: 99)
    #expect(told() == [])
    try rows(1, 61, read: 100)
    #expect(told() == [.watermark(20)], "split 3 never gave a row")
    try rows(1, 62, read: 159)
    #expect(told() == [])
    // Nothing comes any more: split 2 is idle a moment later, split 1 with the whole source.
    cursor.foundNothing(at: ProcessingTime(microseconds: 2000))
    try wakes(at: 2001)
    #expect(told() == [.watermark(62)])
    try wakes(at: 2100)
    #expect(told() == [.idle])
    try wakes(at: nil)
    // Held back, it is read no longer.
    cursor.heldBack(at: ProcessingTime(microseconds: 2110))
    manual.advance(to: ProcessingTime(microseconds: 9000))
    try rows(3, 70, read: 200)
    try rows(2, 80, read: 300)
    try rows(1, 90, read: 310)
    #expect(told() == [.watermark(70)])
    // In which order they end does not matter.
    for split in [1, 2, 3] { try change(.ends(SplitID(split))) }
    #expect(told() == [.watermark(90)])
  }

  @Test("sources of a group are kept in step")
  func alignment() throws {
    let made = try make(
      Plan.EventTime(column: "ts", outOfOrderness: 0, alignment: .init(group: "g", maxDrift: 7)))
    #expect(made.alignment == WatermarkAlignment(group: "g", maxDrift: 7))
    #expect(try make(Plan.EventTime(column: "ts", outOfOrderness: 0)).alignment == nil)
  }
}
