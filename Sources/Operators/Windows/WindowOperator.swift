import Arrow
import Base
import Dataflow
import Expressions
import Observability
import VolleyPlan

/// Aggregates of windows at fixed places in time: tumbling, sliding and cumulative ones, and those that rows tell
/// themselves.
///
/// Output 0: the key columns, `window_start`, `window_end`, one column an aggregate; a batch or more a window, in the
/// order of their ends. Output 1, if late rows are routed: rows none of whose windows is open any more, as they came.
public final class WindowOperator: Operator {
  /// What the rows of the input are.
  public enum Input {
    /// Records, with the key in these columns.
    case records(keys: [Int], time: RowTime)
    /// What a `WindowCombineOperator` made of them: that many key columns, then more.
    case partials(keyCount: Int)
  }

  private let window: Plan.Window
  private let keyIndices: [Int]
  /// Where partial aggregates have what; nil when records arrive.
  private let partials: WindowPartials?
  private var finder: PaneFinder
  private let series: WindowSeries?
  private let arguments: AggregateArguments?
  private let store: any WindowStore
  private let rows: WindowRows
  private let reservation: StateReservation
  private let metrics: StageMetrics
  /// Nil when event time decides.
  private let clock: SubtaskClock?
  /// Windows that end at or before it are closed.
  private var closed = Int64.min
  /// Windows that end at or before it have fired.
  private var fired = Int64.min

  /// - Parameters:
  ///   - records: the schema of the records, also when partial aggregates arrive: the arguments are typed by it.
  ///   - output: the schema of output 0.
  public init(
    _ window: Plan.Window, input: Input, records: Schema, output: Schema, functions: any ScalarFunctionProvider,
    context: SubtaskContext
  ) throws(Failure) {
    self.window = window
    let time: RowTime
    switch input {
    case .records(let keys, let rowTime):
      keyIndices = keys
      time = rowTime
      partials = nil
      arguments = try AggregateArguments(window.aggregates, input: records, functions: functions)
    case .partials(let keyCount):
      let columns = WindowPartials(keyCount: keyCount)
      keyIndices = Array(0..<keyCount)
      time = .bounds(start: columns.start, end: columns.end)
      partials = columns
      arguments = nil
    }
    if case .processing(let clock) = time { self.clock = clock } else { clock = nil }
    finder = try PaneFinder(time, window.assigner)
    series = try WindowSeries(window.assigner)
    let keyTypes = output.fields.prefix(keyIndices.count).map(\.type)
    let aggregates = try AggregateSet(window.aggregates, input: records)
    let pool = PanePool(keyTypes: keyTypes, aggregates: aggregates)
    if let series, !series.isTumbling {
      store = SharedPanes(series, pool: pool) { PaneStacks(keyTypes: keyTypes, aggregates: aggregates) }
    } else {
      store = SeparateWindows(pool)
    }
    rows = WindowRows(output, keyCount: keyIndices.count)
    reservation = StateReservation(context.stateMemory)
    metrics = context.metrics
  }

  public func open() throws(Failure) { try arguments?.open() }
  public func close() throws(Failure) { try arguments?.close() }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let split = try finder.split(batch)
    try split.forEach(of: batch) { span, part throws(Failure) in
      if (series?.lastEnd(of: span) ?? span.end) <= closed {
        try handLate(part, to: collector)
      } else {
        try add(part, to: span)
      }
    }
  }

  private func add(_ batch: RecordBatch, to span: WindowSpan) throws(Failure) {
    let rowCount = batch.rowCount
    let keys = keyIndices.map { batch.compactedColumn($0) }
    let (heldBytes, heldKeys) = (store.byteCount, store.keyCount)
    try store.add(to: span) { pane throws(Failure) in
      let growth = pane.table.growth(keys, rowCount: rowCount) + pane.aggregates.growth(batch, slotCount: pane.keyCount)
      try reservation.set(heldBytes + growth, keyCount: heldKeys)
      let slots = try pane.find(keys, rowCount: rowCount)
      if let partials {
        let states = batch.columns.indices.dropFirst(partials.firstState).map { batch.compactedColumn($0) }
        try pane.aggregates.merge(slots.pointer, count: rowCount, states: states[...])
      } else if let arguments {
        try pane.aggregates.update(slots.pointer, count: rowCount, inputs: arguments.evaluate(batch))
      }
    }
  }

  private func handLate(_ batch: RecordBatch, to collector: any Collector) throws(Failure) {
    var count = batch.rowCount
    if let partials {
      let rows = batch.compactedColumn(partials.rows)
      count = (0..<count).reduce(0) { $0 + Int(rows.values(Int64.self)[$1]) }
      withExtendedLifetime(rows) {}
    }
    switch window.late {
    case .drop: metrics.addLateDropped(rows: count)
    case .route:
      metrics.addLateRouted(rows: count)
      try collector.emit(batch, output: 1)
    }
  }

  public func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    if clock != nil { return }
    let (passed, isBeforeAll) = time.microseconds.subtractingReportingOverflow(window.allowedLateness)
    if !isBeforeAll { try close(upTo: passed, to: collector) }
  }

  public var wakeTime: ProcessingTime? {
    guard clock != nil else { return nil }
    return store.nextWindow(endingAfter: fired).map { ProcessingTime(microseconds: $0.end) }
  }

  public func wake(at now: ProcessingTime, to collector: any Collector) throws(Failure) {
    try close(upTo: now.microseconds, to: collector)
  }

  public func finish(to collector: any Collector) throws(Failure) { try close(upTo: .max, to: collector) }

  /// Fires what ends up to a time.
  private func close(upTo time: Int64, to collector: any Collector) throws(Failure) {
    guard time > closed else { return }
    closed = time
    while let next = store.nextWindow(endingAfter: fired), next.end <= time {
      try store.fire(next) { keys, aggregates, slots throws(Failure) in
        let results = try aggregates.results(slots.pointer, count: slots.count)
        try collector.emit(rows.batch(next, keys: keys, results: results, count: slots.count), output: 0)
      }
      fired = next.end
      try reservation.set(store.byteCount, keyCount: store.keyCount)
    }
    fired = max(fired, time)
  }
}
