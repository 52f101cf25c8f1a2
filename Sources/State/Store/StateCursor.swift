import Arrow
import Base
import Glibc
import Keys

/// Gives the entries of a table of the scope `key` little by little, as they were when it was made. One thread at a time.
public final class StateCursor {
  private let iterator: RocksIterator
  private let groups: Range<Int>
  private let id: UInt16
  private let collector: EntryCollector
  private let schema: Schema
  /// What the keys of the entries that are given end with.
  private let suffix: [UInt8]
  private var isDone = false
  /// Entries that were given.
  private var givenCount = 0
  /// The key group of the next one.
  private var group: Int

  /// - Parameters:
  ///   - first: the bytes of the first entry's key, or less; nil: where the table begins.
  ///   - suffix: the end of the keys of all entries that are given.
  ///   - rows: how many a call gives at the most.
  init(
    _ handle: RocksHandle, _ groups: Range<Int>, _ id: UInt16, _ table: StateTable, _ layout: RowLayout,
    from first: UnsafeRawBufferPointer? = nil, suffix: [UInt8] = [], rows: Int = .max
  ) {
    iterator = RocksIterator(handle, isSeeking: first != nil)
    self.groups = groups
    group = groups.lowerBound
    self.id = id
    self.suffix = suffix
    schema = table.entry
    collector = EntryCollector(table, layout, rows: rows)
    if let first {
      iterator.seek(first)
    } else {
      iterator.seek(EntryKeys.range(group: groups.lowerBound, table: id).start)
    }
  }

  /// How many entries there are in all, a bit more rather than less: keys are spread evenly over key groups. Nil as long as too few
  /// groups were read to tell.
  public var expectedCount: Int? {
    let passed = group - groups.lowerBound
    guard passed >= Self.tellingGroups else { return nil }
    let expected = givenCount / passed * groups.count
    return expected + expected / 16
  }

  private static let tellingGroups = 4

  /// Looks at about so many entries more, and gives them, rows of `StateTable.entry`: of one namespace those that are in it, which
  /// may be none. Nil when there are no more.
  public func next(_ limit: Int) throws(Failure) -> RecordBatch? {
    var batch: RecordBatch?
    var count = 0
    while !isDone && count < limit && batch == nil {
      guard try iterator.isValid() else { break }
      let key = iterator.key
      let prefix = UInt32(bigEndian: key.loadUnaligned(as: UInt32.self))
      let (group, table) = (Int(prefix >> 16), UInt16(truncatingIfNeeded: prefix))
      guard groups.contains(group) else { break }
      self.group = group
      if table == id {
        // A batch that has become large is given before its rows are as many.
        if endsAsWanted(key) {
          try collector.add(key, iterator.value) { batch = $0 }
          givenCount += 1
        }
        count += 1
        iterator.next()
        continue
      }
      let next = table < id ? group : group + 1
      guard next < groups.upperBound else { break }
      iterator.seek(EntryKeys.range(group: next, table: id).start)
    }
    if let batch { return batch }
    if count < limit { isDone = true }
    try collector.end { batch = $0 }
    return batch ?? (isDone ? nil : .empty(schema))
  }

  private func endsAsWanted(_ key: UnsafeRawBufferPointer) -> Bool {
    if suffix.isEmpty { return true }
    guard key.count >= suffix.count, let start = key.baseAddress else { return false }
    return suffix.withUnsafeBytes { wanted in
      guard let wantedStart = wanted.baseAddress else { return true }
      return memcmp(start + (key.count - suffix.count), wantedStart, suffix.count) == 0
    }
  }
}

extension StateDatabase {
  /// - Parameter table: of the scope `key`.
  public func cursor(table: Int) -> StateCursor {
    precondition(tables[table].scope == .key, "what a subtask wrote is given by a scan")
    return StateCursor(handle, part.groups, ids[table], tables[table], layouts[table])
  }

  /// Gives the entries of one namespace only. It goes through those of all namespaces, since these lie beside each other under
  /// each key, and decodes none of the others.
  ///
  /// - Parameters:
  ///   - namespace: its columns, of one row without nulls; of types that are encoded in one size, so that a key tells by its
  ///     end alone whether it is in it.
  ///   - rows: how many a call gives at the most.
  public func cursor(table: Int, namespace: [Column], rows: Int) throws(Failure) -> StateCursor {
    let definition = tables[table]
    precondition(definition.scope == .key, "what a subtask wrote is given by a scan")
    precondition(
      definition.namespace.allSatisfy { if case .fixed = $0.type.layout { !$0.nullable } else { false } },
      "a namespace that is looked for from the end of a key has one size")
    let encoded = KeyEncoding.encode(columns: try KeyColumn.plain(namespace), rows: 1)
    return StateCursor(
      handle, part.groups, ids[table], definition, layouts[table], suffix: Array(encoded[0]), rows: rows)
  }

  /// - Parameters:
  ///   - table: without key columns, so that all of its entries are in one order.
  ///   - first: one row of its first namespace columns: entries before it are left out.
  public func cursor(table: Int, from first: RecordBatch) throws(Failure) -> StateCursor {
    let definition = tables[table]
    precondition(definition.scope == .key && definition.key.isEmpty, "entries of all keys are in one order")
    let encoded = try EntryKeys.encode(
      definition, id: ids[table], writer: 0, maxKeyGroups: part.maxKeyGroups, first.columns, rows: 1)
    return StateCursor(handle, 0..<1, ids[table], definition, layouts[table], from: encoded[0])
  }
}
