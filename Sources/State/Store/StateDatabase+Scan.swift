import Arrow
import Base
import VolleyPlan

extension StateDatabase {
  /// Rows of a batch that a scan gives.
  static let scanRows = 8192

  /// Gives all entries of a table, as `StatefulOperator.restore` wants them: of the scope `key` group by group, those
  /// of a key one after the other, ordered by namespace; of the scope `subtask` what all former subtasks had, and only
  /// until `forgetInherited`.
  ///
  /// - Parameters:
  ///   - groups: of these key groups only; nil: of all that the subtask has.
  ///   - give: is given rows of `StateTable.entry`.
  public func scan(
    table: Int, groups: Range<Int>? = nil, batchRows: Int = 8192, _ give: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    let definition = tables[table]
    let collector = EntryCollector(definition, layouts[table], rows: batchRows)
    if definition.scope == .subtask {
      let entries = inherited.withLock { $0.entries[definition.name] }
      if let entries {
        for row in 0..<entries.keys.count { try collector.add(entries.keys[row], entries.values[row], give) }
      }
    } else if !isEmpty {
      try TableScan(handle, ids[table]).visit(groups: groups?.clamped(to: part.groups) ?? part.groups) {
        key, value throws(Failure) in
        try collector.add(key, value, give)
      }
    }
    try collector.end(give)
  }

  /// The operator has been given what former subtasks wrote into the tables of the scope `subtask`.
  public func forgetInherited() { inherited.withLock { $0.entries = [:] } }
}

/// Goes through a table's entries, group by group.
struct TableScan {
  private let handle: RocksHandle
  private let id: UInt16

  init(_ handle: RocksHandle, _ id: UInt16) {
    self.handle = handle
    self.id = id
  }

  /// Whether the table has an entry in these groups.
  func hasEntries(groups: Range<Int>) throws(Failure) -> Bool {
    var found = false
    try visit(groups: groups, until: { found }, { _, _ in found = true })
    return found
  }

  /// - Parameters:
  ///   - until: asked before each entry: whether there have been enough.
  ///   - body: is given the whole key and the value, valid while it runs.
  func visit(
    groups: Range<Int>, until isDone: () -> Bool = { false },
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    if groups.isEmpty { return }
    let iterator = RocksIterator(handle)
    var group = groups.lowerBound
    iterator.seek(EntryKeys.range(group: group, table: id).start)
    while try iterator.isValid() {
      if isDone() { return }
      let key = iterator.key
      let prefix = UInt32(bigEndian: key.loadUnaligned(as: UInt32.self))
      let (foundGroup, foundTable) = (Int(prefix >> 16), UInt16(truncatingIfNeeded: prefix))
      guard groups.contains(foundGroup) else { return }
      if foundTable == id {
        try body(key, iterator.value)
        iterator.next()
        continue
      }
      // To where the table begins, in this group or in the next.
      group = foundTable < id ? foundGroup : foundGroup + 1
      guard group < groups.upperBound else { return }
      iterator.seek(EntryKeys.range(group: group, table: id).start)
    }
  }
}

/// Makes batches of entries.
final class EntryCollector {
  private let table: StateTable
  private let layout: RowLayout
  private let schema: Schema
  private let prefixSize: Int
  private let rows: Int
  private var keys = ByteRows()
  private let values = ByteRows()
  /// Bytes of a batch at which it is given though it has few rows.
  private let bytes: Int

  init(_ table: StateTable, _ layout: RowLayout, rows: Int, bytes: Int = 16 << 20) {
    self.table = table
    self.bytes = bytes
    self.layout = layout
    self.rows = rows
    schema = table.entry
    prefixSize = EntryKeys.prefixSize(table.scope)
  }

  func add(
    _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer,
    _ give: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    guard key.count >= prefixSize, let keyStart = key.baseAddress, let valueStart = value.baseAddress else {
      throw Failure(.data, "table '\(table.name)': an entry has no key or no value; its files are damaged")
    }
    keys.append(keyStart + prefixSize, key.count - prefixSize)
    values.append(valueStart, value.count)
    if keys.count == rows || keys.bytes.count + values.bytes.count > bytes { try end(give) }
  }

  /// Gives what there is.
  func end(_ give: (RecordBatch) throws(Failure) -> Void) throws(Failure) {
    if keys.count == 0 { return }
    let address = try EntryKeys.decode(keys, table)
    let value = try StoredRows.decode(values, layout, place: "table '\(table.name)'")
    let batch = RecordBatch(schema: schema, columns: address + value, length: keys.count)
    keys.removeAll()
    values.removeAll()
    try give(batch)
  }
}
