import Arrow
import Base
import State

/// A pane some of whose keys are in the database only.
extension Pane {
  /// Bytes that rows may add at worst.
  ///
  /// - Parameter columns: what the aggregates' values come from.
  func growth(_ keys: [Column], columns: [Column], rowCount: Int) -> Int {
    // Slots that were given back are taken first.
    let slotCount = max(table.slotCount, table.count + rowCount)
    return table.growth(keys, rowCount: rowCount)
      + aggregates.growth(columns, rowCount: rowCount, slotCount: slotCount - rowCount)
      + (changes?.growth(to: slotCount) ?? 0) + (residents?.growth(to: slotCount) ?? 0)
  }

  /// Brings the keys that the last `find` touched into memory.
  func bring(_ keys: [Column]) throws(Failure) {
    try residents?.bring(
      table.touched, slotCount: table.slotCount, table: WindowTables.panes,
      address: { rows in keys.map { $0.gather(rows) } + WindowTables.columns(span, rows.count) },
      { slots, values throws(Failure) in
        try aggregates.merge(slots.rows, count: slots.count, states: values.columns[...])
        changes?.markStored(slots.rows, count: slots.count, slotCount: table.slotCount)
      })
  }

  /// Makes so many keys leave memory.
  func evict(_ count: Int, to database: StateDatabase) throws(Failure) {
    guard let changes, count > 0 else { return }
    let residents = residents ?? ResidentKeys(database, isWhole: true)
    self.residents = residents
    let schema = database.tables[WindowTables.panes].entry
    try residents.evict(
      count, slotCount: table.slotCount, table: WindowTables.panes, changes: changes,
      { slots throws(Failure) in
        let columns =
          try table.keys(of: slots.rows, count: slots.count) + WindowTables.columns(span, slots.count)
          + aggregates.states(slots.rows, count: slots.count)
        return RecordBatch(schema: schema, columns: columns, length: slots.count)
      },
      remove: { slots in
        aggregates.reset(slots.rows, count: slots.count)
        table.remove(slots.rows, count: slots.count)
      })
  }
}
