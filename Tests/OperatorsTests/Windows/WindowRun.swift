import Arrow
import Base
import Dataflow
import Expressions
import Observability
import VolleyPlan

@testable import Operators

/// A window operator that a test feeds: rows of a key, a value and a time in microseconds.
final class WindowRun: Collector {
  typealias Row = (k: Int64?, v: Int64, t: Int64)

  static let fields = [
    Field("k", .int64), Field("v", .int64), Field("ts", .timestamp(.microsecond, timezone: nil), nullable: false),
  ]
  static let calls = [
    Plan.AggregateCall(function: "count", argument: nil, name: "n"),
    Plan.AggregateCall(function: "sum", argument: .column("v"), name: "s"),
  ]

  let operation: any Operator
  let metrics = StageMetrics()
  let memory: StateMemory
  let clock = ManualClock()
  /// What came out since it was asked for last, a text a row, by output.
  private var found: [[String]] = [[], []]

  init(
    _ assigner: Plan.WindowAssigner, time: Plan.WindowTime = .event, lateness: Int64 = 0,
    late: Plan.LateRows = .drop, emission: Plan.WindowEmission = .final, trigger: Plan.WindowTrigger? = nil,
    calls: [Plan.AggregateCall] = WindowRun.calls, memory: Int = .max
  ) throws(Failure) {
    let window = Plan.Window(
      assigner: assigner, scope: .key, time: time, allowedLateness: lateness, late: late, emission: emission,
      trigger: trigger, aggregates: calls)
    let records = Schema(Self.fields)
    let bound = DataType.timestamp(.microsecond, timezone: nil)
    var output = [Self.fields[0]]
    if emission == .updating { output.insert(Field(Plan.rowKindColumn, .utf8, nullable: false), at: 0) }
    if case .count = assigner {
    } else {
      output += [Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false)]
    }
    for call in calls { output.append(Field(call.name, try call.signature(in: records).result)) }
    self.memory = StateMemory(limit: memory)
    let subtaskClock = SubtaskClock(.manual(clock))
    let context = SubtaskContext(
      id: SubtaskID(task: 0, index: 0), parallelism: 1, metrics: metrics, stateMemory: self.memory, clock: subtaskClock)
    let rowTime: RowTime = time == .event ? .event(column: 2, shift: 0) : .processing(subtaskClock)
    operation = try makeWindowOperator(
      window, input: .records(keys: [0], time: rowTime), records: records, output: Schema(output),
      functions: NoScalarFunctions(), context: context)
    try operation.open()
  }

  static func batch(_ rows: [Row]) -> RecordBatch {
    let builders = fields.map { ColumnBuilder($0.type) }
    for row in rows {
      builders[0].append(row.k.map { .int64($0) } ?? .null(.int64))
      builders[1].append(.int64(row.v))
      builders[2].append(.timestamp(row.t, .microsecond, timezone: nil))
    }
    return RecordBatch(schema: Schema(fields), columns: builders.map { $0.finish() }, length: rows.count)
  }

  /// What the operator said of its own watermark since it was asked for last.
  private var said: [String] = []
  func advance(to time: EventTime) { said.append("w\(time.microseconds)") }
  func becomeIdle() { said.append("idle") }
  func takeSignals() -> [String] {
    defer { said = [] }
    return said
  }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    let batch = batch.compacted()
    for row in 0..<batch.length {
      let texts = batch.columns.map { column -> String in
        guard column.isValid(row) else { return "null" }
        if case .timestamp = column.type { return "\(column.values(Int64.self)[row])" }
        return column.text(at: row)
      }
      found[output].append(texts.joined(separator: " "))
    }
  }

  /// What has come out since the last call, in order.
  func takeRows(_ output: Int = 0) -> [String] {
    defer { found[output] = [] }
    return found[output]
  }

  func rows(_ rows: Row...) throws(Failure) { try operation.process(Self.batch(rows), input: 0, to: self) }

  func watermark(_ time: Int64) throws(Failure) {
    try operation.watermark(EventTime(microseconds: time), to: self)
    try operation.giveRest(to: self)
  }

  /// Moves the clock, and wakes the operator as a subtask would.
  func clock(_ time: Int64) throws(Failure) {
    clock.advance(to: ProcessingTime(microseconds: time))
    while let wanted = operation.wakeTime, wanted.microseconds <= time {
      try operation.wake(at: ProcessingTime(microseconds: time), to: self)
      try operation.giveRest(to: self)
    }
  }

  func finish() throws(Failure) {
    try operation.finish(to: self)
    try operation.giveRest(to: self)
  }
}

extension Operator {
  /// What the last call left, as a subtask has it given.
  func giveRest(to output: any Collector) throws(Failure) { while hasMore { try proceed(to: output) } }
}
