import Arrow
import Base
import Keys

/// Changes as bytes of entries.
final class EncodedChanges {
  /// Of one key the last counts. Their memory is this value's.
  private(set) var entries: [SortedEntries.Entry] = []
  private var keys: [EncodedKeys] = []
  private var values: [EncodedRows] = []

  /// - Parameter parts: of `SettledChanges`.
  init(_ parts: ArraySlice<StateChanges.Part>, of database: StateDatabase) throws(Failure) {
    entries.reserveCapacity(parts.reduce(0) { $0 + $1.rowCount })
    for part in parts {
      switch part {
      case .put(let rows, let table): try put(rows, table, database)
      case .remove(let rows, let table): try remove(rows, table, database)
      case .removeAll: preconditionFailure("tables are removed before anything is put")
      }
    }
  }

  private func put(_ rows: RecordBatch, _ table: Int, _ database: StateDatabase) throws(Failure) {
    let (definition, count) = (database.tables[table], rows.length)
    precondition(rows.selection == nil, "changes have no selection")
    let address = definition.key.count + definition.namespace.count
    let columns = Array(rows.columns.prefix(address))
    let value = try StoredRows.encode(Array(rows.columns.dropFirst(address)), database.layouts[table], count: count)
    values.append(value)
    let encoded = try encode(columns, count, table, database)
    let (offsets, bytes) = (value.offsets, value.bytes)
    for row in 0..<count {
      let value = UnsafeRawBufferPointer(start: bytes + offsets[row], count: offsets[row + 1] - offsets[row])
      entries.append(SortedEntries.Entry(key: encoded[row], value: value))
    }
  }

  private func remove(_ rows: RecordBatch, _ table: Int, _ database: StateDatabase) throws(Failure) {
    let (definition, count) = (database.tables[table], rows.length)
    precondition(rows.selection == nil, "changes have no selection")
    let columns = Array(rows.columns.prefix(definition.key.count + definition.namespace.count))
    let encoded = try encode(columns, count, table, database)
    for row in 0..<count { entries.append(SortedEntries.Entry(key: encoded[row], value: nil)) }
  }

  private func encode(
    _ columns: [Column], _ count: Int, _ table: Int, _ database: StateDatabase
  ) throws(Failure) -> EncodedKeys {
    let encoded = try EntryKeys.encode(
      database.tables[table], id: database.ids[table], writer: UInt32(database.part.subtask),
      maxKeyGroups: database.part.maxKeyGroups, columns, rows: count)
    keys.append(encoded)
    return encoded
  }
}

extension EntryKeys {
  /// The keys of a table's entries in a key group: from the first one on and before the second.
  static func range(group: Int, table: UInt16) -> (start: [UInt8], end: [UInt8]) {
    // No table has the last id.
    (bytes(prefix(group: group, table: table)), bytes(prefix(group: group, table: table + 1)))
  }

  /// The first key of a key group.
  static func start(group: Int) -> [UInt8] { bytes(prefix(group: group, table: 0)) }

  private static func bytes(_ prefix: UInt32) -> [UInt8] { withUnsafeBytes(of: prefix.bigEndian) { Array($0) } }
}
