import Arrow
import Base
import Dataflow
import Expressions
import Observability
import Testing
import VolleyPlan

@testable import Operators

/// Rows of a key, a value and a time, as `WindowRun` has them, of which an operator keeps the best.
private final class ChoiceRun: Collector {
  let operation: WindowChoiceOperator
  let metrics = StageMetrics()
  let clock = ManualClock()
  private var found: [[String]] = [[], []]

  init(
    _ assigner: Plan.WindowAssigner, _ takes: Plan.Extreme = .greatest, keyed: Bool = false,
    time: Plan.WindowTime = .event, lateness: Int64 = 0, late: Plan.LateRows = .drop, memory: Int = .max
  ) throws(Failure) {
    let input = Schema(WindowRun.fields)
    let bound = DataType.timestamp(.microsecond, timezone: nil)
    let output = Schema(
      WindowRun.fields + [Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false)])
    let subtaskClock = SubtaskClock(.manual(clock))
    operation = try WindowChoiceOperator(
      Plan.WindowChoice(
        assigner: assigner, scope: keyed ? .key : .all, time: time, allowedLateness: lateness, late: late,
        value: .column("v"), takes: takes),
      keys: keyed ? [0] : [], time: time == .event ? .event(column: 2, shift: 0) : .processing(subtaskClock),
      input: input, output: output, functions: NoScalarFunctions(),
      context: SubtaskContext(
        id: SubtaskID(task: 0, index: 0), parallelism: 1, metrics: metrics, stateMemory: StateMemory(limit: memory),
        clock: subtaskClock))
    try operation.open()
  }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    let batch = batch.compacted()
    for row in 0..<batch.length {
      found[output].append(
        batch.columns.map { column in
          guard column.isValid(row) else { return "null" }
          if case .timestamp = column.type { return "\(column.values(Int64.self)[row])" }
          return column.text(at: row)
        }.joined(separator: " "))
    }
  }

  func rows(_ rows: WindowRun.Row...) throws(Failure) {
    try operation.process(WindowRun.batch(rows), input: 0, to: self)
  }

  func watermark(_ time: Int64) throws(Failure) {
    try operation.watermark(EventTime(microseconds: time), to: self)
    try operation.giveRest(to: self)
  }

  func takeRows(_ output: Int = 0) -> [String] {
    defer { found[output] = [] }
    return found[output]
  }
}

@Suite("The best rows of windows, at the edges")
struct WindowChoiceEdgeTests {
  @Test("rows on a border belong to the window that begins there, and a window is told when its end is reached")
  func borders() throws {
    let run = try ChoiceRun(.tumbling(.init(size: 10)))
    try run.rows((1, 5, 0), (2, 7, 9), (3, 9, 10), (4, 7, 1))
    try run.watermark(9)
    #expect(run.takeRows() == [])
    try run.watermark(10)
    #expect(run.takeRows() == ["2 7 9 0 10", "4 7 1 0 10"])
    try run.operation.finish(to: run)
    try run.operation.giveRest(to: run)
    #expect(run.takeRows() == ["3 9 10 10 20"])
  }

  @Test("a better row drives out all that were the best, of its own key only, and the null key is a key")
  func keys() throws {
    let run = try ChoiceRun(.tumbling(.init(size: 10)), .least, keyed: true)
    try run.rows((nil, 5, 0), (1, 5, 1), (nil, 5, 2), (1, 6, 3))
    try run.rows((nil, 4, 4), (1, 5, 5), (nil, 9, 6))
    try run.operation.finish(to: run)
    try run.operation.giveRest(to: run)
    #expect(run.takeRows().sorted() == ["1 5 1 0 10", "1 5 5 0 10", "null 4 4 0 10"])
  }

  @Test("the least and the greatest number there are can be the best")
  func extremes() throws {
    for (takes, value) in [(Plan.Extreme.greatest, Int64.min), (.least, .max), (.greatest, .max), (.least, .min)] {
      let run = try ChoiceRun(.tumbling(.init(size: 10)), takes)
      try run.rows((1, value, 0), (2, value, 1))
      try run.operation.finish(to: run)
      try run.operation.giveRest(to: run)
      #expect(run.takeRows() == ["1 \(value) 0 0 10", "2 \(value) 1 0 10"])
    }
  }

  @Test("a row is late when all of its windows have been told: it is dropped and counted, or routed")
  func late() throws {
    for late in Plan.LateRows.allCases {
      let run = try ChoiceRun(.sliding(.init(size: 10, slide: 5)), lateness: 2, late: late)
      try run.rows((1, 1, 3))
      try run.watermark(11)
      try run.rows((2, 2, 4))
      try run.watermark(12)
      // The window up to 5 was told without the second row, which came in time for the one up to 10.
      #expect(run.takeRows() == ["1 1 3 -5 5", "2 2 4 0 10"])
      try run.rows((3, 3, 9), (4, 4, 4))
      try run.operation.finish(to: run)
      try run.operation.giveRest(to: run)
      #expect(run.takeRows() == ["3 3 9 5 15"])
      #expect(run.takeRows(1) == (late == .route ? ["4 4 4"] : []))
      #expect(run.metrics.counts.lateRowsDropped == (late == .drop ? 1 : 0))
    }
  }

  @Test("many rows that stop being the best are forgotten, and ties of many batches stay")
  func garbage() throws {
    let run = try ChoiceRun(.tumbling(.init(size: 1_000_000)))
    var expected: [String] = []
    for round in 0..<300 {
      let best = Int64(round / 100)
      if round % 100 == 0 { expected = [] }
      try run.rows((1, best, Int64(round)), (2, best, Int64(round)))
      expected += ["1 \(best) \(round) 0 1000000", "2 \(best) \(round) 0 1000000"]
    }
    try run.operation.finish(to: run)
    try run.operation.giveRest(to: run)
    #expect(run.takeRows() == expected)
  }

  @Test("in processing time a window is told when the clock reaches its end")
  func processingTime() throws {
    let run = try ChoiceRun(.tumbling(.init(size: 10)), time: .processing)
    run.clock.advance(to: ProcessingTime(microseconds: 3))
    try run.rows((1, 1, 0))
    #expect(run.operation.wakeTime == ProcessingTime(microseconds: 10))
    run.clock.advance(to: ProcessingTime(microseconds: 10))
    try run.operation.wake(at: ProcessingTime(microseconds: 10), to: run)
    try run.operation.giveRest(to: run)
    #expect(run.takeRows() == ["1 1 0 0 10"])
    #expect(run.operation.wakeTime == nil)
  }

  @Test("more state than there is memory for is refused")
  func memory() throws {
    let run = try ChoiceRun(.tumbling(.init(size: 10)), memory: 16)
    #expect(throws: Failure.self) { try run.rows((1, 1, 0)) }
  }
}
