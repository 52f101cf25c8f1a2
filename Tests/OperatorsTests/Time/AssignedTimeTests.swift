import Arrow
import Base
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

/// `EventTimeOperator` with code that tells times and watermarks, split by split.
struct AssignedTimeTests {
  /// Times are ten times the ids; a negative id has none. Each split's watermark is its latest time less 5; asked from
  /// time to time, it is what `asked` says.
  private final class Code: WatermarkCode {
    var log: [String] = []
    var asked: [SplitID: Int64] = [:]
    func open() { log.append("open") }
    func close() { log.append("close") }
    func endSplit(_ split: SplitID) { log.append("end \(split.number)") }
    func assign(
      _ rows: RecordBatch, split: SplitID, at now: ProcessingTime, to times: UnsafeMutablePointer<Int64>
    ) -> Int64 {
      let ids = rows.columns[0].values(Int64.self)
      var latest = Int64.min
      for row in 0..<rows.length {
        times[row] = ids[row] < 0 ? .min : 10 * ids[row]
        latest = max(latest, times[row])
      }
      return latest == .min ? .min : latest - 5
    }
    func advance(split: SplitID, at now: ProcessingTime) -> Int64 {
      log.append("asked \(split.number) at \(now.microseconds)")
      return asked[split] ?? .min
    }
  }

  private final class Signals: Collector {
    var all: [String] = []
    func emit(_ batch: RecordBatch, output: Int) {
      if batch.rowCount == 0 { return }
      let rows = batch.compacted()
      let texts = (0..<rows.length).map { row in
        rows.columns.map { column in
          column.isValid(row) ? "\(column.values(Int64.self)[row])" : "null"
        }.joined(separator: ":")
      }
      all.append("\(output): \(texts.joined(separator: " "))")
    }
    func advance(to time: EventTime) { all.append("watermark \(time.microseconds)") }
    func becomeIdle() { all.append("idle") }
    func taken() -> [String] {
      defer { all = [] }
      return all
    }
  }

  private let manual = ManualClock()
  private let cursor = InputCursor()
  private let code = Code()
  private let signals = Signals()

  private func batch(_ ids: [Int64]) -> RecordBatch {
    let builder = FixedBuilder<Int64>(.int64)
    for id in ids { builder.append(id) }
    return RecordBatch(
      schema: Schema([Field("id", .int64, nullable: false)]), columns: [builder.finish()], length: ids.count)
  }

  private func make(
    _ column: String = "at", undated: Plan.UndatedRows = .route, period: Int64? = nil, idle: Int64? = nil
  ) throws(Failure) -> EventTimeOperator {
    let input = Schema([Field("id", .int64, nullable: false)])
    let made = EventTimeOperator(
      Plan.EventTime(
        column: column, outOfOrderness: 0, idleTimeout: idle, undated: undated,
        assigner: .init(function: "code", label: "code", columns: input.fields, period: period)),
      input: input, output: AssignedTimes.schema(column, input: input),
      assigned: AssignedTimes(code, rows: input, columns: [0], column: column, input: input),
      in: SubtaskContext(
        id: SubtaskID(task: 0, index: 0), parallelism: 1, clock: SubtaskClock(.manual(manual)), input: cursor))
    try made.open()
    return made
  }

  @Test("times are a new column, rows without one go to output 1, the watermark follows the rows")
  func rows() throws {
    let made = try make()
    try made.process(batch([3, -1, 1]), input: 0, to: signals)
    #expect(signals.taken() == ["1: -1", "0: 3:30 1:10", "watermark 25"])
    try made.process(batch([2]), input: 0, to: signals)
    try made.process(batch([-2]), input: 0, to: signals)
    #expect(signals.taken() == ["0: 2:20", "1: -2"])
    var selected = batch([7, 8, 9])
    selected = selected.selecting(Selection([0, 2]))
    try made.process(selected, input: 0, to: signals)
    #expect(signals.taken() == ["0: 7:70 9:90", "watermark 85"])
    try made.close()
    #expect(code.log == ["open", "close"])
  }

  @Test("times may take the place of a column; a row without one stops where none are wanted")
  func place() throws {
    let made = try make("id", undated: .stop)
    try made.process(batch([3]), input: 0, to: signals)
    #expect(signals.taken() == ["0: 30", "watermark 25"])
    let failure = #expect(throws: Failure.self) { try made.process(batch([1, -1]), input: 0, to: signals) }
    #expect(failure?.message.contains("the event time 'id' is null in the row (id: -1)") == true)
  }

  @Test("the watermark is the least of the splits', one that has said nothing holds it back, one that ends lets go")
  func splits() throws {
    cursor.expectSplits()
    let made = try make()
    for split in 1...2 where cursor.apply(.begins(SplitID(split))) { try made.splitsChanged(to: signals) }
    _ = cursor.apply(.gives(SplitID(1)))
    try made.process(batch([10]), input: 0, to: signals)
    #expect(signals.taken() == ["0: 10:100"])
    _ = cursor.apply(.gives(SplitID(2)))
    // It has given rows, and no time: nothing is known of it.
    try made.process(batch([-1]), input: 0, to: signals)
    #expect(signals.taken() == ["1: -1"])
    try made.process(batch([4]), input: 0, to: signals)
    #expect(signals.taken() == ["0: 4:40", "watermark 35"])
    _ = cursor.apply(.ends(SplitID(2)))
    try made.splitsChanged(to: signals)
    #expect(signals.taken() == ["watermark 95"])
    #expect(code.log == ["open", "end 2"])
  }

  @Test("the code is asked once a period after the first row, and an idle stream wakes by what it says")
  func periods() throws {
    let made = try make(period: 100, idle: 250)
    #expect(made.wakeTime == nil)
    try made.process(batch([1]), input: 0, to: signals)
    #expect(signals.taken() == ["0: 1:10", "watermark 5"])
    cursor.foundNothing(at: ProcessingTime(microseconds: 0))
    var times: [Int64] = []
    while let time = made.wakeTime, time.microseconds <= 600 {
      times.append(time.microseconds)
      manual.advance(to: time)
      if time.microseconds == 200 { code.asked[SplitID(0)] = 50 }
      if time.microseconds == 600 { code.asked[SplitID(0)] = 60 }
      try made.wake(at: time, to: signals)
    }
    #expect(times == [100, 200, 300, 400, 450, 500, 600])
    #expect(signals.taken() == ["watermark 50", "idle", "watermark 60"])
    #expect(code.log == ["open"] + [100, 200, 300, 400, 500, 600].map { "asked 0 at \($0)" })
  }
}
