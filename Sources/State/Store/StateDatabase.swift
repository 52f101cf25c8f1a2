import Arrow
import Base
import Keys

/// A stateful subtask's tables on its disk.
///
/// It is as lasting as its process: what outlives that is what `checkpoint` gave. `apply` and `checkpoint` by one
/// thread at a time; what reads, from any thread and beside them.
// RocksDB locks what it has; the rest is set once or behind a monitor.
public final class StateDatabase: @unchecked Sendable {
  let handle: RocksHandle
  public let part: StatePart
  /// As the operator has them; their places here are what `StateChanges` calls a table.
  public let tables: [StateTable]
  /// By table.
  let ids: [UInt16]
  /// By table.
  let layouts: [RowLayout]
  /// What former subtasks wrote into the tables of the scope `subtask`, until the operator has it.
  let inherited: Monitor<InheritedEntries>
  private let contents: Monitor<TableContents>
  /// Whether its tables are all that the database has.
  private let hasAllTables: Bool
  /// Entries that were removed since their files were merged last.
  private let gone = Monitor(0)
  /// Changes that were taken from the operator and are not in an epoch yet.
  private let expected = Monitor(Expected())
  private struct Expected {
    var count = 0
    var isAbandoned = false
  }

  init(
    _ handle: RocksHandle, _ part: StatePart, _ tables: [StateTable], _ catalog: StateCatalog,
    inherited: InheritedEntries, isEmpty: Bool
  ) {
    self.handle = handle
    self.part = part
    self.tables = tables
    ids = tables.map { table in
      guard let entry = catalog[table.name] else { preconditionFailure("the catalog has every table") }
      return entry.id
    }
    layouts = tables.map { StoredRows.layout(Schema($0.value)) }
    hasAllTables = catalog.entries.count == tables.count
    self.inherited = Monitor(inherited)
    contents = Monitor(TableContents(tables.count, areEmpty: isEmpty))
  }

  /// A database without entries. What was in the folder is removed.
  ///
  /// - Parameters:
  ///   - folder: of this database alone, on the file system that its epochs are to be linked in.
  ///   - tables: of names that differ.
  public static func create(
    at folder: String, tables: [StateTable], part: StatePart, memory: StateMemoryShares
  ) throws(Failure) -> StateDatabase {
    try StateFolder.makeEmpty(folder)
    let handle = try RocksHandle(folder, .create, memory)
    let catalog = StateCatalog(maxKeyGroups: part.maxKeyGroups, tables: tables)
    try handle.put(StateCatalog.key, try catalog.encoded())
    return StateDatabase(handle, part, tables, catalog, inherited: InheritedEntries(), isEmpty: true)
  }

  /// Another database of the same thread's, beside this one and without entries. It is in no epoch.
  ///
  /// - Parameter name: of its folder, behind this one's.
  public func makeCompanion(_ name: String, tables: [StateTable]) throws(Failure) -> StateDatabase {
    try .create(
      at: "\(handle.path)-\(name)", tables: tables, part: StatePart(subtask: 0, parallelism: 1), memory: handle.memory)
  }

  /// Whether no entry was ever put: then nothing has to be looked for.
  public var isEmpty: Bool { contents.withLock { $0.areEmpty } }

  /// Whether the table may have entries of keys; false: nothing has to be looked for there.
  func mayHaveEntries(_ table: Int) throws(Failure) -> Bool {
    if let known = contents.withLock({ $0[table] }) { return known }
    let hasEntries = try TableScan(handle, ids[table]).hasEntries(groups: part.groups)
    contents.withLock { $0.note(table, hasEntries: hasEntries) }
    return hasEntries
  }

  /// Changes were taken from the operator, and will be applied here. By the thread that took them.
  public func expectChanges() { expected.withLock { $0.count += 1 } }

  /// They were applied, and `checkpoint` was called if they belong to an epoch; or something failed. By any thread,
  /// once for each `expectChanges`.
  public func changesAreKept() {
    expected.withLock { expected in
      precondition(expected.count > 0, "changes are expected before they are kept")
      expected.count -= 1
    }
    expected.broadcast()
  }

  /// There will be no epoch any more: nobody is to wait for what is not kept. By any thread.
  public func abandon() {
    expected.withLock { $0.isAbandoned = true }
    expected.broadcast()
  }

  /// Waits until all changes that were expected are kept: what is applied then belongs to the next epoch, and what is
  /// read is the operator's last word.
  public func waitUntilSettled() { _ = expected.wait { $0.count == 0 || $0.isAbandoned ? () : nil } }

  /// Writes what has changed of the operator's state. After a failure the database is of no more use.
  ///
  /// - Parameter inBuffers: whether they go through the database's buffers; nil: as suits how many they are.
  public func apply(_ changes: StateChanges, inBuffers: Bool? = nil) throws(Failure) {
    let settled = SettledChanges(changes)
    if settled.rowCount > 0 { contents.withLock { $0.notePut(settled.parts) } }
    if areAll(settled) { return try replace(settled) }
    for table in settled.removedTables.sorted() { try removeAll(table) }
    if settled.rowCount == 0 { return }
    if inBuffers ?? (settled.rowCount < Self.fewEntries) {
      // RocksDB writes what it has when there is much of it, though nobody waits for that.
      if handle.memory.areBuffersFull { try handle.flush() }
      let encoded = try EncodedChanges(settled.parts[...], of: self)
      let batch = handle.makeBatch()
      SortedEntries(encoded.entries).visit { entry, _ in
        if let value = entry.valueBytes { batch.put(entry.keyBytes, value) } else { batch.remove(entry.keyBytes) }
      }
      withExtendedLifetime(encoded) {}
      try handle.write(batch)
    } else {
      try ingest(settled)
    }
    try freeSpace(of: settled.removedCount)
  }

  private func removeAll(_ table: Int) throws(Failure) {
    // Of no entries at all nothing need be said.
    let groups =
      tables[table].scope == .subtask
      ? Int(EntryKeys.noGroup)..<Int(EntryKeys.noGroup) + 1 : isEmpty ? 0..<0 : part.groups
    for group in groups {
      let range = EntryKeys.range(group: group, table: ids[table])
      try handle.removeRange(from: range.start, to: range.end)
    }
  }

  /// Writes files and has the database take them, no more at a time than memory has room for.
  ///
  /// - Parameter family: nil: the one that has the entries.
  private func ingest(_ settled: SettledChanges, into family: OpaquePointer? = nil) throws(Failure) {
    for piece in settled.pieces(handle.memory.entriesAtOnce) {
      let encoded = try EncodedChanges(piece, of: self)
      let files = SortedFiles(handle)
      try files.add(SortedEntries(encoded.entries))
      withExtendedLifetime(encoded) {}
      try files.ingest(into: family)
    }
  }

  /// What is removed stays in files until these are merged: sees to it when there is as much of it as of what is left. From then
  /// on RocksDB's threads do it. Files that are merged already when they are asked to be may keep what has gone since: it is
  /// asked again with later changes.
  private func freeSpace(of removedCount: Int) throws(Failure) {
    let gone = gone.withLock { gone in
      gone += removedCount
      return gone
    }
    guard gone >= Self.manyGone, gone >= handle.property("rocksdb.estimate-num-keys"),
      handle.property("rocksdb.num-running-compactions") == 0
    else { return }
    self.gone.withLock { $0 = 0 }
    try handle.mergeSoon()
  }

  private static let manyGone = 10_000

  /// Whether nothing of the tables of keys that was there before stays.
  private func areAll(_ changes: SettledChanges) -> Bool {
    guard changes.rowCount >= Self.fewEntries, hasAllTables, !isEmpty, handle.canReplaceEntries else { return false }
    return tables.indices.allSatisfy { tables[$0].scope == .subtask || changes.removedTables.contains($0) }
  }

  /// Puts the entries in the place of all that there are, which need not be merged away then.
  private func replace(_ changes: SettledChanges) throws(Failure) {
    try handle.replaceEntries { family throws(Failure) in
      // What subtasks have written stays: it is little.
      let batch = WriteBatch(family)
      for (index, table) in tables.enumerated()
      where table.scope == .subtask && !changes.removedTables.contains(index) {
        let group = Int(EntryKeys.noGroup)
        try TableScan(handle, ids[index]).visit(groups: group..<group + 1) { batch.put($0, $1) }
      }
      // Before the others, which count for more where they have the same keys.
      try handle.write(batch)
      try ingest(changes, into: family)
    }
    gone.withLock { $0 = 0 }
  }

  /// Fewer go through the database's buffers, more as a file of their own.
  private static let fewEntries = 2000
}
