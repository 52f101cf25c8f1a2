import Arrow
import Base
import Dataflow
import VolleyPlan

/// Makes watermarks of a column's times: of each split of the source the latest so far, less what rows may be out of order, and of
/// those the least. It never goes back. Incoming watermarks end here.
///
/// Output 0: rows that have a time; output 1, if they are routed: those whose time is null.
public final class EventTimeOperator: Operator {
  private let column: Int
  private let outOfOrderness: Int64
  private let idleTimeout: Int64?
  private let undated: Plan.UndatedRows
  private let output: Schema
  private let clock: SubtaskClock
  private let input: InputCursor
  public let alignment: WatermarkAlignment?
  /// What a split has given: its latest time, and when its last row came.
  private var splits: [SplitID: (latest: Int64, lastRow: ProcessingTime)] = [:]
  /// What was told last.
  private var told = EventTime.earliest
  private var isIdle = false

  /// - Parameter output: the input's columns, with times that are never null.
  public init(_ spec: Plan.EventTime, input: Schema, output: Schema, in context: SubtaskContext) {
    guard let column = input.index(of: spec.column) else { preconditionFailure("planning has found the column") }
    self.column = column
    outOfOrderness = spec.outOfOrderness
    idleTimeout = spec.idleTimeout
    undated = spec.undated
    alignment = spec.alignment.map { WatermarkAlignment(group: $0.group, maxDrift: $0.maxDrift) }
    self.output = output
    clock = context.clock
    self.input = context.input
  }

  public var makesWatermarks: Bool { true }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    guard batch.rowCount > 0 else { return }
    isIdle = false
    let times = batch.compactedColumn(column)
    guard times.nullCount == 0 else { return try processUndated(batch.compacted(), times, to: collector) }
    try hand(on: batch, times, to: collector)
  }

  private func hand(on batch: RecordBatch, _ times: Column, to collector: any Collector) throws(Failure) {
    let latest = try EventTimes(times).latest
    var dated = batch
    dated.schema = output
    try collector.emit(dated, output: 0)
    guard let latest else { return }
    let former = splits[input.split]
    splits[input.split] = (
      max(latest, former?.latest ?? .min), idleTimeout == nil ? ProcessingTime(microseconds: 0) : clock.now
    )
    tell(collector)
  }

  public func splitsChanged(to collector: any Collector) throws(Failure) {
    splits = splits.filter { input.splits.contains($0.key) }
    tell(collector)
  }

  /// Tells the watermark when it has moved on.
  private func tell(_ collector: any Collector) {
    var least: Int64?
    for split in input.splits {
      // A split that has given nothing yet may give anything.
      guard let state = splits[split] else { return }
      if let idleTimeout, split != input.split, clock.now - state.lastRow >= idleTimeout { continue }
      least = min(least ?? state.latest, state.latest)
    }
    guard let least else { return }
    let (time, isBeforeAll) = least.subtractingReportingOverflow(outOfOrderness)
    guard !isBeforeAll, EventTime(microseconds: time) > told else { return }
    told = EventTime(microseconds: time)
    collector.advance(to: told)
  }

  private func processUndated(
    _ batch: RecordBatch, _ times: Column, to collector: any Collector
  ) throws(Failure) {
    let name = batch.schema.fields[column].name
    guard undated == .route else {
      let row = (0..<times.length).first { !times.isValid($0) } ?? 0
      let values = zip(batch.schema.fields, batch.columns).map { "\($0.name): \($1.text(at: row))" }
      throw Failure(
        .data,
        "the event time '\(name)' is null in the row (\(values.joined(separator: ", "))); correct it, filter such rows out "
          + "before, or give eventTime an 'undated' stream for them")
    }
    var rows: (dated: [Int], undated: [Int]) = ([], [])
    for row in 0..<times.length {
      if times.isValid(row) { rows.dated.append(row) } else { rows.undated.append(row) }
    }
    try collector.emit(batch.selecting(Selection(rows.undated)), output: 1)
    guard !rows.dated.isEmpty else { return }
    let dated = batch.selecting(Selection(rows.dated)).compacted()
    try hand(on: dated, dated.columns[column], to: collector)
  }

  /// Idle is who was looked at and had nothing, not who had to wait for others.
  public var wakeTime: ProcessingTime? {
    guard let idleTimeout, let since = input.quietSince, !isIdle else { return nil }
    return since + idleTimeout
  }

  public func wake(at now: ProcessingTime, to collector: any Collector) throws(Failure) {
    isIdle = true
    collector.becomeIdle()
  }
}
