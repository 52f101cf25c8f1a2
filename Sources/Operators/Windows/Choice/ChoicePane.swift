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
  private let table: any KeyTable
  private let bests = SlotColumn<Int64>(initial: .max)
  private var kept: [Kept] = []
  /// Rows of `kept`, and how many there were when it was last looked through.
  private var keptRows = 0
  private var soughtRows = 0
  private var keptBytes = 0

  /// Rows that are not worth looking through, and batches.
  private static let leastGarbage = 1_024
  private static let leastBatches = 64

  init(_ span: WindowSpan, keys: [Int], types: [DataType]) {
    self.span = span
    keyIndices = keys
    table = makeKeyTable(types, keepingKeys: false)
  }

  var keyCount: Int { table.count }
  var byteCount: Int { table.byteCount + bests.byteCount + keptBytes }

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
    guard let best else {
      keep(Kept(batch: rows.compacted(), slots: slots, order: order))
      return try tidy()
    }
    if best.count == 0 { return }
    keep(Self.part(rows, slots, order, best))
    try tidy()
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
