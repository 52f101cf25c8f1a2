import Arrow
import Base

/// Gives the entries of a table of the scope `key` little by little, as they were when it was made. One thread at a time.
public final class StateCursor {
  private let iterator: RocksIterator
  private let groups: Range<Int>
  private let id: UInt16
  private let collector: EntryCollector
  private var isDone = false
  /// Entries that were given.
  private var givenCount = 0
  /// The key group of the next one.
  private var group: Int

  init(_ handle: RocksHandle, _ groups: Range<Int>, _ id: UInt16, _ table: StateTable, _ layout: RowLayout) {
    iterator = RocksIterator(handle)
    self.groups = groups
    group = groups.lowerBound
    self.id = id
    collector = EntryCollector(table, layout, rows: .max)
    iterator.seek(EntryKeys.range(group: groups.lowerBound, table: id).start)
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

  /// About so many entries more, rows of `StateTable.entry`; nil when there are no more.
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
        try collector.add(key, iterator.value) { batch = $0 }
        count += 1
        givenCount += 1
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
    return batch
  }
}

extension StateDatabase {
  /// - Parameter table: of the scope `key`.
  public func cursor(table: Int) -> StateCursor {
    precondition(tables[table].scope == .key, "what a subtask wrote is given by a scan")
    return StateCursor(handle, part.groups, ids[table], tables[table], layouts[table])
  }
}
