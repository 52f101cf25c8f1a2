import Arrow
import Base
import CRocksDB
import Keys
import VolleyPlan

extension StateDatabase {
  /// The part of an epoch's state that belongs to a subtask, whatever the parallelism was. What was in the folder is
  /// removed.
  ///
  /// The old database that has most of the subtask's key groups is taken as it is: its immutable files get second names
  /// here, and those that it writes to are copied. Of the others just the groups that moved are copied, into files of
  /// their own. No file of an origin is ever written to.
  ///
  /// Tables that widen (`StateMigration`) are rewritten here.
  ///
  /// - Parameters:
  ///   - folder: of this database alone.
  ///   - origins: of all subtasks that had state in the epoch.
  /// - Throws: `data` when the tables conflict or files are damaged, `io` when they cannot be read or written.
  public static func restore(
    at folder: String, tables: [StateTable], part: StatePart, from origins: [StateOrigin], memory: StateMemoryShares
  ) throws(Failure) -> StateDatabase {
    for origin in origins where origin.part.maxKeyGroups != part.maxKeyGroups {
      throw Failure(
        .data,
        "the state was written with \(origin.part.maxKeyGroups) key groups, and the pipeline has \(part.maxKeyGroups); "
          + "the number is fixed for the life of the state, so set maxKeyGroups back")
    }
    let shared = { (origin: StateOrigin) in origin.part.groups.clamped(to: part.groups) }
    let base = origins.indices.max { left, right in shared(origins[left]).count < shared(origins[right]).count }
    guard let base else {
      return try create(at: folder, tables: tables, part: part, memory: memory)
    }
    try StateFolder.makeEmpty(folder)
    try take(origins[base].files, into: folder)
    let handle = try RocksHandle(folder, .write, memory)
    var restoration = Restoration(handle, part, catalog: try readCatalog(handle), tables: tables)
    try restoration.check()
    try restoration.keepOnly(groupsOf: part, of: origins[base].part)
    try restoration.inherited.add(handle, restoration.catalog)
    // Entries without key groups are everybody's, so that all others are opened where there may be any.
    let hasShared = restoration.catalog.entries.contains { $0.table.scope == .subtask }
    for (index, origin) in origins.enumerated() where index != base {
      let groups = shared(origin)
      if groups.isEmpty && !hasShared { continue }
      try restoration.add(origin, groups, at: "\(folder)/origin-\(index)", memory)
    }
    try restoration.share(origins[base].part)
    let isEmpty = try restoration.migrate(origins[base].part == part)
    return StateDatabase(
      handle, part, tables, restoration.catalog, inherited: restoration.inherited, isEmpty: isEmpty)
  }

  /// Gives files of a database their names in a folder.
  static func take(_ files: [StateFile], into folder: String) throws(Failure) {
    for file in files {
      if file.isImmutable {
        try StateFolder.link(file.path, "\(folder)/\(file.name)")
      } else {
        try StateFolder.copy(file.path, "\(folder)/\(file.name)")
      }
    }
  }

  static func readCatalog(_ handle: RocksHandle) throws(Failure) -> StateCatalog {
    guard let bytes = try handle.value(StateCatalog.key) else {
      throw Failure(
        .data, "the state in '\(handle.path)' has no list of its tables; its files are damaged, or are not of Volley's")
    }
    return try StateCatalog(bytes, place: "the state in '\(handle.path)'")
  }
}

/// Makes a subtask's database out of those of an epoch.
private struct Restoration {
  let handle: RocksHandle
  let part: StatePart
  var catalog: StateCatalog
  let tables: [StateTable]
  var inherited = InheritedEntries()

  init(_ handle: RocksHandle, _ part: StatePart, catalog: StateCatalog, tables: [StateTable]) {
    self.handle = handle
    self.part = part
    self.catalog = catalog
    self.tables = tables
  }

  func check() throws(Failure) {
    if case .conflicts(let reasons) = StateMigration.verdict(from: catalog.entries.map(\.table), to: tables) {
      throw Failure(
        .data,
        "the state cannot be gone on with: \(reasons.joined(separator: "; ")); change the pipeline back, or drop the "
          + "state with --drop-state")
    }
  }

  /// Removes the key groups that others have now.
  func keepOnly(groupsOf part: StatePart, of former: StatePart) throws(Failure) {
    for gone in [
      former.groups.lowerBound..<max(former.groups.lowerBound, part.groups.lowerBound),
      min(former.groups.upperBound, part.groups.upperBound)..<former.groups.upperBound,
    ] where !gone.isEmpty {
      let (start, end) = (EntryKeys.start(group: gone.lowerBound), EntryKeys.start(group: gone.upperBound))
      // Files that have nothing else go at once.
      try handle.call("be restored") { error in
        start.withUnsafeBytes { start in
          end.withUnsafeBytes { end in
            handle.withEntries { family in
              rocksdb_delete_file_in_range_cf(
                handle.pointer, family, start.characters, start.count, end.characters, end.count, error)
            }
          }
        }
      }
      try handle.removeRange(from: start, to: end)
    }
  }

  /// Copies key groups of another database.
  mutating func add(
    _ origin: StateOrigin, _ groups: Range<Int>, at folder: String, _ memory: StateMemoryShares
  ) throws(Failure) {
    try StateFolder.makeEmpty(folder)
    defer { StateFolder.remove(folder) }
    try StateDatabase.take(origin.files, into: folder)
    let other = try RocksHandle(folder, .read, memory)
    let names = try StateDatabase.readCatalog(other)
    try inherited.add(other, names)
    if groups.isEmpty { return }
    let ids = try sameIDs(names)
    let files = SortedFiles(handle)
    let iterator = RocksIterator(other)
    iterator.seek(EntryKeys.start(group: groups.lowerBound))
    var key: [UInt8] = []
    while try iterator.isValid() {
      let found = iterator.key
      let prefix = UInt32(bigEndian: found.loadUnaligned(as: UInt32.self))
      guard Int(prefix >> 16) < groups.upperBound else { break }
      if let id = ids[UInt16(truncatingIfNeeded: prefix)] {
        key.removeAll(keepingCapacity: true)
        key.append(contentsOf: found)
        key[2] = UInt8(truncatingIfNeeded: id >> 8)
        key[3] = UInt8(truncatingIfNeeded: id)
        let value = iterator.value
        try Self.add(key, value, files)
      }
      iterator.next()
    }
    try files.ingest()
  }

  private static func add(
    _ key: [UInt8], _ value: UnsafeRawBufferPointer, _ files: SortedFiles
  ) throws(Failure) {
    try key.withUnsafeBytes { bytes in Result { () throws(Failure) in try files.add(bytes, value) } }.get()
  }

  /// What another database calls the tables: subtasks of one operator have the same history, so that the ids are the
  /// same, and above all in the same order, without which the keys would not be.
  private func sameIDs(_ other: StateCatalog) throws(Failure) -> [UInt16: UInt16] {
    var ids: [UInt16: UInt16] = [:]
    for entry in other.entries {
      guard let own = catalog[entry.table.name], own.table == entry.table, own.id == entry.id else {
        throw Failure(
          .data,
          "the subtasks' state in '\(handle.path)' does not belong together: table '\(entry.table.name)' differs; go "
            + "on from another epoch")
      }
      ids[entry.id] = own.id
    }
    return ids
  }

  /// Entries without key groups stay with the subtask that wrote them, and go when there is no such subtask, or one
  /// with other keys.
  func share(_ base: StatePart) throws(Failure) {
    if base == part { return }
    for entry in catalog.entries where entry.table.scope == .subtask {
      let range = EntryKeys.range(group: Int(EntryKeys.noGroup), table: entry.id)
      try handle.removeRange(from: range.start, to: range.end)
    }
  }

  /// Makes the tables those of the operator. Returns whether none has an entry.
  ///
  /// - Parameter stays: whether entries without key groups do.
  mutating func migrate(_ stays: Bool) throws(Failure) -> Bool {
    let former = catalog
    for table in tables {
      guard let entry = former[table.name] else {
        catalog.add(table)
        continue
      }
      if entry.table == table { continue }
      if StateMigration.rewrites(from: entry.table, to: table) {
        catalog.add(table)
        try rewrite(entry, as: table, stays)
      } else {
        catalog.replace(table)
      }
    }
    if catalog != former { try handle.put(StateCatalog.key, try catalog.encoded()) }
    let iterator = RocksIterator(handle)
    iterator.seek(EntryKeys.start(group: 0))
    guard try iterator.isValid() else { return true }
    return Array(iterator.key) == StateCatalog.key
  }

  /// Writes a table's entries again, under its new id, and removes the former ones.
  private mutating func rewrite(
    _ former: StateCatalog.Entry, as table: StateTable, _ stays: Bool
  ) throws(Failure) {
    guard let id = catalog[table.name]?.id else { preconditionFailure("the table has an id") }
    let widening = Widening(from: former.table, to: table)
    if table.scope == .subtask {
      let group = Int(EntryKeys.noGroup)
      let rewritten = InheritedEntries.Entries()
      let batch = handle.makeBatch()
      if let entries = inherited.entries[table.name] {
        for (key, value) in try widening.rewritten(entries.keys, entries.values, id) {
          key.withUnsafeBytes { if let start = $0.baseAddress { rewritten.keys.append(start, key.count) } }
          value.withUnsafeBytes { if let start = $0.baseAddress { rewritten.values.append(start, value.count) } }
          let writer = key[4..<8].reduce(0) { $0 << 8 | Int($1) }
          if stays && writer == part.subtask {
            key.withUnsafeBytes { key in value.withUnsafeBytes { batch.put(key, $0) } }
          }
        }
      }
      inherited.entries[table.name] = rewritten
      let range = EntryKeys.range(group: group, table: former.id)
      try handle.removeRange(from: range.start, to: range.end)
      try handle.write(batch)
      return
    }
    let files = SortedFiles(handle)
    let (keys, values) = (ByteRows(), ByteRows())
    func flush() throws(Failure) {
      for (key, value) in try widening.rewritten(keys, values, id) {
        try value.withUnsafeBytes { value in
          Result { () throws(Failure) in try Self.add(key, value, files) }
        }.get()
      }
      keys.removeAll()
      values.removeAll()
    }
    try TableScan(handle, former.id).visit(groups: part.groups) { key, value throws(Failure) in
      guard let keyStart = key.baseAddress, let valueStart = value.baseAddress else { return }
      keys.append(keyStart, key.count)
      values.append(valueStart, value.count)
      if keys.count == StateDatabase.scanRows { try flush() }
    }
    try flush()
    try files.ingest()
    for group in part.groups {
      let range = EntryKeys.range(group: group, table: former.id)
      try handle.removeRange(from: range.start, to: range.end)
    }
  }
}

/// Entries of a table as those of a wider one.
private struct Widening {
  let former: StateTable
  let table: StateTable
  let changes: [StateMigration.Change]
  let places: [Int?]
  let formerLayout: RowLayout
  let layout: RowLayout

  init(from former: StateTable, to table: StateTable) {
    self.former = former
    self.table = table
    changes = StateMigration.changes(from: former, to: table)
    places = StateMigration.places(from: former, to: table)
    formerLayout = StoredRows.layout(Schema(former.value))
    layout = StoredRows.layout(Schema(table.value))
  }

  /// Keys, which name the table by its new id, and values.
  func rewritten(
    _ keys: ByteRows, _ values: ByteRows, _ id: UInt16
  ) throws(Failure) -> [(key: [UInt8], value: [UInt8])] {
    let count = keys.count
    if count == 0 { return [] }
    let columns = try StoredRows.decode(values, formerLayout, place: "table '\(table.name)'")
    var widened: [Column] = []
    for (index, place) in places.enumerated() {
      let type = table.value[index].type
      guard let place else {
        widened.append(Column.nulls(type, count: count))
        continue
      }
      widened.append(changes[index] == .keep ? columns[place] : try WidenedColumn.of(columns[place], as: type))
    }
    let encoded = try StoredRows.encode(widened, layout, count: count)
    return (0..<count).map { row in
      var key = Array(keys[row])
      key[2] = UInt8(truncatingIfNeeded: id >> 8)
      key[3] = UInt8(truncatingIfNeeded: id)
      let (start, end) = (encoded.offsets[row], encoded.offsets[row + 1])
      return (key, Array(UnsafeRawBufferPointer(start: encoded.bytes + start, count: end - start)))
    }
  }
}
