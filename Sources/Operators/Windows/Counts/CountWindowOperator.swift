import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Aggregates of the last `size` rows of each key, each time `slide` rows have come, and of what is left at the end of
/// the input.
///
/// Output: the key columns, one column an aggregate, in the order of the rows with which windows end.
public final class CountWindowOperator: Operator {
  private let keyIndices: [Int]
  private let arguments: AggregateArguments
  private let table: any KeyTable
  private let panes: CountTable
  /// Nil when each pane is a window.
  private let history: CountHistory?
  private let aggregates: AggregateSet
  /// Keys whose rows are told.
  private var marks = SlotRounds()
  private let schema: Schema
  private let reservation: StateReservation

  public init(
    _ window: Plan.Window, _ windows: Plan.CountWindows, keys: [Int], records: Schema, output: Schema,
    functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    keyIndices = keys
    arguments = try AggregateArguments(window.aggregates, input: records, functions: functions)
    aggregates = try AggregateSet(window.aggregates, input: records, functions: functions)
    table = makeKeyTable(keys.map { records.fields[$0].type }, keepingKeys: true)
    let slide = windows.slide ?? windows.size
    let length = WindowSeries.commonDivisor(Int64(windows.size), Int64(slide))
    panes = CountTable(length: Int(length))
    history =
      slide == windows.size
      ? nil
      : CountHistory(size: windows.size / Int(length), slide: slide / Int(length), panes: panes, aggregates: aggregates)
    schema = output
    reservation = StateReservation(context.stateMemory)
  }

  public func open() throws(Failure) { try aggregates.open(with: arguments) }
  public func close() throws(Failure) { try aggregates.close(with: arguments) }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let rowCount = batch.rowCount
    if rowCount == 0 { return }
    let keys = keyIndices.map { batch.compactedColumn($0) }
    let growth = table.growth(keys, rowCount: rowCount) + aggregates.growth(batch, slotCount: panes.slotCount)
    try reservation.set(
      byteCount + growth + panes.growth(to: table.slotCount + rowCount)
        + (history?.growth(to: table.slotCount + rowCount, rows: rowCount) ?? 0), keyCount: table.count)
    let (keySlots, slots) = (SlotBuffer(count: rowCount), SlotBuffer(count: rowCount))
    try table.find(keys, rowCount: rowCount, into: keySlots.pointer)
    panes.assign(keys: keySlots.pointer, count: rowCount, keyCount: table.slotCount, to: slots.pointer)
    try aggregates.grow(to: panes.slotCount)
    try aggregates.update(slots.pointer, count: rowCount, inputs: arguments.evaluate(batch))
    if panes.full.isEmpty { return }
    if let history {
      try history.add(panes.full, keyCount: table.slotCount) { rows, results throws(Failure) in
        try emit(keys.map { $0.gather(rows, count: rows.count) }, results, rows.count, to: collector)
      }
    } else {
      try tellFull(keys, to: collector)
    }
    try reservation.set(byteCount, keyCount: table.count)
  }

  private var byteCount: Int {
    table.byteCount + panes.byteCount + aggregates.byteCount + marks.byteCount + (history?.byteCount ?? 0)
  }

  /// Tells panes that are windows, and forgets them.
  private func tellFull(_ keys: [Column], to collector: any Collector) throws(Failure) {
    let (rows, slots) = (panes.full.map(\.row), panes.full.map(\.slot))
    let results = try aggregates.results(slots, count: slots.count)
    try emit(keys.map { $0.gather(rows, count: rows.count) }, results, rows.count, to: collector)
    aggregates.reset(slots, count: slots.count)
    var gone: [UInt32] = []
    marks.begin(slotCount: table.slotCount)
    for pane in panes.full where panes.fillingSlot(of: pane.key) == CountTable.none && marks.insert(pane.key) {
      gone.append(pane.key)
    }
    panes.giveBack(slots, count: slots.count)
    table.remove(gone, count: gone.count)
  }

  private func emit(_ keys: [Column], _ results: [Column], _ count: Int, to collector: any Collector) throws(Failure) {
    try collector.emit(RecordBatch(schema: schema, columns: keys + results, length: count), output: 0)
  }

  public func finish(to collector: any Collector) throws(Failure) {
    var rest = (history?.unfinishedKeys(keyCount: table.slotCount) ?? panes.keysWithRows)[...]
    while !rest.isEmpty {
      let keys = Array(rest.prefix(WindowRows.batchRows))
      rest = rest.dropFirst(keys.count)
      let results: [Column]
      if let history {
        results = try history.results(keys)
      } else {
        results = try aggregates.results(keys.map { panes.fillingSlot(of: $0) }, count: keys.count)
      }
      try emit(table.keys(of: keys, count: keys.count), results, keys.count, to: collector)
    }
  }
}
