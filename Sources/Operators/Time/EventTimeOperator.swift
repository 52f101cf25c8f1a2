import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// Makes watermarks of a column's times: of each split of the source the latest so far, less what rows may be out of
/// order, and of those the least. It never goes back. Incoming watermarks end here. With code of the user's, that tells
/// times and watermarks of splits.
///
/// Output 0: rows that have a time; output 1, if they are routed: those whose time is null.
public final class EventTimeOperator: StatefulOperator {
  private let column: Int
  private let outOfOrderness: Int64
  private let idleTimeout: Int64?
  private let undated: Plan.UndatedRows
  private let output: Schema
  private let clock: SubtaskClock
  private let input: InputCursor
  public let alignment: WatermarkAlignment?
  /// The splits that are being read.
  private var splits: [SplitID: Split] = [:]
  /// How far splits had come that may be read again.
  private var former: [SplitID: Int64] = [:]
  private let subtask: Int
  private let parallelism: Int
  /// How far splits had come when changes were taken last.
  private var taken: [SplitID: Int64] = [:]
  /// The user's code; nil when the column is the time.
  private let assigned: AssignedTimes?
  private let period: Int64?
  /// When the user's code is asked for watermarks next; nil before the first row.
  private var nextQuestion: ProcessingTime?
  /// When the user's code last brought the watermark on without a row.
  private var lastNews: ProcessingTime?
  /// What was told last.
  private var told = EventTime.earliest
  private var isIdle = false

  /// - Parameters:
  ///   - output: the input's columns, with times that are never null.
  ///   - assigned: what makes the column of times; nil when there is one.
  public init(
    _ spec: Plan.EventTime, input: Schema, output: Schema, assigned: AssignedTimes? = nil, in context: SubtaskContext
  ) {
    guard let column = output.index(of: spec.column) else { preconditionFailure("planning has found the column") }
    self.assigned = assigned
    period = spec.assigner?.period
    self.column = column
    outOfOrderness = spec.outOfOrderness
    idleTimeout = spec.idleTimeout
    undated = spec.undated
    alignment = spec.alignment.map { WatermarkAlignment(group: $0.group, maxDrift: $0.maxDrift) }
    self.output = output
    clock = context.clock
    self.input = context.input
    subtask = context.id.index
    parallelism = context.parallelism
    for split in context.input.splits { splits[split] = Split(lastRow: 0) }
  }

  /// How far those have come that are not read any more.
  private var latestEnded: Int64?
  /// How long the source had been read when it was last seen which splits are idle.
  private var toldAfter: Int64 = 0

  private struct Split {
    /// How far its rows have brought it; nil before the first one, when it may give anything.
    var latest: Int64?
    /// How long the source had been read when it gave its last row, or began: `InputCursor.timeRead`.
    var lastRow: Int64
  }

  public var makesWatermarks: Bool { true }

  public func inputBecame(idle: Bool, to collector: any Collector) {
    isIdle = idle
    collector.follow(idle: idle)
  }

  public func open() throws(Failure) { try assigned?.code.open() }
  public func close() throws(Failure) { try assigned?.code.close() }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    guard batch.rowCount > 0 else { return }
    isIdle = false
    if let assigned { return try process(batch.compacted(), assigned, to: collector) }
    let times = batch.compactedColumn(column)
    guard times.nullCount == 0 else { return try processUndated(batch.compacted(), times, to: collector) }
    try hand(on: batch, times, to: collector)
  }

  private func process(
    _ batch: RecordBatch, _ assigned: AssignedTimes, to collector: any Collector
  ) throws(Failure) {
    let now = clock.now
    let made = try assigned.assign(batch, split: input.split, at: now)
    if let period, nextQuestion == nil { nextQuestion = now + period }
    guard made.times.nullCount > 0 else { return try hand(on: made.batch, watermark: made.watermark, to: collector) }
    let rows = try undatedRows(of: batch, made.times)
    try collector.emit(batch.selecting(Selection(rows.undated)), output: 1)
    try hand(on: made.batch.selecting(Selection(rows.dated)).compacted(), watermark: made.watermark, to: collector)
  }

  private func hand(on batch: RecordBatch, _ times: Column, to collector: any Collector) throws(Failure) {
    guard let latest = try EventTimes(times).latest else { return }
    try hand(on: batch, watermark: latest, to: collector)
  }

  /// - Parameter watermark: how far the rows bring their split; `Int64.min`: no further.
  private func hand(on batch: RecordBatch, watermark: Int64, to collector: any Collector) throws(Failure) {
    var dated = batch
    dated.schema = output
    if dated.rowCount > 0 { try collector.emit(dated, output: 0) }
    let latest = splits[input.split]?.latest ?? former[input.split] ?? .min
    splits[input.split] = Split(latest: max(watermark, latest), lastRow: timeRead)
    tell(collector)
  }

  public func splitsChanged(to collector: any Collector) throws(Failure) {
    if let assigned { for split in splits.keys where !input.splits.contains(split) { assigned.code.endSplit(split) } }
    var hasEnded = false
    for (split, state) in splits where !input.splits.contains(split) {
      if let latest = state.latest { latestEnded = max(latestEnded ?? latest, latest) }
      splits[split] = nil
      former[split] = nil
      hasEnded = true
    }
    for split in input.splits where splits[split] == nil {
      splits[split] = Split(latest: former[split], lastRow: timeRead)
    }
    // One that begins lets nothing go. After a restart they begin one after the other, each as far as it had come, and
    // those that are still to begin may be behind it.
    if hasEnded { tell(collector) }
  }

  // MARK: State

  /// How far the splits of each subtask have come. They have other numbers where there are more or fewer subtasks.
  private static let splitTable = StateTable(
    "splits", scope: .subtask, key: [], namespace: [Field("split", .int64, nullable: false)],
    value: ["subtask", "parallelism", "latest"].map { Field($0, .int64, nullable: false) })
  /// Stands for those that are not read any more.
  private static let ended = SplitID(-1)

  /// What it keeps.
  public static let stateTables = [splitTable]
  public var stateTables: [StateTable] { Self.stateTables }
  public func trackChanges() {}

  public func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    let columns = entries.columns.map { $0.values(Int64.self) }
    for row in 0..<entries.length
    where columns[1][row] == Int64(subtask) && columns[2][row] == Int64(parallelism) {
      let split = SplitID(Int(columns[0][row]))
      taken[split] = columns[3][row]
      if split == Self.ended { latestEnded = columns[3][row] } else { former[split] = columns[3][row] }
    }
    withExtendedLifetime(entries) {}
    for (split, latest) in former where splits[split] != nil { splits[split]?.latest = latest }
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    var now = former
    for (split, state) in splits { now[split] = state.latest }
    if let latestEnded { now[Self.ended] = latestEnded }
    let changed = now.filter { taken[$0.key] != $0.value }
    let gone = taken.keys.filter { now[$0] == nil }
    taken = now
    func column(_ values: [Int64]) -> Column {
      let builder = FixedBuilder<Int64>(.int64)
      for value in values { builder.append(value) }
      return builder.finish()
    }
    if !gone.isEmpty {
      let numbers = [column(gone.map { Int64($0.number) })]
      changes.remove(RecordBatch(schema: Self.splitTable.address, columns: numbers, length: gone.count), table: 0)
    }
    let count = changed.count
    if count == 0 { return }
    let columns = [
      changed.keys.map { Int64($0.number) }, [Int64](repeating: Int64(subtask), count: count),
      [Int64](repeating: Int64(parallelism), count: count), Array(changed.values),
    ]
    changes.put(
      RecordBatch(schema: Self.splitTable.entry, columns: columns.map(column), length: count), table: 0)
  }

  /// How long the source has been read; 0 where nothing asks for it.
  private var timeRead: Int64 { idleTimeout == nil ? 0 : input.timeRead(at: clock.now) }

  /// Tells the watermark when it has moved on. False when it has not.
  @discardableResult
  private func tell(_ collector: any Collector) -> Bool {
    let timeRead = timeRead
    toldAfter = timeRead
    var least: Int64?
    var greatest = latestEnded
    for split in splits.values {
      if let latest = split.latest { greatest = max(greatest ?? latest, latest) }
      if let idleTimeout, timeRead - split.lastRow >= idleTimeout { continue }
      guard let latest = split.latest else { return false }
      least = min(least ?? latest, latest)
    }
    // When all are idle or have ended, in whatever order, each would have let it go alone as far as it had come.
    guard let least = least ?? greatest else { return false }
    let (time, isBeforeAll) = least.subtractingReportingOverflow(outOfOrderness)
    guard !isBeforeAll, EventTime(microseconds: time) > told else { return false }
    told = EventTime(microseconds: time)
    collector.advance(to: told)
    return true
  }

  private func processUndated(
    _ batch: RecordBatch, _ times: Column, to collector: any Collector
  ) throws(Failure) {
    let rows = try undatedRows(of: batch, times)
    try collector.emit(batch.selecting(Selection(rows.undated)), output: 1)
    guard !rows.dated.isEmpty else { return }
    let dated = batch.selecting(Selection(rows.dated)).compacted()
    try hand(on: dated, dated.columns[column], to: collector)
  }

  /// The rows that have a time, and those that have none.
  ///
  /// - Throws: `data` when the latter stop the job.
  private func undatedRows(of batch: RecordBatch, _ times: Column) throws(Failure) -> (dated: [Int], undated: [Int]) {
    guard undated == .route else {
      let row = (0..<times.length).first { !times.isValid($0) } ?? 0
      throw Failure(
        .data,
        "the event time '\(output.fields[column].name)' is null in the row \(batch.rowText(row)); correct it, filter such rows out "
          + "before, or give eventTime an 'undated' stream for them")
    }
    var rows: (dated: [Int], undated: [Int]) = ([], [])
    for row in 0..<times.length {
      if times.isValid(row) { rows.dated.append(row) } else { rows.undated.append(row) }
    }
    return rows
  }

  private var idleTime: ProcessingTime? {
    guard let idleTimeout, let since = input.quietSince, !isIdle else { return nil }
    return max(since, lastNews ?? since) + idleTimeout
  }

  /// When the next of several splits becomes idle, if none gives a row until then.
  private var splitIdleTime: ProcessingTime? {
    guard let idleTimeout, let since = input.quietSince, splits.count > 1 else { return nil }
    var next: Int64?
    for split in splits.values where toldAfter - split.lastRow < idleTimeout {
      next = min(next ?? .max, split.lastRow)
    }
    return next.map { since + idleTimeout + ($0 - input.timeRead(at: since)) }
  }

  /// Idle is who was looked at and had nothing, not who had to wait for others.
  public var wakeTime: ProcessingTime? {
    var first = idleTime
    for time in [nextQuestion, splitIdleTime] {
      if let time { first = min(first ?? time, time) }
    }
    return first
  }

  public func wake(at now: ProcessingTime, to collector: any Collector) throws(Failure) {
    if let assigned, let period, let nextQuestion, nextQuestion <= now {
      self.nextQuestion = now + period
      for (split, state) in splits {
        guard let former = state.latest else { continue }
        let watermark = try assigned.code.advance(split: split, at: now)
        if watermark > former { splits[split] = Split(latest: watermark, lastRow: timeRead) }
      }
      if tell(collector) {
        isIdle = false
        lastNews = now
      }
    }
    if let splitIdleTime, splitIdleTime <= now { tell(collector) }
    if let idleTime, idleTime <= now {
      isIdle = true
      collector.becomeIdle()
    }
  }
}
