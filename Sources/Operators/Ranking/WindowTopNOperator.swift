import Arrow
import Base
import Dataflow
import Observability
import State
import VolleyPlan

/// The first rows of each key in an order, where a key's rows are those of a window: told once, when the watermark has
/// passed its end.
///
/// Output: columns of the input, and the place of a row if it is wanted.
public final class WindowTopNOperator: DepartingOperator {
  private let keys: [Int]
  private let format: RowFormat
  private let end: Int
  private let columns: [Int]
  private let hasRank: Bool
  private let output: Schema
  private let table: any KeyTable
  private let rows: RankedRows
  private let ends = SlotDeadlines()
  private let reservation: StateReservation
  private let metrics: StageMetrics
  /// Windows that end at or before it were told.
  private var closed = Int64.min
  private let steps = PendingSteps()

  /// - Parameters:
  ///   - keys: the key's columns in the input; `end`, timestamps that are never null, is one of them.
  ///   - columns: those of the input that are told; nil: all.
  ///   - output: these columns, and the rank if there is one.
  public init(
    _ orderings: [Plan.Ordering], count: Int, keys: [Int], end: Int, input: Schema, columns: [Int]? = nil,
    output: Schema, context: SubtaskContext
  ) {
    self.keys = keys
    self.end = end
    let columns = columns ?? Array(input.fields.indices)
    self.columns = columns
    hasRank = output.fields.count > columns.count
    self.output = output
    format = RankedRows.format(keys: keys, input: input, expiring: false)
    table = makeKeyTable(keys.map { input.fields[$0].type }, keepingKeys: true)
    rows = RankedRows(RankOrder(orderings, takesLast: false, input: input), limit: count, input: input)
    reservation = StateReservation(context.stateMemory)
    metrics = context.metrics
  }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let (batch, times) = try open(batch)
    let count = batch.rowCount
    if count == 0 { return }
    let columns = keys.map { batch.compactedColumn($0) }
    let growth = table.growth(columns, rowCount: count) + rows.growth(rows: count, slotCount: table.slotCount)
    let deadlines = ends.growth(to: table.slotCount + count, setting: count)
    try reservation.set(byteCount + growth + deadlines, keyCount: table.count)
    let slots = SlotBuffer(count: count)
    try table.find(columns, rowCount: count, into: slots.pointer)
    ends.grow(to: table.slotCount)
    ends.set(slots.pointer, times.pointer, count: count)
    let changes = try rows.rank(batch, slots.pointer, slotCount: table.slotCount)
    withExtendedLifetime((slots, times)) {}
    let removed = former(changes)
    try rows.keep(batch, changes, slotCount: table.slotCount) { bytes throws(Failure) in
      try reservation.set(byteCount + bytes, keyCount: table.count)
    }
    rows.remove(removed)
  }

  private var byteCount: Int { table.byteCount + rows.byteCount + ends.byteCount }

  // MARK: State

  /// The rows that have a place.
  public static func stateTables(keys: [Int], input: Schema) -> [StateTable] {
    [RankedRows.format(keys: keys, input: input, expiring: false).table]
  }

  public var stateTables: [StateTable] { [format.table] }
  public func trackChanges() { rows.trackChanges(format) }

  public func restore(_ entries: RecordBatch, table index: Int) throws(Failure) {
    let restored = format.rows(of: entries)
    let count = entries.length
    let growth = table.growth(restored.keys, rowCount: count) + rows.growth(rows: count, slotCount: table.slotCount)
    let deadlines = ends.growth(to: table.slotCount + count, setting: count)
    try reservation.set(byteCount + growth + deadlines, keyCount: table.count)
    let slots = SlotBuffer(count: count)
    try table.find(restored.keys, rowCount: count, into: slots.pointer)
    let times = try EventTimes(restored.rows.columns[end])
    ends.grow(to: table.slotCount)
    ends.set(slots.pointer, times.pointer, count: count)
    try rows.restore(restored, slots, slotCount: table.slotCount) { bytes throws(Failure) in
      try reservation.set(byteCount + bytes, keyCount: table.count)
    }
    withExtendedLifetime(times) {}
  }

  public var keyColumns: [[Int]] { [keys] }
  public var dueClock: DueClock? { .event }

  /// The ends of the rows' windows.
  public func dueTimes(of entries: RecordBatch, table: Int, after _: Int64) throws(Failure) -> [[Int64]] {
    let times = try EventTimes(format.rows(of: entries).rows.columns[end])
    defer { withExtendedLifetime(times) {} }
    return [(0..<times.count).map { times.pointer[$0] }]
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    try rows.takeChanges(into: &changes, table, nil)
    try reservation.set(byteCount, keyCount: table.count)
  }

  // MARK: Rows

  /// The rows whose windows are not closed, and the ends of these.
  private func open(_ batch: RecordBatch) throws(Failure) -> (RecordBatch, EventTimes) {
    let times = try EventTimes(batch.compactedColumn(end))
    let open = (0..<times.count).filter { times.pointer[$0] > closed }
    if open.count == times.count { return (batch, times) }
    metrics.addLateDropped(rows: times.count - open.count)
    let kept = batch.selecting(Selection(open))
    return (kept, try EventTimes(kept.compactedColumn(end)))
  }

  /// The kept rows that have lost their places.
  private func former(_ changes: RankChanges) -> [RankedRow] {
    var removed: [RankedRow] = []
    for (index, slot) in changes.slots.enumerated() {
      RankedRows.findRemoved(changes.former(index), rows.rows(slot), &removed)
    }
    return removed
  }

  public func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    try close(upTo: time.microseconds, to: collector)
  }

  public func finish(to collector: any Collector) throws(Failure) { try close(upTo: .max - 1, to: collector) }

  private func close(upTo time: Int64, to collector: any Collector) throws(Failure) {
    guard time >= closed else { return }
    closed = time
    steps.loop { [self] in
      let due = ends.pop(upTo: time)
      if due.isEmpty { return false }
      let slots = due.map(\.slot)
      var told = RankedOutput()
      for slot in slots {
        let ranked = rows.rows(slot)
        for place in 0..<ranked.count { told.append(ranked[place], nil, place: hasRank ? place : nil) }
      }
      give(told)
      steps.add { [self] () throws(Failure) in
        rows.reset(slots, count: slots.count)
        try rows.settle(table)
        table.remove(slots, count: slots.count)
      }
      return true
    }
    steps.add { [self] () throws(Failure) in try reservation.set(byteCount, keyCount: table.count) }
    try steps.run(to: collector)
  }

  public var hasMore: Bool { !steps.isEmpty }
  public func proceed(to collector: any Collector) throws(Failure) { try steps.run(to: collector) }
  public func close() throws(Failure) { steps.removeAll() }

  private func give(_ told: RankedOutput) {
    var start = 0
    steps.loop { [self] () throws(Failure) in
      let part = start..<start + rows.blockCount(told.rows[start...], limit: WindowRows.batchRows)
      if part.isEmpty { return false }
      start = part.upperBound
      var columns = try rows.columns(told.rows[part], self.columns)
      if hasRank { columns.append(RankedRows.places(told.places[part])) }
      steps.give(RecordBatch(schema: output, columns: columns, length: part.count))
      return part.upperBound < told.rows.count
    }
  }
}
