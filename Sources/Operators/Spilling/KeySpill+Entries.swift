import Arrow
import Base
import State

/// What goes from the database into an operator.
extension KeySpill {
  /// What the epoch has that the job goes on from.
  func readSubtaskEntries() throws(Failure) {
    for table in subtaskTables {
      var entries: [RecordBatch] = []
      try database.scan(table: table) { entries.append($0) }
      subtaskEntries[table] = entries
    }
  }

  var hasSubtaskEntries: Bool { subtaskEntries.values.contains { !$0.isEmpty } }

  /// Gives an operator that has nothing the entries of the subtask.
  func restoreSubtask(_ body: any DepartingOperator) throws(Failure) {
    for table in subtaskTables {
      for entries in subtaskEntries[table] ?? [] { try body.restore(entries, table: table) }
    }
  }

  /// - Parameter keys: each once.
  /// - Returns: false when several of them have no room together: then some of what they have is not there.
  func load(
    _ keys: [Column], count: Int, _ due: Int64?, into body: any DepartingOperator
  ) throws(Failure) -> Bool {
    soughtCount += count
    let sought = try SoughtKeys(keys, count: count, of: database, table: keyTables[0])
    var isFull = false
    for table in keyTables {
      let definition = database.tables[table]
      func give(_ entries: RecordBatch) throws(Failure) {
        if let due { try noteDue(entries, table, body, after: due) }
        try body.restore(entries, table: table)
        isFull = count > 1 && !claim(0)
        // What comes on is of no use.
        if isFull { throw Self.full }
      }
      do throws(Failure) {
        if !definition.namespace.isEmpty {
          try database.scan(sought, table: table) { entries, _ throws(Failure) in try give(entries) }
          continue
        }
        let found = try database.find(sought, places: 0..<count, table: table)
        if found.rows.isEmpty { continue }
        try give(
          RecordBatch(
            schema: definition.entry,
            columns: keys.map { $0.gather(found.rows, count: found.rows.count) } + found.values.columns,
            length: found.rows.count))
      } catch {
        if isFull { return false }
        throw error
      }
    }
    try body.brought()
    return true
  }

  private static let full = Failure(.data, "keys that come into memory have no room")
}
