import Arrow
import Base
import Keys
import State
import Testing
import VolleyPlan

/// The tables of an operator in all of its subtasks, as a dictionary by address: what a database is to have.
struct StateModel {
  private struct Entry {
    var group: Int
    /// Of the scope `subtask`: whose it is.
    var subtask: Int
    var address: [UInt8]
    var row: RecordBatch
  }

  let tables: [StateTable]
  private var entries: [[[UInt8]: Entry]]

  private static let groups = 16

  init(_ tables: [StateTable]) {
    self.tables = tables
    entries = tables.map { _ in [:] }
  }

  var count: Int { entries.reduce(0) { $0 + $1.count } }

  /// The encoded addresses of rows that begin with key and namespace, and the key groups.
  private static func addresses(
    _ table: StateTable, _ rows: RecordBatch
  ) throws(Failure) -> [(address: [UInt8], group: Int)] {
    let keys = try KeyColumn.plain(Array(rows.columns.prefix(table.key.count)))
    let all = try KeyColumn.plain(Array(rows.columns.prefix(table.key.count + table.namespace.count)))
    let encoded = KeyEncoding.encode(columns: all, rows: rows.length)
    var hashes = [UInt64](repeating: 0, count: rows.length)
    if !keys.isEmpty { KeyHasher.hash(columns: keys, rows: rows.length, into: &hashes) }
    return (0..<rows.length).map { row in
      (Array(encoded[row]), KeyGroup.of(hashes[row], maxKeyGroups: groups).index)
    }
  }

  /// The subtask of a key group.
  static func subtask(of group: Int, parallelism: Int) -> Int {
    KeyGroupAssignment(maxKeyGroups: groups, parallelism: parallelism).subtask(of: KeyGroup(group))
  }

  /// The subtasks of rows by their key.
  static func subtasks(_ keys: [Column], rows: Int, parallelism: Int) throws(Failure) -> [Int] {
    if keys.isEmpty { return [Int](repeating: 0, count: rows) }
    var hashes = [UInt64](repeating: 0, count: rows)
    KeyHasher.hash(columns: try KeyColumn.plain(keys), rows: rows, into: &hashes)
    return hashes.map { subtask(of: KeyGroup.of($0, maxKeyGroups: groups).index, parallelism: parallelism) }
  }

  mutating func apply(_ changes: StateChanges, subtask: Int, parallelism: Int) throws(Failure) {
    for part in changes.parts {
      switch part {
      case .removeAll(let table):
        entries[table] = entries[table].filter { _, entry in
          tables[table].scope == .subtask
            ? entry.subtask != subtask : Self.subtask(of: entry.group, parallelism: parallelism) != subtask
        }
      case .remove(let rows, let table):
        #expect(rows.schema == tables[table].address && rows.selection == nil)
        for (address, group) in try Self.addresses(tables[table], rows) {
          check(table, group, subtask, parallelism)
          entries[table][key(address, table, subtask)] = nil
        }
      case .put(let rows, let table):
        #expect(rows.schema == tables[table].entry && rows.selection == nil)
        for (column, field) in zip(rows.columns, rows.schema.fields) { #expect(column.type == field.type) }
        for (row, (address, group)) in try Self.addresses(tables[table], rows).enumerated() {
          check(table, group, subtask, parallelism)
          entries[table][key(address, table, subtask)] = Entry(
            group: group, subtask: subtask, address: address, row: rows.slice(row..<row + 1))
        }
      }
    }
  }

  private func check(_ table: Int, _ group: Int, _ subtask: Int, _ parallelism: Int) {
    if tables[table].scope == .subtask { return }
    let owner = Self.subtask(of: group, parallelism: parallelism)
    #expect(owner == subtask, "an entry of '\(tables[table].name)' of another subtask")
  }

  private func key(_ address: [UInt8], _ table: Int, _ subtask: Int) -> [UInt8] {
    tables[table].scope == .key ? address : [UInt8(subtask)] + address
  }

  /// Gives a subtask what it goes on with, in the order that the contract says, in pieces of some rows.
  func restore(
    subtask: Int, parallelism: Int, rows pieceRows: Int, _ give: (RecordBatch, Int) throws(Failure) -> Void
  ) throws(Failure) {
    for (index, table) in tables.enumerated() {
      var own = entries[index].values.filter { entry in
        table.scope == .subtask || Self.subtask(of: entry.group, parallelism: parallelism) == subtask
      }
      own.sort { left, right in
        left.group != right.group ? left.group < right.group : left.address.lexicographicallyPrecedes(right.address)
      }
      var rest = own[...]
      while !rest.isEmpty {
        // The operator may keep what it is given: it is memory of its own.
        try give(try RecordBatch.concatenate(rest.prefix(pieceRows).map(\.row)), index)
        rest = rest.dropFirst(pieceRows)
      }
    }
  }

  /// Entries of subtasks are from here on what the subtasks that there are now put.
  mutating func forgetSubtasks() {
    for (index, table) in tables.enumerated() where table.scope == .subtask { entries[index] = [:] }
  }

  /// All entries of keys as text, by table.
  ///
  /// - Parameters:
  ///   - values: whether with the values, or addresses only.
  ///   - unnamed: names of columns that are left out.
  func texts(values: Bool, without unnamed: Set<String> = []) -> [String] {
    var texts: [String] = []
    for (index, table) in tables.enumerated() where table.scope == .key {
      for entry in entries[index].values {
        let count = values ? entry.row.columns.count : table.address.fields.count
        let columns = (0..<count).filter { !unnamed.contains(table.entry.fields[$0].name) }.map {
          entry.row.columns[$0]
        }
        texts.append("\(table.name): " + columns.map { $0.text(at: 0) }.joined(separator: " | "))
      }
    }
    return texts.sorted()
  }
}
