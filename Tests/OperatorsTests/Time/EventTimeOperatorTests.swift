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

  /// A source of splits in front of an operator, whose signals are kept.
  private struct SplitSource {
    let operation: EventTimeOperator
    let cursor: InputCursor
    let signals = Signals()

    func change(_ change: SplitChange) throws { if cursor.apply(change) { try operation.splitsChanged(to: signals) } }

    /// - Parameter read: for how long the source has been read, in microseconds; nil: as long as before.
    func gives(_ split: Int, _ batch: RecordBatch, read: Int64? = nil) throws {
      if let read { cursor.foundInput(read: read) }
      try change(.gives(SplitID(split)))
      try operation.process(batch, input: 0, to: signals)
    }

    /// What was told since the last call, but rows.
    func told() -> [Signals.Signal] {
      defer { signals.all = [] }
      return signals.all.filter { if case .rows = $0 { false } else { true } }
    }
  }

  private func splitSource() throws -> SplitSource {
    cursor.expectSplits()
    return SplitSource(
      operation: try make(Plan.EventTime(column: "ts", outOfOrderness: 0, idleTimeout: 100)), cursor: cursor)
  }

  @Test(
    "the slowest split of a source holds it back, one that has given nothing all, one that has ended or is idle nobody")
  func splits() throws {
    let source = try splitSource()
    try source.change(.begins(SplitID(1)))
    try source.change(.begins(SplitID(2)))
    try source.gives(1, batch([50]))
    #expect(source.told() == [])
    try source.gives(2, batch([20]))
    #expect(source.told() == [.watermark(20)])
    try source.gives(2, batch([60]))
    #expect(source.told() == [.watermark(50)])
    try source.change(.ends(SplitID(1)))
    #expect(source.told() == [.watermark(60)])
    // A new one that begins behind does not turn time back.
    try source.gives(3, batch([10]))
    #expect(source.told() == [])
    cursor.foundInput(read: 100)
    try source.gives(2, batch([90]))
    #expect(source.told() == [.watermark(90)], "split 3 gave nothing for so long")
    try source.gives(3, batch([91]))
    #expect(source.told() == [])
    try source.gives(2, batch([95]))
    #expect(source.told() == [.watermark(91)])
  }

  @Test(
    "a split is idle by the time in which its source was read, whether it has given rows or not, not by that of others")
  func splitIdleness() throws {
    let source = try splitSource()
    func wakes(at expected: Int64?) throws {
      #expect(source.operation.wakeTime == expected.map { ProcessingTime(microseconds: $0) })
      guard let time = source.operation.wakeTime else { return }
      manual.advance(to: time)
      try source.operation.wake(at: time, to: source.signals)
    }
    for split in 1...3 { try source.change(.begins(SplitID(split))) }
    // All that time its rows waited in front of the operator: the source was read for a moment only.
    manual.advance(to: ProcessingTime(microseconds: 1000))
    try source.gives(1, batch([50]), read: 10)
    #expect(source.told() == [])
    try source.gives(2, batch([20]), read: 60)
    try source.gives(1, batch([60]), read: 99)
    #expect(source.told() == [])
    try source.gives(1, batch([61]), read: 100)
    #expect(source.told() == [.watermark(20)], "split 3 never gave a row")
    try source.gives(1, batch([62]), read: 159)
    #expect(source.told() == [])
    // Nothing comes any more: split 2 is idle a moment later, split 1 with the whole source.
    cursor.foundNothing(at: ProcessingTime(microseconds: 2000))
    try wakes(at: 2001)
    #expect(source.told() == [.watermark(62)])
    try wakes(at: 2100)
    #expect(source.told() == [.idle])
    try wakes(at: nil)
    // Held back, it is read no longer.
    cursor.heldBack(at: ProcessingTime(microseconds: 2110))
    manual.advance(to: ProcessingTime(microseconds: 9000))
    try source.gives(3, batch([70]), read: 200)
    try source.gives(2, batch([80]), read: 300)
    try source.gives(1, batch([90]), read: 310)
    #expect(source.told() == [.watermark(70)])
    // In which order they end does not matter.
    for split in [1, 2, 3] { try source.change(.ends(SplitID(split))) }
    #expect(source.told() == [.watermark(90)])
  }

  @Test("sources of a group are kept in step")
  func alignment() throws {
    let made = try make(
      Plan.EventTime(column: "ts", outOfOrderness: 0, alignment: .init(group: "g", maxDrift: 7)))
    #expect(made.alignment == WatermarkAlignment(group: "g", maxDrift: 7))
    #expect(try make(Plan.EventTime(column: "ts", outOfOrderness: 0)).alignment == nil)
  }
}
