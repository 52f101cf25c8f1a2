import Base

/// What former subtasks wrote into the tables of the scope `subtask`: every subtask is given all of it after a restart.
struct InheritedEntries: Sendable {
  /// By the table's name: entries as bytes, their keys with prefixes.
  var entries: [String: Entries] = [:]

  final class Entries: @unchecked Sendable {  // Written before it is shared.
    let keys = ByteRows()
    let values = ByteRows()
  }

  /// Reads what is in a database.
  mutating func add(_ handle: RocksHandle, _ catalog: StateCatalog) throws(Failure) {
    for entry in catalog.entries where entry.table.scope == .subtask {
      let group = Int(EntryKeys.noGroup)
      let entries = self.entries[entry.table.name] ?? Entries()
      try TableScan(handle, entry.id).visit(groups: group..<group + 1) { key, value in
        guard let keyStart = key.baseAddress, let valueStart = value.baseAddress else { return }
        entries.keys.append(keyStart, key.count)
        entries.values.append(valueStart, value.count)
      }
      self.entries[entry.table.name] = entries
    }
  }
}
