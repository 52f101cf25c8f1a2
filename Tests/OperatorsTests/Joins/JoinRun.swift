import Arrow
import Base
import Dataflow
import Expressions
import Observability
import VolleyPlan

@testable import Operators

/// A join that a test feeds: rows of a key, a value and a time in microseconds on two inputs or more.
final class JoinRun: Collector {
  typealias Row = (k: Int64?, v: Int64?, t: Int64)

  static let fields = [
    Field("k", .int64), Field("v", .int64), Field("ts", .timestamp(.microsecond, timezone: nil), nullable: false),
  ]

  static let changeFields = [Field("row_kind", .utf8, nullable: false)] + fields

  private(set) var operation: any Operator
  let metrics = StageMetrics()
  let clock = ManualClock()
  let memory: StateMemory
  /// Those that the join made.
  private(set) var watermarks: [Int64] = []
  /// What came out since it was asked for last, a text a row.
  private var found: [String] = []
  /// Batches that the call in progress has given, and the most that one has.
  private var batchCount = 0
  private(set) var mostBatches = 0
  /// Calls that the last one took, with those that gave what it had left.
  private(set) var callCount = 0

  init(
    _ join: Plan.Join, inputs: Int = 2, hasTimes: Bool = false, hasWindows: Bool = false, changelogs: Set<Int> = [],
    keyType: DataType = .int64, memory: Int = .max
  ) throws(Failure) {
    self.memory = StateMemory(limit: memory)
    var join = join
    join.sharedNames = .suffix((0..<inputs).map { "\($0)" })
    let fields = [Field("k", keyType)] + Self.fields.dropFirst()
    var schemas = [Schema](repeating: Schema(fields), count: inputs)
    for input in changelogs { schemas[input] = Schema(Self.changeFields.prefix(1) + fields) }
    // The columns of a changelog stand one behind.
    func column(_ input: Int, _ index: Int) -> Int { changelogs.contains(input) ? index + 1 : index }
    let bound = DataType.timestamp(.microsecond, timezone: nil)
    let layout = try JoinLayout(
      join, inputs: schemas, keys: schemas.indices.map { [column($0, 0)] },
      times: hasTimes ? schemas.indices.map { JoinTime(column: column($0, 2), shift: 0) } : [],
      kindColumns: schemas.indices.map { changelogs.contains($0) ? 0 : nil },
      more: hasWindows ? ["window_start", "window_end"].map { Field($0, bound, nullable: false) } : [])
    let context = SubtaskContext(
      id: SubtaskID(task: 0, index: 0), parallelism: 1, metrics: metrics, stateMemory: self.memory,
      clock: SubtaskClock(.manual(clock)))
    operation = try makeJoinOperator(
      join, layout: layout, functions: NoScalarFunctions(), context: context)
    try operation.open()
  }

  static func batch(_ rows: [Row]) -> RecordBatch {
    let builders = fields.map { ColumnBuilder($0.type) }
    for row in rows {
      builders[0].append(row.k.map { .int64($0) } ?? .null(.int64))
      builders[1].append(row.v.map { .int64($0) } ?? .null(.int64))
      builders[2].append(.timestamp(row.t, .microsecond, timezone: nil))
    }
    return RecordBatch(schema: Schema(fields), columns: builders.map { $0.finish() }, length: rows.count)
  }

  func advance(to time: EventTime) { watermarks.append(time.microseconds) }
  /// How often it has become idle.
  private(set) var idleCount = 0
  func becomeIdle() { idleCount += 1 }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    let batch = batch.compacted()
    batchCount += 1
    mostBatches = max(mostBatches, batchCount)
    for row in 0..<batch.length {
      let texts = batch.columns.map { column -> String in
        guard column.isValid(row) else { return "null" }
        if case .timestamp = column.type { return "\(column.values(Int64.self)[row])" }
        return column.text(at: row)
      }
      found.append(texts.joined(separator: " "))
    }
  }

  /// What has come out since the last call, in order.
  func takeRows() -> [String] {
    defer { found = [] }
    return found
  }

  func rows(_ input: Int, _ rows: Row...) throws(Failure) { try process(rows, input) }

  func process(_ rows: [Row], _ input: Int) throws(Failure) { try process(Self.batch(rows), input) }

  func process(_ batch: RecordBatch, _ input: Int) throws(Failure) {
    try call { () throws(Failure) in try operation.process(batch, input: input, to: self) }
  }

  /// A call of the operator, and those that give what it left, as a subtask makes them.
  private func call(_ body: () throws(Failure) -> Void) throws(Failure) {
    batchCount = 0
    callCount = 1
    try body()
    while operation.hasMore {
      batchCount = 0
      callCount += 1
      try operation.proceed(to: self)
    }
  }

  /// Rows of a changelog, on input 1 unless another is named.
  func changes(_ changes: (kind: String, row: Row)...) throws(Failure) { try process(changes) }

  func process(_ changes: [(kind: String, row: Row)], input: Int = 1) throws(Failure) {
    let kinds = ColumnBuilder(.utf8)
    for change in changes { kinds.append(.utf8(change.kind)) }
    let rows = Self.batch(changes.map(\.row))
    try process(
      RecordBatch(
        schema: Schema(Self.changeFields), columns: [kinds.finish()] + rows.columns, length: rows.length), input)
  }

  func watermark(_ time: Int64) throws(Failure) {
    try call { () throws(Failure) in try operation.watermark(EventTime(microseconds: time), to: self) }
  }

  /// Moves the clock, and wakes the operator as a subtask would.
  func clock(_ time: Int64) throws(Failure) {
    clock.advance(to: ProcessingTime(microseconds: time))
    while let wanted = operation.wakeTime, wanted.microseconds <= time {
      try call { () throws(Failure) in try operation.wake(at: ProcessingTime(microseconds: time), to: self) }
    }
  }

  func finish() throws(Failure) { try call { () throws(Failure) in try operation.finish(to: self) } }
}
