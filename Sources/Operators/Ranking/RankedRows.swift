import Arrow
import Base
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
  /// Of the batch in hand, by row: its number, once it is kept.
  private var numbers: [UInt32] = []

  /// Far enough for a miss to memory, near enough that the lines are still in the first cache.
  private static let ahead = 12

  init(_ order: RankOrder, limit: Int, input: Schema) {
    self.order = order
    lists = RankedLists(wordCount: order.wordCount, limit: limit)
    store = RowStore(input, expiring: false)
    ties = RankTies(order, store)
  }

  var byteCount: Int { lists.byteCount + store.byteCount }

  /// Bytes that a batch may add at worst.
  func growth(_ batch: RecordBatch, slotCount: Int) -> Int {
    lists.growth(to: slotCount + batch.rowCount, rows: batch.rowCount)
      + store.growth(appending: batch, slotCount: slotCount + batch.rowCount)
  }

  /// Gives a batch's rows their places: row i is one of slot `slots[i]`. `keep` has to follow.
  func rank(_ batch: RecordBatch, _ slots: UnsafePointer<UInt32>, slotCount: Int) throws(Failure) -> RankChanges {
    let count = batch.rowCount
    lists.grow(to: slotCount)
    store.grow(to: slotCount)
    ties.columns = try order.columns(batch)
    let wordBuffer = order.words(ties.columns, count: count)
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
        guard comesBefore(row, own, rows, end &- 1) else { continue }
        end &-= 1
      }
      var start = 0
      while start < end {
        let middle = (start &+ end) >> 1
        if comesBefore(row, own, rows, middle) { end = middle } else { start = middle &+ 1 }
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
  ) -> Bool {
    let others = rows.words(index)
    for part in 0..<order.wordCount {
      if words[part] != others[part] { return words[part] < others[part] }
      if order.isCoarse(part, words[part]) { return comesBefore(row, rows[index], from: part) }
    }
    if order.parts.count > order.wordCount { return comesBefore(row, rows[index], from: order.wordCount) }
    return order.takesLast
  }

  @inline(never)  // Words tell most rows apart.
  private func comesBefore(_ row: Int, _ other: RankedRow, from part: Int) -> Bool {
    let order = ties.order(RankedRow(new: row), other, from: part)
    return order == 0 ? self.order.takesLast : order < 0
  }

  /// Keeps the rows of the batch that have a place.
  func keep(_ batch: RecordBatch, _ changes: RankChanges) throws(Failure) {
    let kept = Buffer(byteCount: batch.rowCount * 4)
    let keptSlots = Buffer(byteCount: batch.rowCount * 4)
    let (rows, slots) = (kept.unsafeMutableValues(UInt32.self), keptSlots.unsafeMutableValues(UInt32.self))
    var count = 0
    for slot in changes.slots {
      let ranked = lists.rows(slot)
      for index in 0..<ranked.count where ranked[index].isNew {
        rows[count] = ranked[index].index
        slots[count] = slot
        count &+= 1
      }
    }
    if numbers.count < batch.rowCount { numbers = [UInt32](repeating: 0, count: batch.rowCount) }
    let keptNumbers = Buffer(byteCount: max(4, count * 4))
    let new = keptNumbers.unsafeMutableValues(UInt32.self)
    try store.append(batch.selecting(Selection(indices: kept, count: count)), slots: slots, numbers: new)
    for index in 0..<count { numbers[Int(rows[index])] = new[index] }
    for slot in changes.slots {
      let ranked = lists.rows(slot)
      for index in 0..<ranked.count where ranked[index].isNew {
        ranked[index] = RankedRow(kept: numbers[Int(ranked[index].index)])
      }
    }
    lists.settle(changes.slots)
    ties.columns = []
    withExtendedLifetime((kept, keptSlots, keptNumbers)) {}
  }

  /// The rows of a slot, in their order.
  func rows(_ slot: UInt32) -> RankedLists.Rows { lists.rows(slot) }

  /// Columns of rows: kept ones, and those of the batch in hand that `keep` has kept.
  ///
  /// - Parameter wanted: which ones, of the input.
  func columns(
    _ rows: ArraySlice<RankedRow>, of batch: RecordBatch?, _ wanted: [Int]
  ) throws(Failure) -> [Column] {
    if wanted.isEmpty { return [] }
    let buffer = Buffer(byteCount: rows.count * 4)
    let indices = buffer.unsafeMutableValues(UInt32.self)
    defer { withExtendedLifetime(buffer) {} }
    if let batch, rows.allSatisfy(\.isNew) {
      for (place, row) in rows.enumerated() { indices[place] = row.index }
      let selected = batch.selecting(Selection(indices: buffer, count: rows.count))
      return wanted.map { selected.compactedColumn($0) }
    }
    for (place, row) in rows.enumerated() { indices[place] = row.isNew ? numbers[Int(row.index)] : row.index }
    return try store.columns(of: indices, count: rows.count, wanted)
  }

  /// Removes kept rows that have no place any more.
  func remove(_ rows: [RankedRow]) {
    let numbers = rows.map(\.index)
    store.remove(numbers, count: numbers.count)
  }

  /// Forgets slots and their rows.
  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    lists.reset(slots, count: count)
    store.remove(rowsOf: slots, count: count)
  }
}
