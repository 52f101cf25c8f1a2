import Arrow
import Base
import Glibc
import VolleyPlan

extension StateDatabase {
  /// Gives all entries of some keys in a table with namespaces, those of a key one after the other, ordered by namespace. They are
  /// read in the order in which they lie on the disk: one call for many keys costs less than many for one.
  ///
  /// - Parameters:
  ///   - keys: rows of the table's key columns, of this subtask's key groups, each once.
  ///   - give: is given rows of `StateTable.entry`, and for each the row of its key in `keys`.
  public func scan(
    keys: [Column], count: Int, table: Int, _ give: (RecordBatch, [UInt32]) throws(Failure) -> Void
  ) throws(Failure) {
    let definition = tables[table]
    precondition(definition.scope == .key, "what a subtask wrote has no keys")
    if isEmpty || count == 0 { return }
    let encoded = try EntryKeys.encode(
      definition, id: ids[table], writer: UInt32(part.subtask), maxKeyGroups: part.maxKeyGroups, keys, rows: count)
    var starts: [SortedEntries.Entry] = []
    starts.reserveCapacity(count)
    for row in 0..<count { starts.append(SortedEntries.Entry(key: encoded[row], value: nil)) }
    let iterator = RocksIterator(handle, isSeeking: true)
    let collector = EntryCollector(definition, layouts[table], rows: Self.scanRows, bytes: Self.scanBytes)
    var keyRows: [UInt32] = []
    func pass(_ batch: RecordBatch) throws(Failure) {
      let rows = keyRows
      keyRows.removeAll(keepingCapacity: true)
      try give(batch, rows)
    }
    try SortedEntries(starts).visit { start, row throws(Failure) in
      // The encoding of a key ends in itself: what begins with it is of this key.
      iterator.seek(start.keyBytes)
      while try iterator.isValid(), iterator.key.starts(with: start) {
        keyRows.append(UInt32(truncatingIfNeeded: row))
        let (key, value) = (iterator.key, iterator.value)
        try collector.add(key, value) { batch throws(Failure) in try pass(batch) }
        iterator.next()
      }
    }
    try collector.end { batch throws(Failure) in try pass(batch) }
    withExtendedLifetime(encoded) {}
  }

  /// Bytes of a batch of what keys have.
  private static let scanBytes = 1 << 20
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes begin with those of an entry's key.
  fileprivate func starts(with start: SortedEntries.Entry) -> Bool {
    let prefix = start.keyBytes
    guard count >= prefix.count, let own = baseAddress, let other = prefix.baseAddress else { return false }
    return memcmp(own, other, prefix.count) == 0
  }
}
