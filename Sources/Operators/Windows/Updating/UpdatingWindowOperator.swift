import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// The windows of `WindowOperator` with results that are corrected: a window tells its results when the watermark
/// passes its end, by a trigger also before, and tells what late rows change of them until the allowed lateness has
/// passed.
///
/// Output 0: `row_kind`, then the columns of `WindowOperator`'s results. Output 1, if late rows are routed: as there.
///
/// Without a trigger windows share panes until they fire. With one each window has its rows for itself, so that what it
/// costs grows with the number of windows that a row is in.
public final class UpdatingWindowOperator: Operator {
  private let window: Plan.Window
  private let trigger: Plan.WindowTrigger?
  private let input: WindowRowInput
  private let series: WindowSeries?
  private let aggregates: AggregateSet
  private let store: any WindowStore
  private let pool: PanePool
  private let schema: Schema
  private let rows: WindowRows
  private let reservation: StateReservation
  private let metrics: StageMetrics
  /// The windows that may be told again.
  private var told = ToldWindows()
  private let clock: SubtaskClock
  private let isProcessingTime: Bool
  /// When the trigger tells changes next; nil when there are none.
  private var nextTelling: ProcessingTime?
  /// The watermark, or the processing time.
  private var now = Int64.min
  public let stateTables: [StateTable]
  private var times: SubtaskTimes
  /// Nil when no epochs are taken.
  private var entries: PaneEntries?

  /// As of `WindowOperator`.
  public init(
    _ window: Plan.Window, input: WindowOperator.Input, records: Schema, output: Schema,
    functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    self.window = window
    trigger = window.trigger
    self.input = try WindowRowInput(window, input, records: records, functions: functions)
    series = try WindowSeries(window.assigner)
    let keyTypes = output.fields.dropFirst().prefix(self.input.keyCount).map(\.type)
    aggregates = try AggregateSet(window.aggregates, input: records, functions: functions)
    pool = PanePool(keyTypes: keyTypes, aggregates: aggregates)
    store = makeWindowStore(series, keyTypes: keyTypes, aggregates: aggregates)
    schema = output
    rows = WindowRows(output)
    reservation = StateReservation(context.stateMemory)
    metrics = context.metrics
    clock = context.clock
    isProcessingTime = window.time == .processing
    stateTables = try Self.stateTables(
      window, keys: Array(output.fields.dropFirst().prefix(self.input.keyCount)), records: records)
    times = SubtaskTimes(subtask: context.id.index, parallelism: context.parallelism)
  }

  /// What it keeps: times, the rows of windows to come, and the windows that may be told again.
  static func stateTables(_ window: Plan.Window, keys: [Field], records: Schema) throws(Failure) -> [StateTable] {
    let told =
      try AggregateSet.namedStateFields(window.aggregates, input: records)
      + Revisions.fields(window.aggregates, records: records)
    return [SubtaskTimes.table("times", of: ["now", "next_telling"] + (try WindowTables.timesOfStore(window)))]
      + (try WindowTables.ofStore(window, keys: keys, records: records))
      + [WindowTables.table("told windows", keys: keys, value: told)]
  }

  public func open() throws(Failure) { try aggregates.open(with: input.arguments) }
  public func close() throws(Failure) { try aggregates.close(with: input.arguments) }

  public func process(_ batch: RecordBatch, input _: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let split = try input.split(batch)
    try split.forEach(of: batch) { span, part throws(Failure) in
      if lateness(of: series?.lastEnd(of: span) ?? span.end) <= now {
        try input.handLate(part, window.late, metrics, to: collector)
      } else {
        try add(part, to: span, collector)
      }
    }
    if let every = trigger?.every, nextTelling == nil, told.hasChanges {
      nextTelling = clock.now + every
    }
  }

  /// When a window with that end takes no more rows.
  private func lateness(of end: Int64) -> Int64 {
    let (time, isBeyond) = end.addingReportingOverflow(window.allowedLateness)
    return isBeyond ? .max : time
  }

  private func add(_ batch: RecordBatch, to span: WindowSpan, _ collector: any Collector) throws(Failure) {
    let part = try input.part(batch)
    let (past, isBeforeAll) = now.subtractingReportingOverflow(window.allowedLateness)
    var next = first(of: span, endingAfter: isBeforeAll ? .min : past)
    while let window = next, window.end <= now || trigger != nil {
      try revise(window, part, collector)
      next = first(of: span, endingAfter: window.end)
    }
    if trigger != nil || (series?.lastEnd(of: span) ?? span.end) <= now { return }
    try store.add(part, to: span, reservation, held: byteCount)
  }

  private func first(of span: WindowSpan, endingAfter time: Int64) -> WindowSpan? {
    if let series { return series.first(of: span, endingAfter: time) }
    return span.end > time ? span : nil
  }

  /// Adds rows to a window that may have told results, and tells what is to be told at once.
  private func revise(
    _ span: WindowSpan, _ part: WindowRowInput.Part, _ collector: any Collector
  ) throws(Failure) {
    let known = told[span]
    let revised = known ?? RevisedWindow(pool.take(span))
    if known == nil { told.insert(revised) }
    try reservation.set(byteCount + revised.growth(part.keys, part.batch), keyCount: keyCount)
    try told.update(revised) { () throws(Failure) in
      let least = span.end <= now ? 0 : trigger?.everyRows.map { Int64($0) }
      let due = try revised.add(part, tellingBy: least)
      if !due.isEmpty {
        try revised.tell(due, schema) { batch throws(Failure) in try collector.emit(batch, output: 0) }
      }
    }
    // One that has ended tells its changes as they come.
    if span.end > now { told.noteChanges(revised) }
  }

  private func tell(_ windows: [RevisedWindow], _ collector: any Collector) throws(Failure) {
    for window in windows {
      try told.update(window) { () throws(Failure) in
        try window.tell(schema) { batch throws(Failure) in try collector.emit(batch, output: 0) }
      }
    }
  }

  private var byteCount: Int { store.byteCount + told.byteCount }
  private var keyCount: Int { store.keyCount + told.keyCount }

  public func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    if !isProcessingTime { try move(to: time.microseconds, collector) }
  }

  public var wakeTime: ProcessingTime? {
    var wanted = nextTelling
    if isProcessingTime {
      for end in [told.firstEnd(after: now), told.firstEnd.map(lateness(of:)), store.nextWindow(endingAfter: now)?.end]
      {
        guard let end else { continue }
        let time = ProcessingTime(microseconds: end)
        wanted = wanted.map { min($0, time) } ?? time
      }
    }
    return wanted
  }

  public func wake(at time: ProcessingTime, to collector: any Collector) throws(Failure) {
    if let wanted = nextTelling, wanted <= time {
      nextTelling = nil
      try tell(told.takeChanged(), collector)
    }
    if isProcessingTime { try move(to: time.microseconds, collector) }
  }

  public func finish(to collector: any Collector) throws(Failure) { try move(to: .max, collector) }

  /// Time has come so far: what ends is told, and what takes no more rows is forgotten.
  private func move(to time: Int64, _ collector: any Collector) throws(Failure) {
    guard time >= now else { return }
    let former = now
    while let next = store.nextWindow(endingAfter: now), next.end <= time {
      try fire(next, collector)
      now = next.end
    }
    now = time
    try tell(told.takeChanged(endingAfter: former, upTo: time), collector)
    while let gone = told.popFirst(where: { lateness(of: $0) <= time }) {
      guard var entries else { continue }
      try gone.forget(&entries)
      self.entries = entries
    }
    try reservation.set(byteCount, keyCount: keyCount)
  }

  /// Tells the results of a window whose rows were shared with others, and keeps them as long as they may change.
  private func fire(_ span: WindowSpan, _ collector: any Collector) throws(Failure) {
    let kept = window.allowedLateness > 0 ? RevisedWindow(pool.take(span)) : nil
    try store.fire(span) { keys, aggregates, slots throws(Failure) in
      let results = try aggregates.results(slots.pointer, count: slots.count)
      try collector.emit(rows.batch(span, keys: keys, results: results, count: slots.count), output: 0)
      try kept?.take(keys, aggregates, slots)
    }
    if let kept { told.insert(kept) }
    try reservation.set(byteCount, keyCount: keyCount)
  }
}

extension UpdatingWindowOperator: DepartingOperator {
  /// None where a clock tells what has changed of all windows, in processing time, and where panes of several windows are merged.
  public var keyColumns: [[Int]] {
    [series?.isTumbling ?? true && trigger?.every == nil && !isProcessingTime ? input.keyIndices : []]
  }

  public var dueClock: DueClock? { .event }
  public var isDueInTurn: Bool { true }

  /// When a window ends, or else when it takes no more rows.
  public func dueTimes(of entries: RecordBatch, table: Int, after time: Int64) -> [[Int64]] {
    let ends = entries.columns[input.keyCount + 1]
    let values = ends.values(Int64.self)
    defer { withExtendedLifetime(ends) {} }
    let after = max(now, time)
    return [
      (0..<entries.length).map { row in
        let end = values[row]
        let late = lateness(of: end)
        return end > after ? end : late > after ? late : .max
      }
    ]
  }

  public func brought() throws(Failure) {
    noteChanges()
    try reservation.set(byteCount, keyCount: keyCount)
  }

  /// One that has ended tells its changes as they come.
  private func noteChanges() {
    for window in told.all where window.span.end > now { told.noteChanges(window) }
  }

  public func trackChanges() {
    pool.tracksChanges = true
    store.trackChanges(stateTables)
    entries = PaneEntries(stateTables, stateTables.count - 1)
  }

  public func restore(_ rows: RecordBatch, table: Int) throws(Failure) {
    switch table {
    case 0: return times.restore(rows)
    case stateTables.count - 1:
      try PaneEntries.forEach(of: rows, keyCount: input.keyCount) { span, part throws(Failure) in
        let known = told[span]
        let window = known ?? RevisedWindow(pool.take(span))
        if known == nil { told.insert(window) }
        try told.update(window) { () throws(Failure) in try window.restore(part) }
      }
    default: try store.restore(rows, table: table)
    }
    try reservation.set(byteCount, keyCount: keyCount)
  }

  public func restored() throws(Failure) {
    let own = times.own
    if let times = own ?? times.restored() { now = times[0] }
    try store.restored(own.map { Array($0.dropFirst(2)) })
    noteChanges()
    if let own {
      nextTelling = own[1] == .max ? nil : ProcessingTime(microseconds: own[1])
    } else if let every = trigger?.every, told.hasChanges {
      nextTelling = clock.now + every
    }
    try reservation.set(byteCount, keyCount: keyCount)
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard var entries else { preconditionFailure("an operator notes changes before they are taken") }
    times.take(
      [now, nextTelling?.microseconds ?? .max] + store.times, into: &changes, table: 0, stateTables)
    try store.takeChanges(into: &changes)
    try entries.takeGone(into: &changes)
    for window in told.all { try window.takeChanges(entries, into: &changes) }
    self.entries = entries
  }
}
