import Arrow
import Base
import Glibc
import VolleyPlan

extension StateDatabase {
  /// Gives all entries of some keys in a table with namespaces, those of a key one after the other, ordered by namespace. They are
  /// read in the order in which they lie on the disk: one call for many keys costs less than many for one.
  ///
  /// - Parameter give: is given rows of `StateTable.entry`, and for each the row of its key.
  public func scan(
    _ keys: SoughtKeys, table: Int, _ give: (RecordBatch, [UInt32]) throws(Failure) -> Void
  ) throws(Failure) {
    if keys.count == 0 { return }
    if try !mayHaveEntries(table) { return }
    keys.aim(at: table, of: self)
    let iterator = RocksIterator(handle, isSeeking: true)
    let collector = EntryCollector(tables[table], layouts[table], rows: Self.scanRows, bytes: Self.scanBytes)
    var keyRows: [UInt32] = []
    func pass(_ batch: RecordBatch) throws(Failure) {
      let rows = keyRows
      keyRows.removeAll(keepingCapacity: true)
      try give(batch, rows)
    }
    for (start, row) in keys.starts {
      // The encoding of a key ends in itself: what begins with it is of this key.
      iterator.seek(start)
      while try iterator.isValid() {
        let key = iterator.key
        guard key.starts(with: start) else { break }
        keyRows.append(row)
        try collector.add(key, iterator.value) { batch throws(Failure) in try pass(batch) }
        iterator.next()
      }
    }
    try collector.end { batch throws(Failure) in try pass(batch) }
    withExtendedLifetime(keys) {}
  }

  /// Bytes of a batch of what keys have.
  private static let scanBytes = 1 << 20

  /// The entries of some keys in a table without namespaces.
  ///
  /// - Parameters:
  ///   - places: of the keys that are looked for, in the order of the disk.
  ///   - table: without namespaces: a key has one entry.
  /// - Returns: with the rows of keys.
  public func find(_ keys: SoughtKeys, places: Range<Int>, table: Int) throws(Failure) -> FoundEntries {
    precondition(tables[table].namespace.isEmpty, "a key has one entry")
    if places.isEmpty { return FoundEntries(rows: [], values: .empty(Schema(tables[table].value))) }
    if try !mayHaveEntries(table) { return FoundEntries(rows: [], values: .empty(Schema(tables[table].value))) }
    keys.aim(at: table, of: self)
    let found = Lookup(handle, capacity: min(Self.batchRows, places.count))
    for (bytes, row) in keys.starts[places] { try found.add(bytes, row) }
    defer { withExtendedLifetime(keys) {} }
    return try found.end(tables[table], layouts[table])
  }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes begin with others.
  fileprivate func starts(with prefix: UnsafeRawBufferPointer) -> Bool {
    guard count >= prefix.count, let own = baseAddress, let other = prefix.baseAddress else { return false }
    return memcmp(own, other, prefix.count) == 0
  }
}
