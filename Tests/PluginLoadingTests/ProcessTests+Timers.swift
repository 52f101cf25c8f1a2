import Base
import Testing
import Volley

@testable import Operators

/// Timers of a keyed process function.
extension ProcessTests {
  private final class Alarms: KeyedProcessFunction {
    @State var last = ValueState<Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {
      last.value = row.value
      switch row.value {
      case 0..<1000: context.timers.register(at: Timestamp(microseconds: row.value))
      case 1000..<2000: context.timers.delete(at: Timestamp(microseconds: row.value - 1000))
      case 2000..<3000: context.timers.registerProcessingTime(at: Timestamp(microseconds: row.value - 2000))
      case 3000..<4000: context.timers.deleteProcessingTime(at: Timestamp(microseconds: row.value - 3000))
      default:
        context.timers.register(at: Timestamp(microseconds: -row.value))
        throw Broken()
      }
    }

    func onTimer(_ timer: FiredTimer, context: Context<String, Result>) throws {
      #expect(context.timestamp == timer.time)
      let clock = timer.clock == .eventTime ? "" : "!"
      try context.emit(Result(user: context.key + clock, number: timer.time.microseconds))
      if timer.time.microseconds == 50 && timer.clock == .eventTime {
        // Before another one of the key that is due as well, one in its place, and one in the past.
        context.timers.register(at: Timestamp(microseconds: 55))
        context.timers.delete(at: Timestamp(microseconds: 60))
        context.timers.register(at: Timestamp(microseconds: 5))
      }
      if timer.time.microseconds == 990 { context.timers.register(at: Timestamp(microseconds: 995)) }
    }
  }

  @Test("event timers fire by their times when the watermark reaches them, each once, and not when they were deleted")
  func eventTimers() throws {
    let rig = try rig { Alarms() }
    try give(rig, [("a", 30, 0), ("a", 20, 0), ("b", 20, 0), ("a", 20, 0), ("a", 40, 0), ("a", 1030, 0)])
    try rig.watermark(19)
    #expect(rig.rows() == [])
    try rig.watermark(20)
    #expect(rig.rows() == ["a 20", "b 20"])
    // In the past: right after the call. One that is deleted in the call that sets it never fires.
    try give(rig, [("c", 3, 0), ("c", 15, 0), ("c", 1015, 0)])
    #expect(rig.rows() == ["c 3"])
    try rig.watermark(45)
    #expect(rig.rows() == ["a 40"])
    try give(rig, [("a", 50, 0), ("a", 60, 0), ("a", 70, 0), ("b", 52, 0)])
    try rig.watermark(100)
    #expect(rig.rows().filter { $0.hasPrefix("a") } == ["a 50", "a 5", "a 55", "a 70"])
  }

  @Test("timers that a call that throws set are not set")
  func failedTimers() throws {
    let rig = try rig { Alarms() }
    #expect(throws: Failure.self) { try give(rig, [("a", 20, 0), ("a", -30, 0)]) }
    try rig.watermark(1000)
    #expect(rig.rows() == [])
    #expect(rig.made.keyCount == 0)
  }

  @Test("processing timers fire by the clock, also without input; at the end they do not, and all event timers do")
  func processingTimers() throws {
    let rig = try rig { Alarms() }
    rig.manual.advance(to: ProcessingTime(microseconds: 100))
    try give(rig, [("a", 2300, 0), ("a", 2050, 0), ("a", 2200, 0), ("b", 2200, 0), ("b", 3200, 0), ("a", 2900, 0)])
    #expect(rig.rows() == ["a! 50"])
    #expect(rig.made.wakeTime == ProcessingTime(microseconds: 200))
    try rig.wait(until: 299)
    #expect(rig.rows() == ["a! 200"])
    try rig.wait(until: 300)
    #expect(rig.rows() == ["a! 300"])
    try give(rig, [("a", 990, 0), ("b", 10, 0), ("a", 500, 0)])
    try rig.finish()
    // What fires at the end sets none for later.
    #expect(rig.rows() == ["b 10", "a 500", "a 990"])
  }

  @Test("a key with many timers that are due gets them in their order, one a call")
  func manyTimersOfOneKey() throws {
    let rig = try rig { Alarms() }
    try give(rig, (100..<900).reversed().map { ("a", $0, 0) } + [("b", 500, 0)])
    try rig.watermark(10_000)
    let rows = rig.rows()
    #expect(rows.filter { $0.hasPrefix("a") } == (100..<900).map { "a \($0)" })
    #expect(rows.filter { $0.hasPrefix("b") } == ["b 500"])
  }

  @Test("an event timer for rows without event time ends the job with a sentence")
  func noEventTime() throws {
    let rig = try rig(hasEventTime: false) { Alarms() }
    let failure = #expect(throws: Failure.self) { try give(rig, [("a", 1, 0)]) }
    #expect(
      failure?.message
        == "plugin 'sdk': function 'test:2': an event-time timer was set, and the rows have no event time; call eventTime before "
        + "keyBy and keep its column, or set a timer of processing time")
    #expect(failure?.kind == .usage)
  }

}
