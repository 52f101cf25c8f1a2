import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// The first rows of each key in an order, told as they change: once a batch, as changelog rows.
///
/// Output: `row_kind`, columns of the input, and the place of a row if it is wanted. With places each one that gets
/// another row is told, without them the rows that leave and those that enter.
public final class TopNOperator: DeferringOperator, DepartingOperator {
  private let keys: [Int]
  private let format: RowFormat
  private let limit: Int
  private let columns: [Int]
  private let hasRank: Bool
  private let output: Schema
  private var table: any KeyTable
  private let rows: RankedRows
  private let timeToLive: SlotExpiry?
  private let reservation: StateReservation
  private let steps = PendingSteps()

  /// - Parameters:
  ///   - keys: the key's columns in the input.
  ///   - columns: those of the input that are told; nil: all.
  ///   - output: `row_kind`, these columns, and the rank if there is one.
  ///   - timeToLive: microseconds of processing time after which a key that has not changed is forgotten; nil: never.
  public init(
    _ orderings: [Plan.Ordering], count: Int, takesLast: Bool = false, keys: [Int], input: Schema,
    columns: [Int]? = nil,
    output: Schema, timeToLive: Int64? = nil, context: SubtaskContext
  ) {
    self.keys = keys
    limit = count
    let columns = columns ?? Array(input.fields.indices)
    self.columns = columns
    hasRank = output.fields.count > columns.count + 1
    self.output = output
    format = RankedRows.format(keys: keys, input: input, expiring: timeToLive != nil)
    table = makeKeyTable(keys.map { input.fields[$0].type }, keepingKeys: timeToLive != nil)
    rows = RankedRows(RankOrder(orderings, takesLast: takesLast, input: input), limit: count, input: input)
    self.timeToLive = timeToLive.map { SlotExpiry($0, context.clock) }
    reservation = StateReservation(context.stateMemory)
  }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    try process(batch as any DeferredRows, input: input, to: collector)
  }

  /// Reads keys and what rows are ordered by of all rows, the other columns of those alone that have a place.
  public func process(_ batch: any DeferredRows, input: Int, to collector: any Collector) throws(Failure) {
    let count = batch.rowCount
    if count == 0 { return }
    try expire()
    let columns = try batch.gathered(keys, of: nil)
    let growth = table.growth(columns, rowCount: count) + rows.growth(rows: count, slotCount: table.slotCount)
    let expiry = timeToLive?.growth(count, table) ?? 0
    try reservation.set(byteCount + growth + expiry, keyCount: table.count)
    let slots = SlotBuffer(count: count)
    try table.find(columns, rowCount: count, into: slots.pointer)
    let changes = try rows.rank(batch, slots.pointer, slotCount: table.slotCount)
    withExtendedLifetime(slots) {}
    if changes.slots.isEmpty { return }
    timeToLive?.touch(changes.slots, table)
    var (told, removed) = (RankedOutput(), [RankedRow]())
    tell(changes, &told, &removed)
    try rows.keep(batch, changes, slotCount: table.slotCount) { bytes throws(Failure) in
      try reservation.set(byteCount + bytes, keyCount: table.count)
    }
    give(told)
    steps.add { [rows, removed] in rows.remove(removed) }
    try steps.run(to: collector)
  }

  private func expire() throws(Failure) {
    try timeToLive?.expire(table) { slots, count throws(Failure) in
      rows.reset(slots, count: count)
      try rows.settle(table)
    }
  }

  /// For keys that come back to be forgotten; others are when rows come.
  public func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) { try expire() }

  public var hasMore: Bool { !steps.isEmpty }
  public func proceed(to collector: any Collector) throws(Failure) { try steps.run(to: collector) }
  public func close() throws(Failure) { steps.removeAll() }

  private var byteCount: Int { table.byteCount + rows.byteCount + (timeToLive?.byteCount ?? 0) }

  // MARK: State

  /// The rows that have a place.
  public static func stateTables(keys: [Int], input: Schema, timeToLive: Int64?) -> [StateTable] {
    [RankedRows.format(keys: keys, input: input, expiring: timeToLive != nil).table]
  }

  public var stateTables: [StateTable] { [format.table] }

  public func trackChanges() {
    table = makeKeyTable(format.table.key.map(\.type), keepingKeys: true)
    rows.trackChanges(format)
  }

  public func restore(_ entries: RecordBatch, table index: Int) throws(Failure) {
    let restored = format.rows(of: entries)
    let growth =
      table.growth(restored.keys, rowCount: entries.length)
      + rows.growth(rows: entries.length, slotCount: table.slotCount)
    try reservation.set(
      byteCount + growth + (timeToLive?.growth(entries.length, table) ?? 0), keyCount: table.count)
    let slots = SlotBuffer(count: entries.length)
    try table.find(restored.keys, rowCount: entries.length, into: slots.pointer)
    try rows.restore(restored, slots, slotCount: table.slotCount) { bytes throws(Failure) in
      try reservation.set(byteCount + bytes, keyCount: table.count)
    }
    if let timeToLive, let written = restored.facts.first { timeToLive.restore(slots, written, table) }
  }

  public var keyColumns: [[Int]] { [keys] }
  public var dueClock: DueClock? { timeToLive == nil ? nil : .expiry }

  public func dueTimes(of entries: RecordBatch, table: Int, after _: Int64) -> [[Int64]] {
    guard let timeToLive, let written = format.rows(of: entries).facts.first else { return [] }
    return [timeToLive.dueTimes(written)]
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    try rows.takeChanges(into: &changes, table, timeToLive)
    try reservation.set(byteCount, keyCount: table.count)
  }

  // MARK: Results

  private func tell(_ changes: RankChanges, _ told: inout RankedOutput, _ removed: inout [RankedRow]) {
    for (index, slot) in changes.slots.enumerated() {
      let (former, now) = (changes.former(index), rows.rows(slot))
      RankedRows.findRemoved(former, now, &removed)
      if hasRank {
        tellPlaces(former, now, &told)
      } else if limit == 1 {
        if let row = former.first { told.append(row, .updateBefore, place: nil) }
        told.append(now[0], former.isEmpty ? .insert : .updateAfter, place: nil)
      } else {
        tellRows(former, now, &told)
      }
    }
  }

  private func tellPlaces(_ former: ArraySlice<RankedRow>, _ now: RankedLists.Rows, _ told: inout RankedOutput) {
    for place in 0..<now.count {
      if place >= former.count {
        told.append(now[place], .insert, place: place)
      } else if former[former.startIndex + place] != now[place] {
        told.append(former[former.startIndex + place], .updateBefore, place: place)
        told.append(now[place], .updateAfter, place: place)
      }
    }
  }

  private func tellRows(_ former: ArraySlice<RankedRow>, _ now: RankedLists.Rows, _ told: inout RankedOutput) {
    var next = former.startIndex
    // Rows that stay keep their order among each other, so those that leave lie between them.
    for place in 0..<now.count where !now[place].isNew {
      while next < former.endIndex && former[next] != now[place] {
        told.append(former[next], .delete, place: nil)
        next += 1
      }
      next += 1
    }
    while next < former.endIndex {
      told.append(former[next], .delete, place: nil)
      next += 1
    }
    for place in 0..<now.count where now[place].isNew { told.append(now[place], .insert, place: nil) }
  }

  private func give(_ told: RankedOutput) {
    var start = 0
    steps.loop { [self] () throws(Failure) in
      if start == told.rows.count { return false }
      var end = start + rows.blockCount(told.rows[start...], limit: WindowRows.batchRows)
      // The two rows of an update stay together.
      if end < told.rows.count, told.kinds[end - 1] == RowKind.updateBefore.code { end += end == start + 1 ? 1 : -1 }
      let part = start..<end
      start = end
      var columns = [RowKind.column(told.kinds[part])]
      columns += try rows.columns(told.rows[part], self.columns)
      if hasRank { columns.append(RankedRows.places(told.places[part])) }
      steps.give(RecordBatch(schema: output, columns: columns, length: part.count))
      return end < told.rows.count
    }
  }
}

extension RankedRows {
  /// The kept rows among a slot's former ones that have no place any more.
  static func findRemoved(
    _ former: ArraySlice<RankedRow>, _ now: RankedLists.Rows, _ removed: inout [RankedRow]
  ) {
    var place = 0
    for row in former {
      while place < now.count && now[place].isNew { place += 1 }
      if place < now.count && now[place] == row { place += 1 } else { removed.append(row) }
    }
  }

  /// A column of places.
  static func places(_ places: ArraySlice<Int64>) -> Column {
    let buffer = Buffer(byteCount: places.count * 8)
    let target = buffer.unsafeMutableValues(Int64.self)
    for (row, place) in places.enumerated() { target[row] = place }
    return Column(type: .int64, length: places.count, validity: nil, buffers: [buffer])
  }
}

extension TopNOperator {
  /// Whether rows can be ordered by values of that type.
  public static func orders(_ type: DataType) -> Bool { OrderForm(type) != nil }
}
