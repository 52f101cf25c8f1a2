import Arrow
import Base
import Dataflow
import State

/// What keys have comes back into memory.
extension KeyedProcessOperator {
  /// Reads what keys have, which are not in memory.
  ///
  /// - Parameter keys: of the batch.
  func load(_ absent: ResidentKeys.Sought, _ keys: [Column], _ spill: ProcessSpill) throws(Failure) {
    let before = states.uses
    let sought = try spill.known(absent, keys)
    if sought.rows.count > 0 {
      let timerTable = states.stores.count
      let soughtKeys = try SoughtKeys(
        keys.map { $0.gather(sought.rows) }, count: sought.rows.count, of: spill.database, table: timerTable)
      for (index, store) in states.stores.enumerated() {
        if store is ValueStore {
          try loadValues(index, sought, soughtKeys, spill)
          continue
        }
        try spill.database.scan(soughtKeys, table: index) { entries, rows throws(Failure) in
          try load(Array(entries.columns.dropFirst(keys.count)), sought.slots(of: rows), index, spill)
        }
      }
      try spill.database.scan(soughtKeys, table: timerTable) { entries, rows throws(Failure) in
        let slots = sought.slots(of: rows)
        guard claim(entries.length * 64, spill) else { throw refused(spill) }
        timers.restore(Array(entries.columns.dropFirst(keys.count)), slots.rows, count: slots.count)
        withExtendedLifetime(slots) {}
        try spill.departed.change(entries.columns, count: entries.length, areLeaving: false)
      }
      for store in states.stores { store.restored() }
    }
    StoreUse.note(since: before, states.uses, rows: absent.rows.count, in: &spill.broughtUse)
  }

  /// Values are found with the help of filters, many at a time, and no more than take a bit of memory.
  private func loadValues(
    _ index: Int, _ sought: ResidentKeys.Sought, _ keys: SoughtKeys, _ spill: ProcessSpill
  ) throws(Failure) {
    var first = 0
    while first < keys.count {
      let count = min(max(32, Self.foundBytes / spill.valueBytes[index]), keys.count - first)
      let found = try spill.database.find(keys, places: first..<first + count, table: index)
      if !found.rows.isEmpty {
        spill.valueBytes[index] = max(16, found.values.byteCount / found.rows.count)
        try load(found.values.columns, sought.slots(of: found.rows), index, spill)
      }
      first += count
    }
  }

  private static let foundBytes = 1 << 20

  private func load(
    _ values: [Column], _ slots: Selection, _ index: Int, _ spill: ProcessSpill
  ) throws(Failure) {
    let store = states.stores[index]
    guard claim(store.growth(using: store.use(of: values, count: slots.count)), spill) else { throw refused(spill) }
    try store.restore(values, slots.rows, count: slots.count, states.keyRecords, at: clock.now.microseconds)
    withExtendedLifetime(slots) {}
  }
}
