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
/// aggregate, in the order of the ends; in front of them `row_kind` if results are updated: then a session that another
/// takes in is told once more as "-D". Output 1, if late rows are routed: rows that would make a session of their own
/// that has closed already.
public final class SessionOperator: Operator {
  private let window: Plan.Window
  private let gap: Int64
  private let keyIndices: [Int]
  private let times: RowTimes
  private let arguments: AggregateArguments
  private let table: any KeyTable
  private let sessions: SessionTable
  /// When sessions are to be looked at: at their ends, as they were once, or when they take no more rows.
  private let timers = TimerOrder()
  private let aggregates: AggregateSet
  private let rows: WindowRows
  /// Nil when a session is told once.
  private let teller: SessionTeller?
  private let reservation: StateReservation
  private let metrics: StageMetrics
  private let clock: SubtaskClock
  /// Slots that were joined to, and keys that came with late rows.
  private var marks = SlotRounds()
  /// The watermark, or the processing time.
  private var now = Int64.min
  /// Sessions that end at or before it take no more rows.
  private var closed = Int64.min
  /// Sessions may have ended that were not looked at.
  public private(set) var hasMore = false
  /// When the trigger tells changes next; nil when there are none.
  private var nextTelling: ProcessingTime?
  public let stateTables: [StateTable]
  private var savedTimes: SubtaskTimes
  /// Nil when no epochs are taken.
  private var entries: SessionEntries?

  /// Bytes, of an aggregate or of the timers, that are kept while there is no session.
  private static let keptBytes = 1 << 20
  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40
  /// Batches of ended sessions that one call looks at.
  private static let callBatches = 4

  public init(
    _ window: Plan.Window, gap: Int64, keys: [Int], time: RowTime, records: Schema, output: Schema,
    functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    self.window = window
    self.gap = gap
    keyIndices = keys
    times = RowTimes(time, margin: gap, lateness: window.allowedLateness)
    arguments = try AggregateArguments(window.aggregates, input: records, functions: functions)
    aggregates = try AggregateSet(window.aggregates, input: records, functions: functions)
    table = makeKeyTable(keys.map { records.fields[$0].type }, keepingKeys: true)
    sessions = SessionTable(gap: gap)
    rows = WindowRows(output)
    teller = window.emission == .updating ? SessionTeller(gap: gap, aggregates: aggregates, schema: output) : nil
    reservation = StateReservation(context.stateMemory)
    metrics = context.metrics
    clock = context.clock
    let keyFields = output.fields.dropFirst(teller == nil ? 0 : 1).prefix(keys.count)
    stateTables = try Self.stateTables(window, keys: Array(keyFields), records: records)
    savedTimes = SubtaskTimes(subtask: context.id.index, parallelism: context.parallelism)
  }

  /// What it keeps: times, and the open sessions.
  static func stateTables(_ window: Plan.Window, keys: [Field], records: Schema) throws(Failure) -> [StateTable] {
    var value = try AggregateSet.namedStateFields(window.aggregates, input: records)
    if window.emission == .updating { value += try SessionTeller.fields(window.aggregates, records: records) }
    return [
      SubtaskTimes.table("times", of: ["now", "closed", "next_telling"]),
      SessionEntries.table("sessions", keys: keys, value: value),
    ]
  }

  public func open() throws(Failure) { try aggregates.open(with: arguments) }
  public func close() throws(Failure) { try aggregates.close(with: arguments) }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let rowCount = batch.rowCount
    if rowCount == 0 { return }
    let times = try self.times.values(of: batch)
    let keys = keyIndices.map { batch.compactedColumn($0) }
    try reserve(table.growth(keys, rowCount: rowCount), batch)
    let (keySlots, slots) = (SlotBuffer(count: rowCount), SlotBuffer(count: rowCount))
    try table.find(keys, rowCount: rowCount, into: keySlots.pointer)
    let lateCount = sessions.assign(
      times.values(Int64.self), keys: keySlots.pointer, count: rowCount, keyCount: table.slotCount, closed: closed,
      to: slots.pointer)
    withExtendedLifetime(times) {}
    try aggregates.grow(to: sessions.slotCount)
    var (timely, timelySlots) = (batch, slots)
    if lateCount > 0 { (timely, timelySlots) = try separate(batch, keySlots, slots, lateCount, to: collector) }
    if timelySlots.count > 0 {
      try aggregates.update(timelySlots.pointer, count: timelySlots.count, inputs: arguments.evaluate(timely))
    }
    teller?.note(timelySlots, count: timelySlots.count, slotCount: sessions.slotCount)
    entries?.changes.mark(timelySlots.pointer, count: timelySlots.count, slotCount: sessions.slotCount)
    try join(to: collector)
    setTimers()
    try tellAtOnce(timelySlots, to: collector)
  }

  /// The rows that are not late, and their slots; those that are go their own way.
  private func separate(
    _ batch: RecordBatch, _ keySlots: SlotBuffer, _ slots: SlotBuffer, _ lateCount: Int, to collector: any Collector
  ) throws(Failure) -> (RecordBatch, SlotBuffer) {
    var (timely, late): ([Int], [Int]) = ([], [])
    let timelySlots = SlotBuffer(count: slots.count - lateCount)
    var unused: [UInt32] = []
    marks.begin(slotCount: table.slotCount)
    for row in 0..<slots.count {
      if slots.pointer[row] == SessionTable.none {
        late.append(row)
        // A key that came with nothing but late rows.
        let key = keySlots.pointer[row]
        if !sessions.hasSession(key), marks.insert(key) { unused.append(key) }
      } else {
        timelySlots.pointer[timely.count] = slots.pointer[row]
        timely.append(row)
      }
    }
    removeKeys(unused, unused.count)
    switch window.late {
    case .drop: metrics.addLateDropped(rows: lateCount)
    case .route:
      metrics.addLateRouted(rows: lateCount)
      try collector.emit(batch.selecting(Selection(late)), output: 1)
    }
    return (batch.selecting(Selection(timely)), timelySlots)
  }

  /// Takes the aggregates of sessions that were joined to those that go on. A session that has taken others in may be
  /// joined itself: then the others come first.
  private func join(to collector: any Collector) throws(Failure) {
    let merges = sessions.merges
    if merges.isEmpty { return }
    let (from, to) = (merges.map(\.from), merges.map(\.to))
    try teller?.withdraw(merges, sessions, table, to: collector)
    if let entries {
      entries.changes.mark(to, count: to.count, slotCount: sessions.slotCount)
      try entries.forget(from, sessions, table)
    }
    var first = 0
    marks.begin(slotCount: sessions.slotCount)
    for (index, merge) in merges.enumerated() {
      if marks.contains(merge.from) {
        try join(from[first..<index], to[first..<index])
        first = index
        marks.begin(slotCount: sessions.slotCount)
      }
      _ = marks.insert(merge.to)
    }
    try join(from[first...], to[first...])
    aggregates.reset(from, count: from.count)
    sessions.giveBack(from, count: from.count)
  }

  private func join(_ from: ArraySlice<UInt32>, _ to: ArraySlice<UInt32>) throws(Failure) {
    let states = try aggregates.states(Array(from), count: from.count)
    try aggregates.merge(Array(to), count: to.count, states: states[...])
  }

  private func setTimers() {
    for slot in sessions.begun where sessions.isOpen(slot) {
      sessions.schedule(slot, at: sessions.session(of: slot).last + gap, timers)
    }
    // Timers of sessions that were joined to others wait on; once they are more than half of all each of them has paid
    // for this.
    if timers.count > 2 * sessions.takenCount + 4_096 { timers.filter { sessions.counts($0) } }
  }

  /// Tells what rows have changed of sessions that have been told at their ends, and what the trigger wants to be told.
  private func tellAtOnce(_ slots: SlotBuffer, to collector: any Collector) throws(Failure) {
    guard let teller else { return }
    var touched = (0..<slots.count).map { slots.pointer[$0] } + sessions.merges.map(\.to)
    let least = window.trigger?.everyRows.map { Int64($0) } ?? .max
    var due = teller.takeChanged(among: touched, count: touched.count, byRows: least)
    if window.allowedLateness > 0 {
      touched = touched.filter { sessions.isOpen($0) }
      let ended = touched.filter { sessions.session(of: $0).last + gap <= now }
      due += teller.takeChanged(among: ended, count: ended.count, byRows: 0)
      // One that was told and has grown is told again at its end.
      let grown = touched.filter { teller.isTold($0) && sessions.session(of: $0).last + gap > now }
      for slot in grown { sessions.schedule(slot, at: sessions.session(of: slot).last + gap, timers) }
    }
    try tell(due, to: collector)
    if let every = window.trigger?.every, nextTelling == nil, teller.hasChanges { nextTelling = clock.now + every }
  }

  private func reserve(_ growth: Int, _ batch: RecordBatch) throws(Failure) {
    let added =
      growth + sessions.growth(to: table.slotCount + batch.rowCount, rows: batch.rowCount)
      + aggregates.growth(batch, slotCount: sessions.slotCount)
      + timers.growth(pushing: batch.rowCount)
    try reservation.set(byteCount + added, keyCount: table.count)
  }

  private var byteCount: Int {
    table.byteCount + sessions.byteCount + timers.byteCount + aggregates.byteCount + marks.byteCount
      + (teller?.byteCount ?? 0) + (entries?.byteCount ?? 0)
  }

  public func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    if !times.isProcessingTime { try move(to: time.microseconds, collector) }
  }

  public var wakeTime: ProcessingTime? {
    var wanted = nextTelling
    if times.isProcessingTime, let end = timers.nextTime {
      let time = ProcessingTime(microseconds: end)
      wanted = wanted.map { min($0, time) } ?? time
    }
    return wanted
  }

  public func wake(at time: ProcessingTime, to collector: any Collector) throws(Failure) {
    if let wanted = nextTelling, wanted <= time, let teller {
      nextTelling = nil
      try tell(teller.takeChanged(), to: collector)
    }
    if times.isProcessingTime { try move(to: time.microseconds, collector) }
  }

  /// As of a `WindowOperator`.
  public var makesWatermarks: Bool { window.delaysResults }

  public func inputBecame(idle: Bool, to collector: any Collector) { collector.follow(idle: idle) }

  public func finish(to collector: any Collector) throws(Failure) { try move(to: .max, collector) }

  /// Time has come so far: sessions that have ended are told, and those that take no more rows are forgotten.
  private func move(to time: Int64, _ collector: any Collector) throws(Failure) {
    guard time >= now else { return }
    now = time
    // At the end of the input nothing is waited for.
    let (past, isBeforeAll) = time.subtractingReportingOverflow(window.allowedLateness)
    closed = time == .max ? .max : isBeforeAll ? .min : past
    hasMore = true
    try proceed(to: collector)
  }

  public func proceed(to collector: any Collector) throws(Failure) {
    for _ in 0..<Self.callBatches {
      let due = timers.pop(upTo: teller == nil ? closed : now)
      if due.isEmpty {
        hasMore = false
        if makesWatermarks { collector.advance(to: EventTime(microseconds: closed)) }
        break
      }
      try look(at: due, collector)
    }
    try reservation.set(byteCount, keyCount: table.count)
  }

  private func look(at due: UnsafeBufferPointer<Timer>, _ collector: any Collector) throws(Failure) {
    var ended: [UInt32] = []
    var toTell: [UInt32] = []
    for index in 0..<min(Self.ahead, due.count) { sessions.prefetch(due[index]) }
    for index in 0..<due.count {
      if index &+ Self.ahead < due.count { sessions.prefetch(due[index &+ Self.ahead]) }
      guard let session = sessions.take(due[index]) else { continue }
      let (slot, end) = (session.pointee.slot, session.pointee.last + gap)
      if end <= closed {
        ended.append(slot)
        sessions.prefetchOwner(slot)
      } else {
        let isWaitingForLate = teller != nil && end <= now
        if isWaitingForLate { toTell.append(slot) }
        let next = isWaitingForLate ? end + window.allowedLateness : end
        sessions.schedule(session, of: due[index].tag, at: next, timers)
      }
    }
    if let teller {
      toTell += ended
      let changed = teller.takeChanged(among: toTell, count: toTell.count, byRows: 0)
      try tell(changed, to: collector)
    } else {
      try emit(ended, to: collector)
    }
    try end(ended)
  }

  private func tell(_ slots: [UInt32], to collector: any Collector) throws(Failure) {
    try teller?.tell(slots, sessions, table, aggregates, to: collector)
    entries?.changes.mark(slots, count: slots.count, slotCount: sessions.slotCount)
  }

  private func emit(_ ended: [UInt32], to collector: any Collector) throws(Failure) {
    let count = ended.count
    if count == 0 { return }
    let (starts, ends, keys) = (Buffer(byteCount: count * 8), Buffer(byteCount: count * 8), SlotBuffer(count: count))
    let (start, end) = (starts.unsafeMutableValues(Int64.self), ends.unsafeMutableValues(Int64.self))
    for (index, slot) in ended.enumerated() {
      let session = sessions.session(of: slot)
      keys.pointer[index] = sessions.key(of: slot)
      start[index] = session.first
      end[index] = session.last + gap
    }
    try collector.emit(
      rows.batch(
        keys: table.keys(of: keys.pointer, count: count), start: starts, end: ends,
        results: aggregates.results(ended, count: count), count: count), output: 0)
  }

  /// Forgets sessions that take no more rows.
  private func end(_ ended: [UInt32]) throws(Failure) {
    if ended.isEmpty { return }
    try entries?.forget(ended, sessions, table)
    var emptied: [UInt32] = []
    for slot in ended {
      let key = sessions.key(of: slot)
      // A key that comes twice is emptied by its last session.
      if sessions.end(slot) { emptied.append(key) }
    }
    teller?.forget(ended, count: ended.count)
    aggregates.reset(ended, count: ended.count)
    sessions.giveBack(ended, count: ended.count)
    removeKeys(emptied, emptied.count)
  }

  private func removeKeys(_ keys: UnsafePointer<UInt32>, _ count: Int) {
    if count == 0 { return }
    table.remove(keys, count: count)
    guard table.count == 0 else { return }
    sessions.removeAllKeys()
    aggregates.release(above: Self.keptBytes)
    // What waits is of sessions that were joined to others.
    if timers.count > 0 || timers.byteCount > Self.keptBytes { timers.removeAll() }
  }
}

extension SessionOperator: DepartingOperator {
  /// None where a clock tells what has changed of all of them.
  public var keyColumns: [[Int]] { [window.trigger?.every == nil ? keyIndices : []] }
  public var dueClock: DueClock? { times.isProcessingTime ? .processing : .event }

  /// When sessions end, and when they take no more rows.
  public func dueTimes(of entries: RecordBatch, table: Int, after _: Int64) -> [[Int64]] {
    let last = entries.columns[keyIndices.count + 1]
    let values = last.values(Int64.self)
    defer { withExtendedLifetime(last) {} }
    let ends = (0..<entries.length).map { min(values[$0].addingClamped(gap), endOfInput) }
    if window.allowedLateness == 0 { return [ends] }
    return [ends, ends.map { min($0.addingClamped(window.allowedLateness), endOfInput) }]
  }

  public func trackChanges() { entries = SessionEntries(stateTables, 1) }

  public func restore(_ rows: RecordBatch, table number: Int) throws(Failure) {
    if number == 0 { return savedTimes.restore(rows) }
    let (slots, values): (SlotBuffer, ArraySlice<Column>)
    if let entries {
      (slots, values) = try entries.restore(rows, sessions, table)
    } else {
      (slots, values) = try SessionEntries.restore(rows, stateTables[number], sessions, table)
    }
    try aggregates.grow(to: sessions.slotCount)
    let stateCount = teller == nil ? values.count : (values.count - 4) / 2
    try aggregates.merge(slots.pointer, count: slots.count, states: values.prefix(stateCount))
    try teller?.restore(slots, slotCount: sessions.slotCount, values.dropFirst(stateCount))
    for index in 0..<slots.count {
      let slot = slots.pointer[index]
      sessions.schedule(slot, at: sessions.session(of: slot).last + gap, timers)
    }
    try reservation.set(byteCount, keyCount: table.count)
  }

  public func restored() throws(Failure) {
    let own = savedTimes.own
    if let times = own ?? savedTimes.restored() { (now, closed) = (times[0], times[1]) }
    if let own {
      nextTelling = own[2] == .max ? nil : ProcessingTime(microseconds: own[2])
    } else if let every = window.trigger?.every, let teller, teller.hasChanges {
      nextTelling = clock.now + every
    }
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard let entries else { preconditionFailure("an operator notes changes before they are taken") }
    savedTimes.take([now, closed, nextTelling?.microseconds ?? .max], into: &changes, table: 0, stateTables)
    try entries.take(into: &changes, sessions, table) { slots throws(Failure) in
      let states = try aggregates.states(slots.rows, count: slots.count)
      guard let teller else { return states }
      return try states + teller.entries(of: slots)
    }
  }
}
