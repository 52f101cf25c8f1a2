import Arrow
import Base
import Dataflow
import Expressions
import Observability
import VolleyPlan

/// What arrives at a window operator: records, or what a `WindowCombineOperator` made of them.
final class WindowRowInput {
  /// Rows of one pane, ready to be added to aggregates.
  struct Part {
    let batch: RecordBatch
    let rowCount: Int
    let keys: [Column]
    fileprivate let content: Content
    /// Keeps the weights alive.
    fileprivate let weightColumn: Column?

    fileprivate enum Content {
      case inputs([AggregateInput])
      case states([Column])
    }

    /// How many rows each stands for; nil: one.
    var weights: UnsafePointer<Int64>? { weightColumn?.values(Int64.self) }

    /// Adds the rows to the aggregates in these slots.
    func add(to aggregates: AggregateSet, _ slots: SlotBuffer) throws(Failure) {
      switch content {
      case .inputs(let inputs): try aggregates.update(slots.pointer, count: rowCount, inputs: inputs)
      case .states(let states): try aggregates.merge(slots.pointer, count: rowCount, states: states[...])
      }
    }
  }

  let keyIndices: [Int]
  /// Where partial aggregates have what; nil when records arrive.
  private let partials: WindowPartials?
  /// Nil when partial aggregates arrive.
  let arguments: AggregateArguments?
  private var finder: PaneFinder
  /// Nil when event time decides.
  let clock: SubtaskClock?

  init(
    _ window: Plan.Window, _ input: WindowOperator.Input, records: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
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
  }

  var keyCount: Int { keyIndices.count }

  /// The panes of a batch with at least one row.
  func split(_ batch: RecordBatch) throws(Failure) -> PaneSplit { try finder.split(batch) }

  func part(_ batch: RecordBatch) throws(Failure) -> Part {
    let keys = keyIndices.map { batch.compactedColumn($0) }
    if let arguments {
      return Part(
        batch: batch, rowCount: batch.rowCount, keys: keys, content: .inputs(try arguments.evaluate(batch)),
        weightColumn: nil)
    }
    guard let partials else { preconditionFailure("what are no records are partial aggregates") }
    let states = batch.columns.indices.dropFirst(partials.firstState).map { batch.compactedColumn($0) }
    return Part(
      batch: batch, rowCount: batch.rowCount, keys: keys, content: .states(states),
      weightColumn: batch.compactedColumn(partials.rows))
  }

  /// Counts rows that have come too late, and hands them on where they are wanted.
  func handLate(
    _ batch: RecordBatch, _ late: Plan.LateRows, _ metrics: StageMetrics, to collector: any Collector
  ) throws(Failure) {
    var count = batch.rowCount
    if let partials {
      let rows = batch.compactedColumn(partials.rows)
      count = (0..<count).reduce(0) { $0 + Int(rows.values(Int64.self)[$1]) }
      withExtendedLifetime(rows) {}
    }
    switch late {
    case .drop: metrics.addLateDropped(rows: count)
    case .route:
      metrics.addLateRouted(rows: count)
      try collector.emit(batch, output: 1)
    }
  }
}
