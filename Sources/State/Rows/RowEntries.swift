import Arrow
import Base
import VolleyPlan

/// The rows of a store as entries of a table: those that changed, and those that come back. One thread at a time.
public final class RowEntries {
  private let format: RowFormat
  private let store: RowStore
  private var gone: GoneEntries

  /// The store notes its changes from here on.
  ///
  /// - Parameter notingMarks: whether facts tell of marks.
  public init(_ format: RowFormat, _ store: RowStore, notingMarks: Bool = false) {
    self.format = format
    self.store = store
    gone = GoneEntries(format.table)
    store.trackChanges(notingMarks: notingMarks)
  }

  /// Bytes of memory that it holds beside those of the store.
  public var byteCount: Int { gone.byteCount }

  /// Reads the keys of rows that were removed: before a key of theirs is.
  public func settle(_ keys: any KeyTable) throws(Failure) {
    let removed = store.takeRemoved()
    for first in stride(from: 0, to: removed.count, by: SlotChanges.blockSlots) {
      let part = first..<min(removed.count, first + SlotChanges.blockSlots)
      let sequences = Buffer(byteCount: part.count * 8)
      sequences.unsafeMutableValues(UInt64.self).update(from: Array(removed.sequences[part]), count: part.count)
      var columns: [Column] = []
      if !format.table.key.isEmpty {
        columns = Array(try keys.keys(of: Array(removed.slots[part]), count: part.count).prefix(format.table.key.count))
      }
      gone.add(columns + [Self.column(sequences, part.count)], count: part.count)
    }
  }

  private static func column(_ sequences: Buffer, _ count: Int) -> Column {
    Column(type: .uint64, length: count, validity: nil, buffers: [sequences])
  }

  /// Gives what has changed since the last time.
  ///
  /// - Parameter facts: those of rows by their numbers.
  public func take(
    into changes: inout StateChanges, table: Int, _ keys: any KeyTable,
    facts: (Selection) throws(Failure) -> [Column]
  ) throws(Failure) {
    try settle(keys)
    try gone.take(into: &changes, table: table)
    try store.takeChanged { numbers throws(Failure) in
      var first = 0
      while first < numbers.count {
        let part = numbers.part(first, count: store.blockCount(numbers.rows + first, count: numbers.count - first))
        changes.put(try entries(part, keys, facts), table: table)
        first += part.count
      }
    }
  }

  private func entries(
    _ numbers: Selection, _ keys: any KeyTable, _ facts: (Selection) throws(Failure) -> [Column]
  ) throws(Failure) -> RecordBatch {
    defer { withExtendedLifetime(numbers) {} }
    let count = numbers.count
    let sequences = Buffer(byteCount: count * 8)
    store.sequences(of: numbers.rows, count: count, into: sequences.unsafeMutableValues(UInt64.self))
    let rows = try store.columns(of: numbers.rows, count: count, Array(format.schema.fields.indices))
    var columns: [Column]
    if let own = format.keys {
      columns = own.map { rows[$0] }
    } else {
      let slots = Buffer(byteCount: count * 4)
      store.slots(of: numbers.rows, count: count, into: slots.unsafeMutableValues(UInt32.self))
      columns = Array(
        try keys.keys(of: slots.values(UInt32.self), count: count).prefix(format.table.key.count))
      withExtendedLifetime(slots) {}
    }
    columns.append(Self.column(sequences, count))
    columns += format.kept.map { rows[$0] }
    columns += try facts(numbers)
    return RecordBatch(schema: format.table.entry, columns: columns, length: count)
  }
}

extension Selection {
  /// Some of its rows.
  fileprivate func part(_ first: Int, count: Int) -> Selection {
    if first == 0 && count == self.count { return self }
    let part = Buffer(byteCount: count * 4)
    part.unsafeMutableValues(UInt32.self).update(from: rows + first, count: count)
    return Selection(indices: part, count: count)
  }
}
