import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// The keys of an operator that has one entry for each, of which some are in memory and all others in its database: what is in the
/// database of a key that has not changed is its state. One thread at a time.
final class SpilledKeys {
  private let database: StateDatabase
  private let table: Int
  private let residents: ResidentKeys
  /// Where the keys that were there before come from, as long as they do.
  private var cursor: StateCursor?
  /// It was told how many keys will come.
  private var isExpected = false
  /// No batch has come.
  private var isFirst = true

  init(_ database: StateDatabase, table: Int) {
    self.database = database
    self.table = table
    residents = ResidentKeys(database)
    cursor = residents.isWhole ? nil : database.cursor(table: table)
  }

  /// Every key of the database is in memory too, so that nothing has to be looked for.
  var isWhole: Bool { residents.isWhole }
  /// Keys that were looked for in the database, and that left memory, since the operator was made.
  var soughtCount: Int { residents.soughtCount }
  var evictedCount: Int { residents.evictedCount }

  /// Some more entries of those that were in the database at the beginning, for memory to have them before they are
  /// looked for one by one; nil when no more come. Also of keys that are in memory, which are as they were.
  func next(_ limit: Int) throws(Failure) -> RecordBatch? {
    guard let cursor else { return nil }
    if let entries = try cursor.next(limit) { return entries }
    self.cursor = nil
    residents.noteWhole()
    residents.forgetMarks()
    return nil
  }

  /// Once, as soon as it can be told: how many keys memory will have, about, when all have come.
  func takeExpectedCount() -> Int? {
    guard !isExpected, let count = cursor?.expectedCount else { return nil }
    isExpected = true
    return count
  }

  /// How many parts of the entries of before are brought into memory with the batch in hand, so that they need not be looked for
  /// one by one, which takes ten times as long: none with the first batch, which has waited for a restart; then about as many as
  /// half a second has room for.
  func takeFetches() -> Int {
    defer { isFirst = false }
    return cursor == nil || isFirst ? 0 : 16
  }

  /// Memory has no room for all: the others stay where they are.
  func stopFetching() { cursor = nil }

  var byteCount: Int { residents.byteCount }

  func reserve(_ slotCount: Int) { residents.reserve(slotCount) }

  func growth(to slotCount: Int) -> Int { residents.growth(to: slotCount) }

  /// A batch has touched slots: brings the state of those that are not in memory.
  ///
  /// - Parameters:
  ///   - keys: the batch's key columns.
  ///   - load: is given slots, each once, and the values of their entries.
  func bring(
    _ touched: TouchedSlots, slotCount: Int, keys: [Column],
    _ load: (Selection, RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    try residents.bring(
      touched, slotCount: slotCount, table: table, address: { rows in keys.map { $0.gather(rows) } }, load)
  }

  /// The state of these slots has been brought into memory.
  func note(_ slots: Selection, slotCount: Int) {
    residents.note(slots.rows, count: slots.count, slotCount: slotCount)
  }

  /// No key is in memory.
  func removeAll() { residents.removeAll() }

  /// Makes so many keys leave memory: see `ResidentKeys.evict`.
  func evict(
    _ count: Int, slotCount: Int, changes: SlotChanges,
    _ entries: (Selection) throws(Failure) -> RecordBatch, remove: (Selection) -> Void
  ) throws(Failure) {
    cursor = nil
    try residents.evict(count, slotCount: slotCount, table: table, changes: changes, entries, remove: remove)
  }
}
