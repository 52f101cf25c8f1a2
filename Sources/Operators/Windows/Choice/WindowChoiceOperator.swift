import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// Of the rows of each window, and of each key in it, those of the greatest or the least value.
///
/// Output 0: the row's columns, then `window_start` and `window_end` where rows do not tell their windows, window by
/// window in the order of their ends. Output 1, if late rows are routed: rows none of whose windows is open any more.
public final class WindowChoiceOperator: Operator {
  private let choice: Plan.WindowChoice
  private let keyIndices: [Int]
  private let keyTypes: [DataType]
  private let output: Schema
  private let keys: BestKeys
  private let series: WindowSeries?
  private var finder: PaneFinder
  /// In the order of their spans. A pane is a window, but of sliding and cumulative ones.
  private var panes: ArraySlice<ChoicePane> = []
  private let reservation: StateReservation
  private let metrics: StageMetrics
  private let isOfProcessingTime: Bool
  /// Windows that end at or before it are closed, and have been told.
  private var closed = Int64.min
  public let stateTables: [StateTable]
  private var times: SubtaskTimes
  private let input: Schema
  /// Nil when no epochs are taken.
  private var entries: PaneEntries?

  /// - Parameter output: the schema of output 0.
  public init(
    _ choice: Plan.WindowChoice, keys: [Int], time: RowTime, input: Schema, output: Schema,
    functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    self.choice = choice
    self.output = output
    keyIndices = keys
    keyTypes = keys.map { input.fields[$0].type }
    self.keys = try BestKeys(choice, input: input, functions: functions)
    series = try WindowSeries(choice.assigner)
    finder = try PaneFinder(time, choice.assigner)
    reservation = StateReservation(context.stateMemory)
    metrics = context.metrics
    isOfProcessingTime = choice.time == .processing
    self.input = input
    stateTables = try Self.stateTables(choice, keys: keys, input: input)
    times = SubtaskTimes(subtask: context.id.index, parallelism: context.parallelism)
  }

  /// What it keeps: up to when windows are told, and the best rows of each key and pane.
  public static func stateTables(
    _ choice: Plan.WindowChoice, keys: [Int], input: Schema
  ) throws(Failure) -> [StateTable] {
    let series = try WindowSeries(choice.assigner)
    let isShared = series.map { !$0.isTumbling } ?? false
    let name = "rows of the \(choice.takes.rawValue) value" + (isShared ? ", \(series?.text ?? "")" : "")
    return [
      SubtaskTimes.table("times", of: ["closed"]),
      WindowTables.table(
        name, keys: keys.map { input.fields[$0] }, value: input.fields.map { Field($0.name, .list(of: $0.type)) }),
    ]
  }

  public func open() throws(Failure) { try keys.open() }
  public func close() throws(Failure) { try keys.close() }

  public func process(_ batch: RecordBatch, input _: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let split = try finder.split(batch)
    try split.forEach(of: batch) { span, part throws(Failure) in
      if (series?.lastEnd(of: span) ?? span.end) <= closed {
        try handLate(part, to: collector)
        return
      }
      let (rows, order) = try keys.evaluate(part)
      if rows.rowCount == 0 { return }
      let pane = pane(span)
      try reservation.set(heldBytes + pane.growth(rows), keyCount: keyCount)
      try pane.add(rows, order)
    }
    try reservation.set(heldBytes, keyCount: keyCount)
  }

  private var heldBytes: Int { panes.reduce(0) { $0 + $1.byteCount } }
  private var keyCount: Int { panes.reduce(0) { $0 + $1.keyCount } }

  private func handLate(_ part: RecordBatch, to collector: any Collector) throws(Failure) {
    switch choice.late {
    case .drop: metrics.addLateDropped(rows: part.rowCount)
    case .route:
      metrics.addLateRouted(rows: part.rowCount)
      try collector.emit(part, output: 1)
    }
  }

  /// The pane of a span, made when there is none. New ones come at the end as a rule.
  private func pane(_ span: WindowSpan) -> ChoicePane {
    var place = panes.endIndex
    while place > panes.startIndex, panes[place - 1].span > span { place -= 1 }
    if place > panes.startIndex, panes[place - 1].span == span { return panes[place - 1] }
    let pane = ChoicePane(span, keys: keyIndices, types: keyTypes, tracksChanges: entries != nil)
    panes.insert(pane, at: place)
    return pane
  }

  public func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    if isOfProcessingTime { return }
    let (passed, isBeforeAll) = time.microseconds.subtractingReportingOverflow(choice.allowedLateness)
    if !isBeforeAll { try close(upTo: passed, to: collector) }
  }

  public var wakeTime: ProcessingTime? {
    isOfProcessingTime ? nextWindow.map { ProcessingTime(microseconds: $0.end) } : nil
  }

  public func wake(at now: ProcessingTime, to collector: any Collector) throws(Failure) {
    try close(upTo: now.microseconds, to: collector)
  }

  public func finish(to collector: any Collector) throws(Failure) { try close(upTo: .max, to: collector) }

  /// The next window that has rows and has not been told.
  private var nextWindow: WindowSpan? {
    guard let first = panes.first else { return nil }
    guard let series else { return first.span }
    return series.first(of: first.span, endingAfter: closed)
  }

  private func close(upTo time: Int64, to collector: any Collector) throws(Failure) {
    guard time > closed else { return }
    while let window = nextWindow, window.end <= time {
      let own = panes.prefix { $0.span.start < window.end }
      if own.count == 1, let pane = own.first {
        try tell(pane, window, to: collector)
      } else if series == nil, let pane = own.first {
        try tell(pane, window, to: collector)
      } else {
        try tell(together(own, window), window, to: collector)
      }
      closed = window.end
      if let series {
        let start = series.nextStart(after: window)
        while let pane = panes.first, pane.span.start < start {
          panes.removeFirst()
          try forget(pane)
        }
      } else {
        try forget(panes.removeFirst())
      }
      try reservation.set(heldBytes, keyCount: keyCount)
    }
    closed = max(closed, time)
  }

  private func forget(_ pane: ChoicePane) throws(Failure) {
    guard var entries else { return }
    try entries.forget(pane.changes?.forgetAll(), of: pane.table, pane.span)
    self.entries = entries
  }

  /// The best rows of several panes. There are few of them.
  private func together(_ panes: ArraySlice<ChoicePane>, _ window: WindowSpan) throws(Failure) -> ChoicePane {
    let whole = ChoicePane(window, keys: keyIndices, types: keyTypes)
    for pane in panes {
      try pane.eachBatch { rows, order throws(Failure) in try whole.add(rows, order) }
    }
    return whole
  }

  private func tell(_ pane: ChoicePane, _ window: WindowSpan, to collector: any Collector) throws(Failure) {
    try pane.eachBatch { rows, _ throws(Failure) in
      var columns = rows.columns
      for bound in [window.start, window.end] where columns.count < output.fields.count {
        columns.append(
          Column(
            type: output.fields[columns.count].type, length: rows.length, validity: nil,
            buffers: [WindowRows.constant(bound, rows.length)]))
      }
      try collector.emit(RecordBatch(schema: output, columns: columns, length: rows.length), output: 0)
    }
  }
}

extension WindowChoiceOperator: DepartingOperator {
  public func trackChanges() { entries = PaneEntries(stateTables, 1) }

  public func restore(_ rows: RecordBatch, table: Int) throws(Failure) {
    if table == 0 { return times.restore(rows) }
    try PaneEntries.forEach(of: rows, keyCount: keyIndices.count) { span, part throws(Failure) in
      let columns = part.values.map(\.items)
      let batch = RecordBatch(schema: input, columns: columns, length: columns.first?.length ?? 0)
      let (best, order) = try keys.evaluate(batch)
      let pane = pane(span)
      try pane.add(best, order)
      try pane.markStored(part.keys, count: part.count)
    }
    try reservation.set(heldBytes, keyCount: keyCount)
  }

  /// None in processing time, in which windows end at one time for all keys and are told by a clock.
  public var keyColumns: [[Int]] { [isOfProcessingTime ? [] : keyIndices] }
  public var dueClock: DueClock? { .event }
  public var isDueInTurn: Bool { true }

  /// The watermark that closes the next window of a pane.
  public func dueTimes(of entries: RecordBatch, table: Int, after time: Int64) -> [[Int64]] {
    let bounds = entries.columns[keyIndices.count..<keyIndices.count + 2]
    let (passed, isBeforeAll) = time.subtractingReportingOverflow(choice.allowedLateness)
    let ends = WindowTables.dueTimes(bounds, series, after: max(closed, isBeforeAll ? .min : passed))
    return [ends.map { $0.addingClamped(choice.allowedLateness) }]
  }

  public func restored() {
    if let times = times.own ?? times.restored() { closed = times[0] }
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard var entries else { preconditionFailure("an operator notes changes before they are taken") }
    times.take([closed], into: &changes, table: 0, stateTables)
    try entries.takeGone(into: &changes)
    for pane in panes {
      try entries.take(pane.changes, of: pane.table, pane.span, into: &changes) { slots throws(Failure) in
        try pane.lists(slots)
      }
    }
    self.entries = entries
  }
}
