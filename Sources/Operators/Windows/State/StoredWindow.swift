import Arrow
import Base
import State

/// The entries of a window in the database: gives those of keys that are not in memory, and removes all.
///
/// They lie under their keys beside those of other windows, so that it goes through the whole table, some entries at a time. It
/// removes them at once, and does not note for the next epoch what has gone, which would take memory for every key. What was
/// taken for an epoch is in it before: then what is removed here is, as what leaves memory, of the next one.
final class StoredWindow {
  private let pane: Pane
  private let database: StateDatabase
  private let keyCount: Int
  private let cursor: StateCursor
  /// Has the states of the entries in hand.
  private let aggregates: AggregateSet

  /// - Parameters:
  ///   - pane: what is in memory, which stays as it is.
  ///   - keyCount: columns of a key.
  init(_ pane: Pane, _ database: StateDatabase, keyCount: Int) throws(Failure) {
    self.pane = pane
    self.database = database
    self.keyCount = keyCount
    aggregates = pane.aggregates.another()
    database.waitUntilSettled()
    cursor = try database.cursor(
      table: WindowTables.panes, namespace: WindowTables.columns(pane.span, 1), rows: WindowRows.batchRows)
  }

  /// Looks at some entries. False, and no call, when there are no more.
  func giveSome(_ body: WindowResults) throws(Failure) -> Bool {
    guard let entries = try cursor.next(SlotChanges.blockSlots) else { return false }
    if entries.length == 0 { return true }
    try give(entries, body)
    try remove(entries)
    return true
  }

  private func give(_ entries: RecordBatch, _ body: WindowResults) throws(Failure) {
    var (keys, states) = (
      Array(entries.columns.prefix(keyCount)), Array(entries.columns.dropFirst(keyCount + WindowTables.bounds.count))
    )
    var count = entries.length
    if pane.keyCount > 0 {
      let slots = SlotBuffer(count: count)
      try pane.table.lookup(keys, rowCount: count, into: slots.pointer)
      let missing = slots.missing
      count = missing.count
      if count == 0 { return }
      if count < entries.length {
        keys = keys.map { $0.gather(missing) }
        states = states.map { $0.gather(missing) }
      }
    }
    let slots = SlotBuffer(from: 0, count: count)
    try aggregates.grow(to: count)
    try aggregates.merge(slots.pointer, count: count, states: states[...])
    try body(keys, aggregates, slots)
    aggregates.removeAll()
  }

  private func remove(_ entries: RecordBatch) throws(Failure) {
    var changes = StateChanges()
    changes.remove(entries.addresses(of: database, WindowTables.panes), table: WindowTables.panes)
    // Few at a time, which a file for each of these would make many files of.
    try database.apply(changes, inBuffers: true)
  }
}

extension SlotBuffer {
  /// The rows whose key is not in the table that they were looked up in.
  fileprivate var missing: Selection {
    let buffer = Buffer(byteCount: count * 4)
    let rows = buffer.unsafeMutableValues(UInt32.self)
    var found = 0
    for row in 0..<count {
      rows[found] = UInt32(truncatingIfNeeded: row)
      found &+= pointer[row] == UInt32.max ? 1 : 0
    }
    return Selection(indices: buffer, count: found)
  }
}
