import Arrow
import Base
import State
import VolleyPlan

/// The best rows so far of each key in one stretch of time.
final class ChoicePane {
  /// Rows that were their keys' best ones when they came.
  private struct Kept {
    /// Without a selection.
    var batch: RecordBatch
    var slots: SlotBuffer
    /// Of 8 bytes.
    var order: Column
  }

  let span: WindowSpan
  private let keyIndices: [Int]
  let table: any KeyTable
  /// Of its keys; nil when no epochs are taken.
  let changes: SlotChanges?
  private let bests = SlotColumn<Int64>(initial: .max)
  private var kept: [Kept] = []
  /// Rows of `kept`, and how many there were when it was last looked through.
  private var keptRows = 0
  private var soughtRows = 0
  private var keptBytes = 0

  /// Rows that are not worth looking through, and batches.
  private static let leastGarbage = 1_024
  private static let leastBatches = 64

  init(_ span: WindowSpan, keys: [Int], types: [DataType], tracksChanges: Bool = false) {
    self.span = span
    keyIndices = keys
    table = makeKeyTable(types, keepingKeys: tracksChanges)
    changes = tracksChanges ? SlotChanges() : nil
  }

  var keyCount: Int { table.count }
  var byteCount: Int { table.byteCount + bests.byteCount + keptBytes + (changes?.byteCount ?? 0) }

  /// Bytes that these rows may take at worst.
  func growth(_ rows: RecordBatch) -> Int {
    let keys = keyIndices.map { rows.columns[$0] }
    return table.growth(keys, rowCount: rows.rowCount) + bests.growth(to: table.slotCount + rows.rowCount)
      + rows.byteCount + 12 * rows.rowCount
  }

  /// - Parameters:
  ///   - rows: at least one, none without a value.
  ///   - order: a key of 8 bytes for each.
  func add(_ rows: RecordBatch, _ order: Column) throws(Failure) {
    let count = rows.rowCount
    let slots = SlotBuffer(count: count)
    try table.find(keyIndices.map { rows.compactedColumn($0) }, rowCount: count, into: slots.pointer)
    bests.grow(to: table.slotCount)
    let best = BestRows.take(order.values(Int64.self), slots: slots.pointer, count: count, bests: bests.values)
    withExtendedLifetime(order) {}
    note(best, slots)
    guard let best else {
      keep(Kept(batch: rows.compacted(), slots: slots, order: order))
      return try tidy()
    }
    if best.count == 0 { return }
    keep(Self.part(rows, slots, order, best))
    try tidy()
  }

  /// - Parameter best: rows that are kept; nil: all.
  private func note(_ best: Selection?, _ slots: SlotBuffer) {
    guard let changes else { return }
    guard let best else {
      changes.mark(slots.pointer, count: slots.count, slotCount: table.slotCount)
      return
    }
    let kept = slots.gather(best)
    changes.mark(kept.pointer, count: kept.count, slotCount: table.slotCount)
  }

  /// What was restored of keys is no change.
  func markStored(_ keys: [Column], count: Int) throws(Failure) {
    guard let changes else { return }
    let slots = SlotBuffer(count: count)
    try table.lookup(keys, rowCount: count, into: slots.pointer)
    _ = changes.forget(slots.pointer, count: count)
    changes.markStored(slots.pointer, count: count, slotCount: table.slotCount)
  }

  /// The best rows of some keys, those of one behind the other as they came: a list a column and key.
  func lists(_ slots: Selection) throws(Failure) -> [Column] {
    let place = SlotColumn<UInt32>(initial: .max)
    place.grow(to: table.slotCount)
    for index in 0..<slots.count { place.values[Int(slots.rows[index])] = UInt32(truncatingIfNeeded: index) }
    let offsets = Buffer(byteCount: (slots.count + 1) * 4)
    let ends = offsets.unsafeMutableValues(Int32.self)
    ends.update(repeating: 0, count: slots.count + 1)
    var (parts, owners): ([RecordBatch], [UInt32]) = ([], [])
    for part in kept {
      let (order, own) = (part.order.values(Int64.self), part.slots.pointer)
      let rows = (0..<part.slots.count).filter {
        place.values[Int(own[$0])] != .max && order[$0] == bests.values[Int(own[$0])]
      }
      if rows.isEmpty { continue }
      for row in rows {
        let owner = place.values[Int(own[row])]
        owners.append(owner)
        ends[Int(owner) + 1] += 1
      }
      parts.append(part.batch.selecting(Selection(rows)))
    }
    for index in 0..<slots.count { ends[index + 1] += ends[index] }
    // The rows of each key together, in the order in which they came.
    var next = (0..<slots.count).map { ends[$0] }
    var order = [UInt32](repeating: 0, count: owners.count)
    for (row, owner) in owners.enumerated() {
      order[Int(next[Int(owner)])] = UInt32(truncatingIfNeeded: row)
      next[Int(owner)] += 1
    }
    let rows = try RecordBatch.concatenate(parts)
    return rows.columns.map { column in
      Column(
        type: .list(of: column.type), length: slots.count, validity: nil, buffers: [offsets],
        children: [column.gather(order, count: order.count)])
    }
  }

  private static func part(_ rows: RecordBatch, _ slots: SlotBuffer, _ order: Column, _ best: Selection) -> Kept {
    let own = SlotBuffer(count: best.count)
    for index in 0..<best.count { own.pointer[index] = slots.pointer[Int(best.rows[index])] }
    return Kept(batch: rows.selecting(best).compacted(), slots: own, order: order.gather(best))
  }

  private func keep(_ part: Kept) {
    kept.append(part)
    keptRows += part.slots.count
    keptBytes += part.batch.byteCount + 12 * part.slots.count
  }

  /// Drops the rows that are the best no more, and puts batches together, when there are many of either.
  private func tidy() throws(Failure) {
    guard kept.count > Self.leastBatches || keptRows > 2 * soughtRows + Self.leastGarbage else { return }
    let all = kept.compactMap { best(of: $0) }
    kept = []
    (keptRows, keptBytes) = (0, 0)
    if let first = all.first {
      var columns: [Column] = []
      for index in first.batch.columns.indices {
        columns.append(try Column.concatenate(all.map { $0.batch.columns[index] }))
      }
      let count = all.reduce(0) { $0 + $1.slots.count }
      let slots = SlotBuffer(count: count)
      var next = slots.pointer
      for part in all {
        next.update(from: part.slots.pointer, count: part.slots.count)
        next += part.slots.count
      }
      keep(
        Kept(
          batch: RecordBatch(schema: first.batch.schema, columns: columns, length: count), slots: slots,
          order: try Column.concatenate(all.map(\.order))))
    }
    soughtRows = keptRows
  }

  /// Of rows those that still are the best; nil when none is.
  private func best(of part: Kept) -> Kept? {
    let (order, slots, bests) = (part.order.values(Int64.self), part.slots.pointer, bests.values)
    let rows = BestRows.rows(part.slots.count) { order[$0] == bests[Int(slots[$0])] }
    guard let rows else { return part }
    return rows.count == 0 ? nil : Self.part(part.batch, part.slots, part.order, rows)
  }

  /// Calls `body` with the best rows, in the order in which they came, and what they are compared by.
  func eachBatch(_ body: (RecordBatch, Column) throws(Failure) -> Void) throws(Failure) {
    for part in kept { if let best = best(of: part) { try body(best.batch, best.order) } }
  }
}
