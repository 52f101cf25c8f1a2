import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// The first rows of each key: their order by slot, and the rows themselves.
///
/// A batch's rows take their places first, as rows of the batch; those that have one at its end are kept then, and rows that have lost theirs
/// are removed once they were told.
final class RankedRows {
  private let order: RankOrder
  private let lists: RankedLists
  private let store: RowStore
  private let ties: RankTies
  /// What has changed; nil when nobody asks.
  private var entries: RowEntries?
  /// Of the batch in hand, the rows that have a place.
  private var kept: KeptRows?
  /// By row of the batch in hand, where it is among these.
  private var positions: [UInt32] = []

  /// Rows of a batch that are kept, and their numbers.
  private struct KeptRows {
    /// The rows that they are of the batch in hand.
    var rows: Selection
    var batch: RecordBatch
    var numbers: SlotBuffer
  }

  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 20

  init(_ order: RankOrder, limit: Int, input: Schema) {
    self.order = order
    lists = RankedLists(wordCount: order.wordCount, limit: limit)
    store = RowStore(input, expiring: false)
    ties = RankTies(order, store)
  }

  var byteCount: Int { lists.byteCount + store.byteCount + (entries?.byteCount ?? 0) }

  /// Bytes that the places of a batch's rows take at worst, beside the rows themselves.
  func growth(rows: Int, slotCount: Int) -> Int { lists.growth(to: slotCount + rows, rows: rows) + rows * 4 }

  /// Gives a batch's rows their places: row i is one of slot `slots[i]`. Reads what they are ordered by, of all. `keep` has to follow.
  func rank(_ batch: any DeferredRows, _ slots: UnsafePointer<UInt32>, slotCount: Int) throws(Failure) -> RankChanges {
    let count = batch.rowCount
    lists.grow(to: slotCount)
    let columns = try order.columns(batch)
    ties.begin(batch, columns)
    defer { ties.end() }
    let wordBuffer = order.words(columns, count: count)
    let words = wordBuffer.values(UInt64.self)
    var changes = RankChanges()
    let (stride, limit, ahead) = (order.wordCount, lists.limit, Self.ahead)
    for row in 0..<count {
      if row &+ 2 &* ahead < count { lists.prefetch(slots[row &+ 2 &* ahead]) }
      if row &+ ahead < count { lists.prefetchRows(slots[row &+ ahead]) }
      let (slot, own) = (slots[row], words + row &* stride)
      let rows = lists.rows(slot)
      var end = rows.count
      if end == limit {
        guard try comesBefore(row, own, rows, end &- 1) else { continue }
        end &-= 1
      }
      var start = 0
      while start < end {
        let middle = (start &+ end) >> 1
        if try comesBefore(row, own, rows, middle) { end = middle } else { start = middle &+ 1 }
      }
      if !lists.isChanged(slot) { changes.note(slot, rows) }
      lists.insert(RankedRow(new: row), own, at: start, of: slot)
    }
    withExtendedLifetime(wordBuffer) {}
    return changes
  }

  /// Whether a row of the batch comes before one that has a place.
  @inline(__always)  // Mostly the comparison of one word.
  private func comesBefore(
    _ row: Int, _ words: UnsafePointer<UInt64>, _ rows: RankedLists.Rows, _ index: Int
  ) throws(Failure) -> Bool {
    let others = rows.words(index)
    for part in 0..<order.wordCount {
      if words[part] != others[part] { return words[part] < others[part] }
      if order.isCoarse(part, words[part]) { return try comesBefore(row, rows[index], from: part) }
    }
    if order.parts.count > order.wordCount { return try comesBefore(row, rows[index], from: order.wordCount) }
    return order.takesLast
  }

  @inline(never)  // Words tell most rows apart.
  private func comesBefore(_ row: Int, _ other: RankedRow, from part: Int) throws(Failure) -> Bool {
    let order = try ties.order(RankedRow(new: row), other, from: part)
    return order == 0 ? self.order.takesLast : order < 0
  }

  /// Keeps the rows of the batch that have a place: of the others no more is read.
  ///
  /// - Parameters:
  ///   - slotCount: slots that there are.
  ///   - reserve: is told the bytes that this takes at worst, before it does.
  func keep(
    _ batch: any DeferredRows, _ changes: RankChanges, slotCount: Int, reserve: (Int) throws(Failure) -> Void
  ) throws(Failure) {
    let (rows, slots) = newRows(changes, batch.rowCount)
    let new = KeptRows(rows: rows, batch: try batch.batch(of: rows), numbers: SlotBuffer(count: rows.count))
    try reserve(store.growth(appending: new.batch, slotCount: slotCount))
    store.grow(to: slotCount)
    try store.append(new.batch, slots: slots.pointer, numbers: new.numbers.pointer)
    if positions.count < batch.rowCount { positions = [UInt32](repeating: 0, count: batch.rowCount) }
    for index in 0..<rows.count { positions[Int(rows.rows[index])] = UInt32(truncatingIfNeeded: index) }
    for slot in changes.slots {
      let ranked = lists.rows(slot)
      for index in 0..<ranked.count where ranked[index].isNew {
        ranked[index] = RankedRow(kept: new.numbers.pointer[Int(positions[Int(ranked[index].index)])])
      }
    }
    lists.settle(changes.slots)
    kept = new
    withExtendedLifetime((rows, slots, new)) {}
  }

  /// The rows of the batch that have a place, and their slots.
  private func newRows(_ changes: RankChanges, _ rowCount: Int) -> (Selection, SlotBuffer) {
    let found = Buffer(byteCount: rowCount * 4)
    let slots = SlotBuffer(count: rowCount)
    let rows = found.unsafeMutableValues(UInt32.self)
    var count = 0
    for slot in changes.slots {
      let ranked = lists.rows(slot)
      for index in 0..<ranked.count where ranked[index].isNew {
        rows[count] = ranked[index].index
        slots.pointer[count] = slot
        count &+= 1
      }
    }
    return (Selection(indices: found, count: count), slots)
  }

  /// The rows of a slot, in their order.
  func rows(_ slot: UInt32) -> RankedLists.Rows { lists.rows(slot) }

  /// Columns of rows: kept ones, and those of the batch in hand that `keep` has kept.
  ///
  /// - Parameter wanted: which ones, of the input.
  func columns(_ rows: ArraySlice<RankedRow>, _ wanted: [Int]) throws(Failure) -> [Column] {
    if wanted.isEmpty { return [] }
    let buffer = SlotBuffer(count: rows.count)
    let indices = buffer.pointer
    defer { withExtendedLifetime(buffer) {} }
    if let kept, rows.allSatisfy(\.isNew) {
      var isWhole = rows.count == kept.batch.length
      for (place, row) in rows.enumerated() {
        indices[place] = positions[Int(row.index)]
        isWhole = isWhole && Int(indices[place]) == place
      }
      if isWhole { return wanted.map { kept.batch.columns[$0] } }
      return wanted.map { kept.batch.columns[$0].gather(buffer.selection) }
    }
    for (place, row) in rows.enumerated() { indices[place] = number(row) }
    return try store.columns(of: indices, count: rows.count, wanted)
  }

  /// The number of a row that is kept.
  private func number(_ row: RankedRow) -> UInt32 {
    guard row.isNew else { return row.index }
    guard let kept else { preconditionFailure("new rows are read while their batch is in hand") }
    return kept.numbers.pointer[Int(positions[Int(row.index)])]
  }

  /// Of these rows, at most `limit`, how many from the first on are told together: fewer where they are large. At least one, if there is any.
  func blockCount(_ rows: ArraySlice<RankedRow>, limit: Int) -> Int {
    let rows = rows.prefix(limit)
    if store.blockRows(rows.count) >= rows.count { return rows.count }
    let numbers = rows.map { number($0) }
    return store.blockCount(numbers, count: numbers.count)
  }

  /// Is done with the batch in hand, and removes kept rows that have no place any more.
  func remove(_ rows: [RankedRow]) {
    kept = nil
    let numbers = rows.map(\.index)
    store.remove(numbers, count: numbers.count)
  }

  /// Forgets slots and their rows.
  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    lists.reset(slots, count: count)
    store.remove(rowsOf: slots, count: count)
  }

  // MARK: What outlives the process

  /// How rows are entries.
  static func format(keys: [Int], input: Schema, expiring: Bool) -> RowFormat {
    RowFormat(
      "rows", key: keys.map { input.fields[$0] }, rows: input, keyColumns: keys,
      facts: expiring ? [TimeToLive.written] : [])
  }

  func trackChanges(_ format: RowFormat) { entries = RowEntries(format, store) }

  /// Reads the keys of rows that were removed: before a key is.
  func settle(_ keys: any KeyTable) throws(Failure) { try entries?.settle(keys) }

  /// - Parameter expiry: tells when slots changed last.
  func takeChanges(
    into changes: inout StateChanges, _ keys: any KeyTable, _ expiry: SlotExpiry?
  ) throws(Failure) {
    try entries?.take(into: &changes, table: 0, keys) { numbers throws(Failure) in
      guard let expiry else { return [] }
      let slots = SlotBuffer(count: numbers.count)
      store.slots(of: numbers.rows, count: numbers.count, into: slots.pointer)
      withExtendedLifetime(numbers) {}
      return [expiry.writtenColumn(of: (0..<slots.count).map { slots.pointer[$0] })]
    }
  }

  /// Rows come back, a slot's in the order in which they came: each finds the place that it had.
  func restore(
    _ restored: RestoredRows, _ slots: SlotBuffer, slotCount: Int, reserve: (Int) throws(Failure) -> Void
  ) throws(Failure) {
    let changes = try rank(restored.rows, slots.pointer, slotCount: slotCount)
    var removed: [RankedRow] = []
    for (index, slot) in changes.slots.enumerated() {
      Self.findRemoved(changes.former(index), rows(slot), &removed)
    }
    try keep(restored.rows, changes, slotCount: slotCount, reserve: reserve)
    guard let kept else { preconditionFailure("rows that were kept are known") }
    var isKept = [Bool](repeating: false, count: restored.rows.length)
    var sequences: [UInt64] = []
    for index in 0..<kept.rows.count {
      let row = Int(kept.rows.rows[index])
      isKept[row] = true
      sequences.append(restored.sequences[row])
    }
    store.setRestored(kept.numbers.pointer, count: sequences.count, sequences: sequences)
    // Fewer rows of a key may have a place than before.
    for row in isKept.indices where !isKept[row] {
      store.noteRemoval(of: restored.sequences[row], slot: slots.pointer[row])
    }
    remove(removed)
    withExtendedLifetime((restored, slots)) {}
  }
}
