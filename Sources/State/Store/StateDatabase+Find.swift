import Arrow
import Base
import CRocksDB
import VolleyPlan

/// Entries that were looked for.
public struct FoundEntries: Sendable {
  /// Which of the addresses have an entry, in no order.
  public var rows: [UInt32]
  /// Their values: row i those of address `rows[i]`.
  public var values: RecordBatch
}

extension StateDatabase {
  /// Addresses that are looked for in one call of the database.
  static let batchRows = 8192

  /// The entries at addresses. One call for many costs much less than many for one.
  ///
  /// - Parameter addresses: rows of `StateTable.address`, without a selection, of this subtask's key groups.
  public func find(_ addresses: RecordBatch, table: Int) throws(Failure) -> FoundEntries {
    precondition(addresses.selection == nil, "addresses have no selection")
    let definition = tables[table]
    let schema = Schema(definition.value)
    if isEmpty || addresses.length == 0 { return FoundEntries(rows: [], values: .empty(schema)) }
    let keys = try EntryKeys.encode(
      definition, id: ids[table], writer: UInt32(part.subtask), maxKeyGroups: part.maxKeyGroups, addresses.columns,
      rows: addresses.length)
    var entries: [SortedEntries.Entry] = []
    entries.reserveCapacity(keys.count)
    for row in 0..<keys.count { entries.append(SortedEntries.Entry(key: keys[row], value: nil)) }
    let found = Lookup(handle, capacity: min(Self.batchRows, keys.count))
    // An address that was given twice is looked for once; the later one counts.
    try SortedEntries(entries).visit { entry, row throws(Failure) in
      try found.add(entry.keyBytes, UInt32(truncatingIfNeeded: row))
    }
    defer { withExtendedLifetime(keys) {} }
    return try found.end(definition, layouts[table])
  }

  /// Asks for keys in order, many at once.
  final class Lookup {
    private var rows: [UInt32] = []
    private let values = ByteRows()
    private let handle: RocksHandle
    private let capacity: Int
    private var asked: [UInt32] = []
    private var keys: [UnsafePointer<CChar>?] = []
    private var sizes: [Int] = []
    private var slices: [OpaquePointer?]
    private var errors: [UnsafeMutablePointer<CChar>?]

    init(_ handle: RocksHandle, capacity: Int) {
      self.handle = handle
      self.capacity = capacity
      slices = [OpaquePointer?](repeating: nil, count: capacity)
      errors = [UnsafeMutablePointer<CChar>?](repeating: nil, count: capacity)
    }

    func add(_ key: UnsafeRawBufferPointer, _ row: UInt32) throws(Failure) {
      asked.append(row)
      keys.append(key.characters)
      sizes.append(key.count)
      if asked.count == capacity { try look() }
    }

    /// What was found of all that was asked for.
    func end(_ table: StateTable, _ layout: RowLayout) throws(Failure) -> FoundEntries {
      try look()
      let columns = try StoredRows.decode(values, layout, place: "table '\(table.name)'")
      return FoundEntries(
        rows: rows, values: RecordBatch(schema: Schema(table.value), columns: columns, length: rows.count))
    }

    private func look() throws(Failure) {
      if asked.isEmpty { return }
      handle.withEntries { family in
        rocksdb_batched_multi_get_cf(
          handle.pointer, handle.lookingUp, family, asked.count, keys, sizes, &slices, &errors, true)
      }
      var failure: Failure?
      for index in asked.indices {
        if let error = errors[index] { failure = RocksHandle.failure(handle.path, "be read", error) }
        guard let slice = slices[index] else { continue }
        var count = 0
        if let value = rocksdb_pinnableslice_value(slice, &count) {
          rows.append(asked[index])
          values.append(value, count)
        }
        rocksdb_pinnableslice_destroy(slice)
        slices[index] = nil
      }
      asked.removeAll(keepingCapacity: true)
      keys.removeAll(keepingCapacity: true)
      sizes.removeAll(keepingCapacity: true)
      if let failure { throw failure }
    }
  }
}
