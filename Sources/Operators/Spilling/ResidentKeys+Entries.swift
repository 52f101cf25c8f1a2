import Arrow
import Base
import State

/// What goes to and fro between memory and a table of the database, in which a key has one entry.
extension ResidentKeys {
  /// A batch has touched slots: brings the state of those that are not in memory.
  ///
  /// - Parameters:
  ///   - address: gives the columns of `StateTable.address` of rows of the batch.
  ///   - load: is given slots, each once, and the values of their entries.
  func bring(
    _ touched: TouchedSlots, slotCount: Int, table: Int, address: (Selection) -> [Column],
    _ load: (Selection, RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    // To mark what a batch touches costs a row up to five nanoseconds.
    if isWhole { return }
    guard let sought = touch(touched.slots, rows: touched.rows, count: touched.count, slotCount: slotCount) else {
      return
    }
    let addresses = RecordBatch(
      schema: database.tables[table].address, columns: address(sought.rows), length: sought.rows.count)
    let found = try database.find(addresses, table: table)
    if found.rows.isEmpty { return }
    try load(sought.slots(of: found.rows), found.values)
  }

  /// Makes keys leave memory, those first that were not touched since they were last asked.
  ///
  /// - Parameters:
  ///   - count: how many, of those that are there.
  ///   - slotCount: each slot below has a key as long as none has left memory.
  ///   - changes: of the operator; forgets those that leave.
  ///   - entries: gives the rows of `StateTable.entry` of slots.
  ///   - remove: is given slots that have left.
  func evict(
    _ count: Int, slotCount: Int, table: Int, changes: SlotChanges,
    _ entries: (Selection) throws(Failure) -> RecordBatch, remove: (Selection) -> Void
  ) throws(Failure) {
    let wasWhole = isWhole
    beginEviction()
    // Those that have changed since the last epoch were touched.
    if wasWhole { noteAll(slotCount) { changes.isChanged($0) } }
    try evict(count) { leaving throws(Failure) in
      let dirty = changes.changed(leaving.rows, count: leaving.count)
      if dirty.count > 0 {
        var written = StateChanges()
        written.put(try entries(dirty), table: table)
        try database.apply(written)
      }
      _ = changes.forget(leaving.rows, count: leaving.count)
      remove(leaving)
    }
  }
}
