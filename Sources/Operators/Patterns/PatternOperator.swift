import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// Rows of one key that follow each other in event time, one a step of a pattern: see `Plan.Pattern`.
///
/// Rows wait until the watermark has passed them, and are looked at in the order of their times then. Those that meet
/// no condition are not kept, unless a step takes the very next row.
public final class PatternOperator: DepartingOperator {
  public static let mostSteps = 32

  let pattern: Plan.Pattern
  let keys: [Int]
  private let others: [Int]
  let time: RowTimes
  private let outputs: [Schema]
  private let conditions: BoundProjection
  private let keepsAll: Bool
  let table: any KeyTable
  let store: RowStore
  let matcher: PatternMatcher
  let reservation: StateReservation
  private let metrics: StageMetrics
  /// Rows before it have been looked at.
  private var closed = Int64.min
  /// Numbers of rows that there have been.
  private var numberCount = 0
  private let steps = PendingSteps()
  let format: PatternFormat
  /// What has changed; nil when nobody asks.
  var entries: RowEntries?
  var goneMatches: GoneEntries?
  /// Rows that matches have which come back; nil when none do.
  var returning: [PatternFormat.RowName: UInt32]?
  /// Whether rows that were looked at before are among those whose time comes.
  var hasSeen = false

  /// - Parameters:
  ///   - keys: the key's columns in the input.
  ///   - time: of an event-time column.
  ///   - outputs: the schemas of the outputs that the pattern has.
  public init(
    _ pattern: Plan.Pattern, keys: [Int], time: RowTime, input: Schema, outputs: [Schema],
    functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    self.pattern = pattern
    self.keys = keys
    others = input.fields.indices.filter { !keys.contains($0) }
    self.time = RowTimes(time, margin: pattern.within)
    self.outputs = outputs
    format = PatternFormat(pattern, keys: keys, input: input)
    conditions = try BoundProjection(
      pattern.steps.map(\.condition), called: pattern.steps.map { "the condition of '\($0.name)'" }, schema: input,
      functions: functions)
    keepsAll = pattern.steps.dropFirst().contains { $0.contiguity == .next }
    table = makeKeyTable(keys.map { input.fields[$0].type }, keepingKeys: true)
    store = RowStore(input, expiring: true)
    matcher = PatternMatcher(pattern.steps, within: pattern.within)
    reservation = StateReservation(context.stateMemory)
    metrics = context.metrics
  }

  public func open() throws(Failure) { try conditions.open() }
  public func close() throws(Failure) {
    steps.removeAll()
    try conditions.close()
  }

  public var hasMore: Bool { !steps.isEmpty }
  public func proceed(to collector: any Collector) throws(Failure) { try steps.run(to: collector) }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let batch = try current(batch, to: collector)
    if batch.rowCount == 0 { return }
    let met = try metSteps(batch)
    if keepsAll { return try keep(batch, met) }
    let wanted = met.indices.filter { met[$0] != 0 }
    if wanted.isEmpty { return }
    try keep(batch.selecting(Selection(wanted)), wanted.map { met[$0] })
  }

  /// The rows that are not late.
  private func current(_ batch: RecordBatch, to collector: any Collector) throws(Failure) -> RecordBatch {
    let times = try time.values(of: batch)
    let values = times.values(Int64.self)
    let late = (0..<batch.rowCount).filter { values[$0] < closed }
    if late.isEmpty { return batch }
    if pattern.late == .route {
      metrics.addLateRouted(rows: late.count)
      try collector.emit(batch.selecting(Selection(late)), output: outputs.count - 1)
    } else {
      metrics.addLateDropped(rows: late.count)
    }
    return batch.selecting(Selection((0..<batch.rowCount).filter { values[$0] >= closed }))
  }

  /// By row, a bit for each step whose condition it meets.
  private func metSteps(_ batch: RecordBatch) throws(Failure) -> [UInt32] {
    var met = [UInt32](repeating: 0, count: batch.rowCount)
    for (step, column) in try conditions.evaluate(batch).enumerated() {
      for row in met.indices where column.isValid(row) && column.bit(row) { met[row] |= 1 << UInt32(step) }
    }
    return met
  }

  private func keep(_ batch: RecordBatch, _ met: [UInt32]) throws(Failure) {
    let count = batch.rowCount
    let columns = keys.map { batch.compactedColumn($0) }
    let growth =
      table.growth(columns, rowCount: count) + store.growth(appending: batch, slotCount: table.slotCount + count)
      + matcher.growth(rows: count, slotCount: table.slotCount, numberCount: numberCount)
    try reservation.set(byteCount + growth, keyCount: table.count)
    let slots = SlotBuffer(count: count)
    try table.find(columns, rowCount: count, into: slots.pointer)
    store.grow(to: table.slotCount)
    matcher.grow(to: table.slotCount)
    let times = try time.values(of: batch)
    let numbers = SlotBuffer(count: count)
    try store.append(batch, slots: slots.pointer, times: times.values(Int64.self), numbers: numbers.pointer)
    numberCount = max(numberCount, store.rowCount)
    matcher.keep(numbers.pointer, met: met, count: count)
    withExtendedLifetime(times) {}
  }

  var byteCount: Int {
    table.byteCount + store.byteCount + matcher.byteCount + (entries?.byteCount ?? 0) + (goneMatches?.byteCount ?? 0)
  }

  public func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    close(before: time.microseconds)
    try steps.run(to: collector)
  }

  public func finish(to collector: any Collector) throws(Failure) {
    close(before: .max)
    try steps.run(to: collector)
  }

  /// Looks at the rows before a time.
  private func close(before time: Int64) {
    guard time >= closed else { return }
    closed = time
    steps.loop { [self] () throws(Failure) in
      let numbers = store.popExpired(before: time)
      if numbers.isEmpty { return false }
      look(at: hasSeen ? store.withoutMarked(numbers) : numbers)
      tell()
      return true
    }
    steps.loop { [self] () throws(Failure) in
      guard matcher.timeOut(upTo: time == .max ? .max - 1 : time, limit: WindowRows.batchRows) else { return false }
      tell()
      return true
    }
    steps.add { [self] () throws(Failure) in try reservation.set(byteCount, keyCount: table.count) }
  }

  private func look(at numbers: [UInt32]) {
    // Those that stay are not looked at again after a restart.
    if entries != nil { store.mark(numbers, count: numbers.count) }
    let (slots, times) = (SlotBuffer(count: numbers.count), Buffer(byteCount: numbers.count * 8))
    store.slots(of: numbers, count: numbers.count, into: slots.pointer)
    store.times(of: numbers, count: numbers.count, into: times.unsafeMutableValues(Int64.self))
    for (index, number) in numbers.enumerated() {
      matcher.take(number, slot: slots.pointer[index], time: times.values(Int64.self)[index])
    }
  }

  /// Tells the matches that have ended, and then forgets what nobody asks for any more.
  private func tell() {
    tell(matcher.complete, output: 0)
    matcher.complete.removeAll()
    if pattern.timedOut == .route { tell(matcher.timedOut, output: 1) }
    matcher.timedOut.removeAll()
    steps.add { [self] () throws(Failure) in
      let free = matcher.takeReleased()
      let empty = store.remove(free, count: free.count)
      matcher.forget(empty)
      if !empty.isEmpty { try settle() }
      table.remove(empty, count: empty.count)
    }
  }

  /// A batch a step. What the rows are stays until then.
  private func tell(_ matched: MatchedRows, output: Int) {
    if matched.count == 0 { return }
    var start = 0
    steps.loop { [self] () throws(Failure) in
      let stepCount = pattern.steps.count
      let most = max(1, store.blockRows(WindowRows.batchRows * stepCount) / stepCount)
      let count = min(most, matched.count - start)
      var columns: [Column] = []
      for step in 0..<stepCount {
        let numbers = (start..<start + count).map { matched.numbers[$0 * stepCount + step] }
        columns += try store.columns(of: numbers, count: count, step == 0 ? keys + others : others)
      }
      steps.give(RecordBatch(schema: outputs[output], columns: columns, length: count), output: output)
      start += count
      return start < matched.count
    }
  }
}
