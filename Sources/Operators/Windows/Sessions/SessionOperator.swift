import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// Aggregates of sessions: rows of a key none of which is `gap` or more away from the next one.
///
/// Output 0: the key columns, `window_start` (the first row), `window_end` (`gap` after the last one), one column an
/// aggregate, in the order of the ends. Output 1, if late rows are routed: rows that would make a session of their own
/// that has closed already.
public final class SessionOperator: Operator {
  private let window: Plan.Window
  private let gap: Int64
  private let keyIndices: [Int]
  private let time: RowTime
  private let arguments: AggregateArguments
  private let table: any KeyTable
  private let sessions: SessionTable
  /// The ends of sessions, by slot of aggregates. A session that has grown since has the end of before.
  private let ends = SlotDeadlines()
  private let aggregates: AggregateSet
  private let rows: WindowRows
  private let reservation: StateReservation
  private let metrics: StageMetrics
  private let joining = SlotColumn<UInt32>(initial: 0)
  private var joiningRound: UInt32 = 0
  /// Bytes, of an aggregate or of the ends, that are kept while there is no session.
  private static let keptBytes = 1 << 20
  /// Sessions that end at or before it are closed.
  private var closed = Int64.min

  public init(
    _ window: Plan.Window, gap: Int64, keys: [Int], time: RowTime, records: Schema, output: Schema,
    functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    self.window = window
    self.gap = gap
    keyIndices = keys
    self.time = time
    arguments = try AggregateArguments(window.aggregates, input: records, functions: functions)
    aggregates = try AggregateSet(window.aggregates, input: records)
    table = makeKeyTable(keys.map { records.fields[$0].type }, keepingKeys: true)
    sessions = SessionTable(gap: gap)
    rows = WindowRows(output, keyCount: keys.count)
    reservation = StateReservation(context.stateMemory)
    metrics = context.metrics
  }

  public func open() throws(Failure) { try arguments.open() }
  public func close() throws(Failure) { try arguments.close() }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let rowCount = batch.rowCount
    if rowCount == 0 { return }
    let times = try self.times(of: batch)
    defer { withExtendedLifetime(times) {} }
    let keys = keyIndices.map { batch.compactedColumn($0) }
    try reserve(table.growth(keys, rowCount: rowCount), batch)
    let (keySlots, slots) = (SlotBuffer(count: rowCount), SlotBuffer(count: rowCount))
    try table.find(keys, rowCount: rowCount, into: keySlots.pointer)
    let lateCount = sessions.assign(
      times.values(Int64.self), keys: keySlots.pointer, count: rowCount, keyCount: table.slotCount, closed: closed,
      to: slots.pointer)
    try aggregates.grow(to: sessions.slotCount)
    ends.grow(to: sessions.slotCount)
    if lateCount == 0 {
      try aggregates.update(slots.pointer, count: rowCount, inputs: arguments.evaluate(batch))
    } else {
      try addTimely(batch, keySlots, slots, lateCount, to: collector)
    }
    try join()
    setEnds()
  }

  /// The rows' times: 8 bytes each.
  private func times(of batch: RecordBatch) throws(Failure) -> Buffer {
    let (count, earliest, latest): (Int, Int64, Int64)
    let buffer = Buffer(byteCount: batch.rowCount * 8)
    let target = buffer.unsafeMutableValues(Int64.self)
    count = batch.rowCount
    switch time {
    case .processing(let clock):
      target.update(repeating: clock.now.microseconds, count: count)
    case .event(let column, let shift):
      let times = try EventTimes(batch.compactedColumn(column), shift: shift)
      target.update(from: times.pointer, count: count)
      withExtendedLifetime(times) {}
    case .bounds: preconditionFailure("sessions are of a time")
    }
    var bounds = (target[0], target[0])
    for row in 0..<count {
      bounds.0 = min(bounds.0, target[row])
      bounds.1 = max(bounds.1, target[row])
    }
    (earliest, latest) = bounds
    guard earliest > .min + 2 * gap, latest < .max - 2 * gap else { throw PaneSplit.beyond }
    return buffer
  }

  /// The rows that are not late; those that are go their own way.
  private func addTimely(
    _ batch: RecordBatch, _ keySlots: SlotBuffer, _ slots: SlotBuffer, _ lateCount: Int, to collector: any Collector
  ) throws(Failure) {
    var (timely, late): ([Int], [Int]) = ([], [])
    let (timelySlots, unused) = (SlotBuffer(count: slots.count), SlotBuffer(count: lateCount))
    var emptied: Set<UInt32> = []
    for row in 0..<slots.count {
      if slots.pointer[row] == SessionTable.none {
        late.append(row)
        let key = keySlots.pointer[row]
        if !sessions.hasSession(key), emptied.insert(key).inserted { unused.pointer[emptied.count - 1] = key }
      } else {
        timelySlots.pointer[timely.count] = slots.pointer[row]
        timely.append(row)
      }
    }
    if !timely.isEmpty {
      try aggregates.update(
        timelySlots.pointer, count: timely.count, inputs: arguments.evaluate(batch.selecting(Selection(timely))))
    }
    removeKeys(unused, emptied.count)
    switch window.late {
    case .drop: metrics.addLateDropped(rows: lateCount)
    case .route:
      metrics.addLateRouted(rows: lateCount)
      try collector.emit(batch.selecting(Selection(late)), output: 1)
    }
  }

  /// Takes the aggregates of sessions that were joined to those that go on. A session that has taken others in may be
  /// joined itself: then the others come first.
  private func join() throws(Failure) {
    let merges = sessions.merges
    if merges.isEmpty { return }
    joining.grow(to: sessions.slotCount)
    let (from, to) = (SlotBuffer(count: merges.count), SlotBuffer(count: merges.count))
    var (first, count) = (0, 0)
    joiningRound += 1
    for merge in merges {
      if joining.values[Int(merge.from)] == joiningRound {
        try join(from, to, first, count)
        first = count
        joiningRound += 1
      }
      joining.values[Int(merge.to)] = joiningRound
      from.pointer[count] = merge.from
      to.pointer[count] = merge.to
      count += 1
    }
    try join(from, to, first, count)
    ends.clear(from.pointer, count: count)
    aggregates.reset(from.pointer, count: count)
    sessions.giveBack(from.pointer, count: count)
  }

  private func join(_ from: SlotBuffer, _ to: SlotBuffer, _ first: Int, _ end: Int) throws(Failure) {
    let count = end - first
    try aggregates.merge(
      to.pointer + first, count: count, states: aggregates.states(from.pointer + first, count: count)[...])
  }

  private func setEnds() {
    let begun = sessions.begun.filter { sessions.isOpen($0) }
    let times = begun.map { sessions.session(of: $0).last + gap }
    ends.set(begun, times, count: begun.count)
  }

  private func reserve(_ growth: Int, _ batch: RecordBatch) throws(Failure) {
    let added =
      growth + sessions.growth(to: table.slotCount + batch.rowCount, rows: batch.rowCount)
      + aggregates.growth(batch, slotCount: sessions.slotCount)
      + ends.growth(to: sessions.slotCount + batch.rowCount, setting: batch.rowCount)
    try reservation.set(byteCount + added, keyCount: table.count)
  }

  private var byteCount: Int {
    table.byteCount + sessions.byteCount + ends.byteCount + aggregates.byteCount + joining.byteCount
  }

  public func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    if case .processing = self.time { return }
    let (passed, isBeforeAll) = time.microseconds.subtractingReportingOverflow(window.allowedLateness)
    if !isBeforeAll { try close(upTo: passed, to: collector) }
  }

  public var wakeTime: ProcessingTime? {
    guard case .processing = time else { return nil }
    return ends.nextTime.map { ProcessingTime(microseconds: $0) }
  }

  public func wake(at now: ProcessingTime, to collector: any Collector) throws(Failure) {
    try close(upTo: now.microseconds, to: collector)
  }

  public func finish(to collector: any Collector) throws(Failure) {
    // No session ends there, and the deadlines of none are.
    try close(upTo: .max - 1, to: collector)
  }

  /// Fires what ends up to a time.
  private func close(upTo time: Int64, to collector: any Collector) throws(Failure) {
    guard time >= closed else { return }
    closed = time
    while true {
      let due = ends.pop(upTo: min(time, SlotDeadlines.none - 1))
      if due.isEmpty { break }
      try fire(due, to: collector)
    }
    try reservation.set(byteCount, keyCount: table.count)
  }

  /// - Parameter due: sessions whose ends of once have passed.
  private func fire(_ due: UnsafeBufferPointer<Timer>, to collector: any Collector) throws(Failure) {
    let (slots, keys) = (SlotBuffer(count: due.count), SlotBuffer(count: due.count))
    let (later, laterTimes) = (SlotBuffer(count: due.count), Buffer(byteCount: due.count * 8))
    let (starts, stops) = (Buffer(byteCount: due.count * 8), Buffer(byteCount: due.count * 8))
    let (start, stop) = (starts.unsafeMutableValues(Int64.self), stops.unsafeMutableValues(Int64.self))
    let laterTime = laterTimes.unsafeMutableValues(Int64.self)
    var (count, laterCount) = (0, 0)
    for index in 0..<min(16, due.count) { sessions.prefetch(due[index].slot) }
    for index in 0..<due.count {
      if index &+ 16 < due.count { sessions.prefetch(due[index &+ 16].slot) }
      let slot = due[index].slot
      let session = sessions.session(of: slot)
      let end = session.last + gap
      if end > closed {
        later.pointer[laterCount] = slot
        laterTime[laterCount] = end
        laterCount += 1
      } else {
        slots.pointer[count] = slot
        keys.pointer[count] = sessions.key(of: slot)
        start[count] = session.first
        stop[count] = end
        count += 1
      }
    }
    ends.set(later.pointer, laterTime, count: laterCount)
    withExtendedLifetime(laterTimes) {}
    if count == 0 { return }
    try collector.emit(
      rows.batch(
        keys: table.keys(of: keys.pointer, count: count), start: starts, end: stops,
        results: aggregates.results(slots.pointer, count: count), count: count), output: 0)
    end(slots, keys, count)
  }

  /// Forgets sessions that have fired.
  private func end(_ slots: SlotBuffer, _ keys: SlotBuffer, _ count: Int) {
    var emptied = 0
    for index in 0..<count {
      // A key that comes twice is emptied by its last session.
      keys.pointer[emptied] = keys.pointer[index]
      emptied += sessions.end(slots.pointer[index]) ? 1 : 0
    }
    aggregates.reset(slots.pointer, count: count)
    sessions.giveBack(slots.pointer, count: count)
    removeKeys(keys, emptied)
  }

  private func removeKeys(_ keys: SlotBuffer, _ count: Int) {
    if count == 0 { return }
    table.remove(keys.pointer, count: count)
    guard table.count == 0 else { return }
    sessions.removeAllKeys()
    aggregates.release(above: Self.keptBytes)
    if ends.byteCount > Self.keptBytes { ends.removeAll() }
  }
}
