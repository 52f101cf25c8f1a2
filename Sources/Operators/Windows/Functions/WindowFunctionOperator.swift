import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// The user's half of a window function. Legal order: open, process…, flush, close; after a failure only close.
public protocol WindowFunctionCode: AnyObject {
  /// When it throws it has freed what it took: `close` does not follow.
  func open() throws(Failure)
  func process(_ windows: ClosedWindows, to output: any Collector) throws(Failure)
  /// The end of the input, when all windows have closed.
  func flush(to output: any Collector) throws(Failure)
  func close() throws(Failure)
}

/// Windows that have closed, and their rows. Valid until the call returns.
public struct ClosedWindows {
  /// By window: the key's columns.
  public var keys: RecordBatch
  /// By window, microseconds; nil for windows of a number of rows.
  public var starts: UnsafePointer<Int64>?
  public var ends: UnsafePointer<Int64>?
  /// Those of the first window, then those of the second one, and so on.
  public var rows: RecordBatch
  /// By window: rows up to its last one.
  public var rowEnds: UnsafePointer<UInt64>
  public var watermark: EventTime
}

/// Gives the user's code the rows of windows: a window operator that collects each of the columns that the code takes,
/// and the code in place of what it would emit.
///
/// Outputs: those of the code, then the late rows if they are routed.
public final class WindowFunctionOperator: Operator {
  let windows: any StatefulOperator
  private let code: any WindowFunctionCode
  private let tap: Tap
  public let stateTables: [StateTable]
  private var times: SubtaskTimes

  /// - Parameters:
  ///   - windows: its results are the key's columns, `window_start` and `window_end` unless they are of a number of
  ///     rows, then a list for each column of the rows.
  ///   - rows: the columns of the rows, as the code takes them.
  ///   - outputs: of the code.
  public init(
    _ windows: any StatefulOperator, _ code: any WindowFunctionCode, keys: Schema, hasBounds: Bool, rows: Schema,
    outputs: Int, context: SubtaskContext
  ) {
    self.windows = windows
    self.code = code
    tap = Tap(code, keys: keys, hasBounds: hasBounds, rows: rows, outputs: outputs)
    stateTables = Self.stateTables(windows.stateTables)
    times = SubtaskTimes(subtask: context.id.index, parallelism: context.parallelism)
  }

  /// What it keeps: what the window operator does, and the watermark that the code is told.
  public static func stateTables(_ windows: [StateTable]) -> [StateTable] {
    windows + [SubtaskTimes.table("watermark of the function", of: ["watermark"])]
  }

  /// The aggregates of the window operator.
  public static func aggregates(of columns: [Field]) -> [Plan.AggregateCall] {
    // A column of the rows may be the key's as well.
    columns.enumerated().map { index, column in
      Plan.AggregateCall(function: "collect", argument: .column(column.name), name: "rows of column \(index)")
    }
  }

  /// The input has ended, and the code has not heard of it.
  private var isFinishing = false

  public func open() throws(Failure) {
    try windows.open()
    do throws(Failure) {
      try code.open()
    } catch {
      try? windows.close()
      throw error
    }
  }

  public func close() throws(Failure) {
    var first: Failure?
    do throws(Failure) {
      try code.close()
    } catch {
      first = error
    }
    try windows.close()
    if let first { throw first }
  }

  public func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    try leading(to: output) { (tap) throws(Failure) in try windows.process(batch, input: input, to: tap) }
  }

  public func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
    tap.watermark = time
    try leading(to: output) { (tap) throws(Failure) in try windows.watermark(time, to: tap) }
  }

  public var makesWatermarks: Bool { windows.makesWatermarks }

  public func inputBecame(idle: Bool, to output: any Collector) throws(Failure) {
    try windows.inputBecame(idle: idle, to: output)
  }

  public var wakeTime: ProcessingTime? { windows.wakeTime }

  public func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    try leading(to: output) { (tap) throws(Failure) in try windows.wake(at: now, to: tap) }
  }

  public var hasMore: Bool { windows.hasMore || isFinishing }

  public func proceed(to output: any Collector) throws(Failure) {
    if windows.hasMore { try leading(to: output) { (tap) throws(Failure) in try windows.proceed(to: tap) } }
    try flush(to: output)
  }

  public func finish(to output: any Collector) throws(Failure) {
    tap.watermark = .latest
    isFinishing = true
    try leading(to: output) { (tap) throws(Failure) in try windows.finish(to: tap) }
    try flush(to: output)
  }

  /// Behind the last window.
  private func flush(to output: any Collector) throws(Failure) {
    guard isFinishing && !windows.hasMore else { return }
    isFinishing = false
    try code.flush(to: output)
  }

  /// The collector holds the operator: it is known for the length of a call only.
  private func leading(to output: any Collector, _ body: (Tap) throws(Failure) -> Void) throws(Failure) {
    tap.output = output
    defer { tap.output = nil }
    try body(tap)
  }
}

extension WindowFunctionOperator: SpillingOperator {
  public var spills: Bool { (windows as? any SpillingOperator)?.spills ?? false }

  public func spill(to database: StateDatabase) throws(Failure) {
    guard let windows = windows as? any SpillingOperator else { preconditionFailure("only what spills is told to") }
    try database.scan(table: stateTables.count - 1) { times.restore($0) }
    if let times = times.restored() { tap.watermark = EventTime(microseconds: times[0]) }
    try windows.spill(to: database)
  }

  public func trackChanges() { windows.trackChanges() }

  public func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    if table == stateTables.count - 1 { times.restore(entries) } else { try windows.restore(entries, table: table) }
  }

  public func restored() throws(Failure) {
    if let times = times.restored() { tap.watermark = EventTime(microseconds: times[0]) }
    try windows.restored()
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    try windows.takeChanges(into: &changes)
    times.take([tap.watermark.microseconds], into: &changes, table: stateTables.count - 1, stateTables)
  }
}

/// Where the window operator's results go.
private final class Tap: Collector {
  private let code: any WindowFunctionCode
  private let keys: Schema
  private let hasBounds: Bool
  private let rows: Schema
  private let outputs: Int
  var output: (any Collector)?
  var watermark = EventTime.earliest

  init(_ code: any WindowFunctionCode, keys: Schema, hasBounds: Bool, rows: Schema, outputs: Int) {
    self.code = code
    self.keys = keys
    self.hasBounds = hasBounds
    self.rows = rows
    self.outputs = outputs
  }

  func advance(to time: EventTime) { output?.advance(to: time) }
  func becomeIdle() { output?.becomeIdle() }

  func emit(_ batch: RecordBatch, output index: Int) throws(Failure) {
    guard let output else { preconditionFailure("an operator emits in a call") }
    guard index == 0 else { return try output.emit(batch, output: outputs) }
    let results = batch.compacted()
    guard results.length > 0 else { return }
    var columns = results.columns[...]
    let keys = Array(columns.prefix(self.keys.fields.count))
    columns = columns.dropFirst(keys.count)
    let bounds = hasBounds ? Array(columns.prefix(2)) : []
    columns = columns.dropFirst(bounds.count)
    guard let lists = columns.first else { preconditionFailure("a window function takes a column") }
    let ends = Buffer(byteCount: results.length * 8)
    let rowEnds = ends.unsafeMutableValues(UInt64.self)
    let first = lists.itemRange(0..<1).lowerBound
    for window in 0..<results.length {
      rowEnds[window] = UInt64(lists.itemRange(window..<(window + 1)).upperBound - first)
    }
    let items = columns.map(\.items)
    let rows = RecordBatch(schema: self.rows, columns: items, length: items[0].length)
    try code.process(
      ClosedWindows(
        keys: RecordBatch(schema: self.keys, columns: keys, length: results.length),
        starts: bounds.first?.values(Int64.self), ends: bounds.last?.values(Int64.self), rows: rows,
        rowEnds: UnsafePointer(rowEnds), watermark: watermark), to: output)
    withExtendedLifetime((results, ends)) {}
  }
}
