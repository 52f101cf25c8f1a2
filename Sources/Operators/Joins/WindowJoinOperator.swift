import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// Joins the rows of a key that are in one window of fixed place in time, when the watermark passes its end.
///
/// A row is kept once, until the last of its windows has been told; one that comes behind that is late, and counted. One
/// that is in no window, since windows leave gaps, is not kept.
final class WindowJoinOperator: RowKeepingJoin {
  private let rows: WindowJoinRows
  private let teller: WindowJoinTeller
  var search: JoinSearch { teller.search }
  var state: JoinState { rows.state }
  private var series: WindowSeries
  /// The panes that have rows, in order.
  private var panes: [WindowSpan] = []
  private let metrics: StageMetrics
  /// Windows that end at or before it have been told.
  private var told = Int64.min
  private var times: SubtaskTimes
  let steps = PendingSteps()
  /// Slots looked at together.
  private static let slotCount = 8_192

  init(
    _ join: Plan.Join, _ series: WindowSeries, layout: JoinLayout, functions: any ScalarFunctionProvider,
    context: SubtaskContext
  ) throws(Failure) {
    self.series = series
    metrics = context.metrics
    times = SubtaskTimes(subtask: context.id.index, parallelism: context.parallelism)
    rows = WindowJoinRows(join.kind, layout, memory: context.stateMemory)
    teller = try WindowJoinTeller(join, layout, rows.state, steps, functions: functions)
  }

  // MARK: State

  /// Those of rows, then up to when windows have been told.
  static func tables(_ layout: JoinLayout) -> [StateTable] {
    WindowJoinRows.format(layout).tables + [SubtaskTimes.table("$told", of: ["time"])]
  }

  var stateTables: [StateTable] { Self.tables(state.layout) }

  func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    guard table < state.format.inputs.count else { return times.restore(entries) }
    guard let rowTimes = try state.restore(entries, table: table).times else { return }
    for span in try PaneSplit(rowTimes.pointer, count: rowTimes.count, &series).spans { insert(span) }
    withExtendedLifetime(rowTimes) {}
  }

  func restored() throws(Failure) {
    if let times = times.restored() { told = times[0] }
    panes.removeAll { series.first(of: $0, endingAfter: told) == nil }
    try state.settle()
  }

  func takeChanges(into changes: inout StateChanges) throws(Failure) {
    try state.takeChanges(into: &changes)
    times.take([told], into: &changes, table: state.format.inputs.count, stateTables)
  }

  var dueClock: DueClock? { .event }
  var isDueInTurn: Bool { true }

  /// The end of the next window that a row is in.
  func dueTimes(of entries: RecordBatch, table: Int, after time: Int64) throws(Failure) -> [[Int64]] {
    guard table < state.format.inputs.count, let times = try state.times(of: entries, table: table) else { return [] }
    defer { withExtendedLifetime(times) {} }
    let panes = (0..<times.count).map { series.pane(at: times.pointer[$0]) }
    return [WindowTables.dueTimes(panes, series, after: max(told, time))]
  }

  // MARK: Rows

  func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let batch = batch.compacted()
    let times = try rows.times(of: batch, input: input)
    let split = try PaneSplit(times.pointer, count: times.count, &series)
    withExtendedLifetime(times) {}
    let places = split.spans.map(place(of:))
    for (span, place) in zip(split.spans, places) where place == .inWindows { insert(span) }
    guard places.contains(where: { $0 != .inWindows }) else {
      try rows.append(batch, input: input)
      return
    }
    var lateCount = 0
    var timely: [Int] = []
    let targets = split.spanOfRow?.values(UInt32.self)
    for row in 0..<batch.length {
      switch places[targets.map { Int($0[row]) } ?? 0] {
      case .inWindows: timely.append(row)
      case .late: lateCount += 1
      case .between: break
      }
    }
    withExtendedLifetime(split) {}
    if lateCount > 0 { metrics.addLateDropped(rows: lateCount) }
    if !timely.isEmpty { try rows.append(batch.selecting(Selection(timely)).compacted(), input: input) }
  }

  private enum Place {
    case inWindows
    /// The last of its windows has been told.
    case late
    /// Between two windows that leave a gap: it is in none, and not kept.
    case between
  }

  private func place(of pane: WindowSpan) -> Place {
    if series.lastEnd(of: pane) <= told { return .late }
    return series.first(of: pane, endingAfter: told) == nil ? .between : .inWindows
  }

  private func insert(_ span: WindowSpan) {
    // Rows come in order of time, or nearly so.
    var index = panes.count
    while index > 0, panes[index - 1] > span { index -= 1 }
    if index > 0, panes[index - 1] == span { return }
    panes.insert(span, at: index)
  }

  func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    try tell(upTo: time.microseconds, to: collector)
  }

  func finish(to collector: any Collector) throws(Failure) { try tell(upTo: .max, to: collector) }

  private func tell(upTo time: Int64, to collector: any Collector) throws(Failure) {
    guard time > told else { return }
    steps.loop { [self] in
      guard let window = nextWindow, window.end <= time else {
        told = time
        return false
      }
      tell(window)
      steps.add { [self] () throws(Failure) in
        told = window.end
        panes.removeAll { series.first(of: $0, endingAfter: told) == nil }
        try rows.remove(before: series.nextStart(after: window))
      }
      return true
    }
    try steps.run(to: collector)
  }

  private var nextWindow: WindowSpan? {
    for pane in panes { if let window = series.first(of: pane, endingAfter: told) { return window } }
    return nil
  }

  private func tell(_ window: WindowSpan) {
    let all = rows.state.slotCount
    var first = 0
    steps.loop { [self] in
      if first >= all { return false }
      defer { first += Self.slotCount }
      var windows = JoinWindows()
      for slot in first..<min(all, first + Self.slotCount) {
        windows.append(UInt32(slot), from: window.start, to: window.end - 1, of: window)
      }
      teller.tell(windows)
      return true
    }
  }
}
