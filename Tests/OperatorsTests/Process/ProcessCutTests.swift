import Arrow
import Base
import Dataflow
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Process functions that are cut")
struct ProcessCutTests {
  /// Goes on when a call has failed.
  private final class Forgiving: StatefulOperator {
    let inner: KeyedProcessOperator
    init(_ inner: KeyedProcessOperator) { self.inner = inner }
    func open() throws(Failure) { try inner.open() }
    func close() throws(Failure) { try inner.close() }
    func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
      do throws(Failure) {
        try inner.process(batch, input: input, to: output)
      } catch {
        guard error.message.contains("poison") else { throw error }
      }
    }
    func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
      try inner.watermark(time, to: output)
    }
    var wakeTime: ProcessingTime? { inner.wakeTime }
    func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) { try inner.wake(at: now, to: output) }
    var hasMore: Bool { inner.hasMore }
    func proceed(to output: any Collector) throws(Failure) { try inner.proceed(to: output) }
    func finish(to output: any Collector) throws(Failure) { try inner.finish(to: output) }
    var stateTables: [StateTable] { inner.stateTables }
    func trackChanges() { inner.trackChanges() }
    func restore(_ entries: RecordBatch, table: Int) throws(Failure) { try inner.restore(entries, table: table) }
    func restored() throws(Failure) { try inner.restored() }
    func takeChanges(into changes: inout StateChanges) throws(Failure) { try inner.takeChanges(into: &changes) }
  }

  private static func make(timeToLive: Int64?) -> (SubtaskContext) throws -> any Operator {
    { context in
      Forgiving(
        KeyedProcessOperator(
          EverythingCode(), states: EverythingCode.states(timeToLive: timeToLive),
          columns: KeyedProcessOperator.Columns(keys: [0], rows: Array(EverythingCode.rowFields.indices), time: 4),
          input: Schema(EverythingCode.rowFields), clock: context.clock, memory: context.stateMemory))
    }
  }

  private func steps(_ random: inout SeededGenerator) -> [CutStep] {
    var steps: [CutStep] = []
    for step in 0..<Int.random(in: 20...60, using: &random) {
      let count = Int.random(in: 1...15, using: &random)
      let builders = EverythingCode.rowFields.map { ColumnBuilder($0.type) }
      let poison = Int.random(in: 0..<8, using: &random) == 0 ? EverythingCode.failure : 0
      for _ in 0..<count {
        builders[0].append(randomLiteral(.utf8, distinct: 6, &random))
        builders[1].append(.int64(Int64.random(in: 0...23, using: &random) + poison))
        builders[2].append(.int64(Int64.random(in: 0..<20, using: &random)))
        builders[3].append(randomLiteral(.utf8, distinct: 20, &random))
        let time = Int64(step * 6) + Int64.random(in: -10...10, using: &random)
        builders[4].append(.timestamp(time, .microsecond, timezone: nil))
      }
      steps.append(
        .batch(
          RecordBatch(schema: Schema(EverythingCode.rowFields), columns: builders.map { $0.finish() }, length: count)))
      if Int.random(in: 0..<4, using: &random) == 0 { steps.append(.watermark(Int64(step * 6 - 15))) }
      if Int.random(in: 0..<3, using: &random) == 0 { steps.append(.clock(Int64(step) * 400_000)) }
    }
    return steps
  }

  @Test("go on as if they were not, with values, lists, maps and timers, and calls that fail")
  func random() throws {
    var random = SeededGenerator()
    for _ in 0..<20 {
      try CutRig(make: Self.make(timeToLive: nil), keys: [[0]], unnamed: ["$order"]).check(steps(&random), &random)
    }
  }

  @Test("forget what has expired as if they were not")
  func timeToLive() throws {
    var random = SeededGenerator()
    for _ in 0..<20 {
      let make = Self.make(timeToLive: 3_000_000)
      // When a subtask looks for what has expired depends on what it had.
      var rig = CutRig(make: make, keys: [[0]], comparison: .none)
      rig.endsEmpty = true
      let steps = steps(&random) + [.watermark(1_000_000), .clock(1_000_000_000_000), .clock(1_100_000_000_000)]
      try rig.check(steps, &random)
    }
  }
}
