import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
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
  private let input: WindowRowInput
  private let series: WindowSeries?
  private let aggregates: AggregateSet
  private let store: any WindowStore
  private let rows: WindowRows
  private let reservation: StateReservation
  /// Bytes of all state of the job, and how many subtasks the operator has.
  private let memory: (limit: Int, parallelism: Int)
  private let metrics: StageMetrics
  public let stateTables: [StateTable]
  private var times: SubtaskTimes
  /// Windows that end at or before it are closed.
  private var closed = Int64.min
  /// Windows that end at or before it have fired.
  private var fired = Int64.min
  /// The window whose results are being given.
  private var firing: WindowSpan?
  /// Windows that are closed have results that were not given.
  public private(set) var hasMore = false

  /// Batches of results that one call gives.
  private static let callBatches = 8

  /// - Parameters:
  ///   - records: the schema of the records, also when partial aggregates arrive: the arguments are typed by it.
  ///   - output: the schema of output 0.
  public init(
    _ window: Plan.Window, input: Input, records: Schema, output: Schema, functions: any ScalarFunctionProvider,
    context: SubtaskContext
  ) throws(Failure) {
    self.window = window
    self.input = try WindowRowInput(window, input, records: records, functions: functions)
    series = try WindowSeries(window.assigner)
    let keyTypes = output.fields.prefix(self.input.keyCount).map(\.type)
    aggregates = try AggregateSet(window.aggregates, input: records, functions: functions)
    store = makeWindowStore(series, keyTypes: keyTypes, aggregates: aggregates)
    rows = WindowRows(output)
    reservation = StateReservation(context.stateMemory)
    memory = (context.stateMemory.limit, context.parallelism)
    metrics = context.metrics
    stateTables = try Self.stateTables(
      window, keys: Array(output.fields.prefix(self.input.keyCount)), records: records)
    times = SubtaskTimes(subtask: context.id.index, parallelism: context.parallelism)
  }

  /// What it keeps.
  static func stateTables(_ window: Plan.Window, keys: [Field], records: Schema) throws(Failure) -> [StateTable] {
    [SubtaskTimes.table("times", of: ["closed", "fired"] + (try WindowTables.timesOfStore(window)))]
      + (try WindowTables.ofStore(window, keys: keys, records: records))
  }

  /// Results of windows that wait for late rows come behind the watermark that closes their time: what reads them is
  /// told of a watermark of their own.
  public var makesWatermarks: Bool { window.delaysResults }

  public func inputBecame(idle: Bool, to collector: any Collector) { collector.follow(idle: idle) }

  public func open() throws(Failure) { try aggregates.open(with: input.arguments) }
  public func close() throws(Failure) { try aggregates.close(with: input.arguments) }

  public func process(_ batch: RecordBatch, input _: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let split = try input.split(batch)
    try split.forEach(of: batch) { span, part throws(Failure) in
      if (series?.lastEnd(of: span) ?? span.end) <= closed {
        try input.handLate(part, window.late, metrics, to: collector)
      } else {
        try store.add(input.part(part), to: span, reservation, held: store.byteCount)
      }
    }
  }

  public func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    if input.clock != nil { return }
    let (passed, isBeforeAll) = time.microseconds.subtractingReportingOverflow(window.allowedLateness)
    if !isBeforeAll { try close(upTo: passed, to: collector) }
  }

  public var wakeTime: ProcessingTime? {
    guard input.clock != nil else { return nil }
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
    hasMore = true
    try proceed(to: collector)
  }

  public func proceed(to collector: any Collector) throws(Failure) {
    var given = 0
    while given < Self.callBatches {
      if let window = firing {
        let isSome = try store.giveSome { keys, aggregates, slots throws(Failure) in
          let results = try aggregates.results(slots.pointer, count: slots.count)
          try collector.emit(rows.batch(window, keys: keys, results: results, count: slots.count), output: 0)
        }
        given += 1
        if isSome { continue }
        try store.end(window)
        firing = nil
        fired = window.end
        try store.reserve(reservation)
      } else if let next = store.nextWindow(endingAfter: fired), next.end <= closed {
        try store.begin(next)
        firing = next
      } else {
        fired = max(fired, closed)
        hasMore = false
        if makesWatermarks { collector.advance(to: EventTime(microseconds: closed)) }
        return
      }
    }
  }
}

extension WindowOperator: StatefulOperator {
  public func trackChanges() { store.trackChanges(stateTables) }

  public func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    if table == 0 { return times.restore(entries) }
    try store.restore(entries, table: table)
    try reservation.set(store.byteCount, keyCount: store.keyCount)
  }

  public func restored() throws(Failure) {
    let own = restoreTimes()
    try store.restored(own.map { Array($0.dropFirst(2)) })
    try reservation.set(store.byteCount, keyCount: store.keyCount)
  }

  /// Returns the subtask's own times of before.
  private func restoreTimes() -> [Int64]? {
    let own = times.own
    if let times = own ?? times.restored() { (closed, fired) = (times[0], times[1]) }
    return own
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    times.take([closed, fired] + store.times, into: &changes, table: 0, stateTables)
    try store.takeChanges(into: &changes)
  }
}

extension WindowOperator: SpillingOperator {
  public var spills: Bool { store is any SpillingWindowStore }

  public func spill(to database: StateDatabase) throws(Failure) {
    guard let windows = store as? any SpillingWindowStore else { preconditionFailure("it is asked whether it spills") }
    try database.scan(table: 0) { times.restore($0) }
    let own = restoreTimes()
    let spilled = SpilledWindows(database, reservation, limit: memory.limit, parallelism: memory.parallelism)
    try windows.spill(spilled, times: own.map { Array($0.dropFirst(2)) })
  }

  /// How many keys of windows or panes were looked for in the database, and how many left memory.
  public var spillCounts: (sought: Int, evicted: Int) { (store as? any SpillingWindowStore)?.spillCounts ?? (0, 0) }

  /// Whether panes that windows share are put together from the database.
  var isApart: Bool { (store as? SharedPanes)?.isApart ?? false }

  /// Bytes of memory that its windows hold.
  var heldBytes: Int { store.byteCount }
}
