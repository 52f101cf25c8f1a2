/// Which tables of a database may have entries: what is in none need not be looked for.
struct TableContents {
  /// By table: whether entries were ever put; nil: nobody has looked yet.
  private var tables: [Bool?]
  /// Nothing was ever written.
  private(set) var areEmpty: Bool

  init(_ count: Int, areEmpty: Bool) {
    tables = [Bool?](repeating: areEmpty ? false : nil, count: count)
    self.areEmpty = areEmpty
  }

  subscript(_ table: Int) -> Bool? { tables[table] }

  /// Somebody has looked, while entries may have been put.
  mutating func note(_ table: Int, hasEntries: Bool) { tables[table] = tables[table] ?? hasEntries }

  /// Entries are about to be written.
  mutating func notePut(_ parts: [StateChanges.Part]) {
    areEmpty = false
    for case .put(let rows, let table) in parts where rows.length > 0 { tables[table] = true }
  }
}
