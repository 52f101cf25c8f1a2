import Arrow
import Base
import State

/// The entries of panes in one of an operator's tables: key, bounds, states.
struct PaneEntries {
  private let table: StateTable
  private let number: Int
  private var gone: GoneEntries

  /// - Parameter number: of the table among the operator's.
  init(_ tables: [StateTable], _ number: Int) {
    table = tables[number]
    self.number = number
    gone = GoneEntries(tables[number])
  }

  /// A pane goes with all that it has.
  mutating func forget(_ pane: Pane) throws(Failure) {
    try forget(pane.changes?.forgetAll(), of: pane.table, pane.span)
  }

  /// - Parameter stored: those that have entries.
  mutating func forget(_ stored: Selection?, of keys: any KeyTable, _ span: WindowSpan) throws(Failure) {
    guard let stored else { return }
    try SlotChanges.forEachBlock(of: stored) { slots throws(Failure) in
      gone.add(
        try keys.keys(of: slots.rows, count: slots.count) + WindowTables.columns(span, slots.count), count: slots.count)
    }
  }

  /// Gives the addresses of what is gone. First of all, since what was removed may be there again.
  mutating func takeGone(into changes: inout StateChanges) throws(Failure) {
    try gone.take(into: &changes, table: number)
  }

  /// Gives what has changed of a pane.
  func take(_ pane: Pane, into changes: inout StateChanges) throws(Failure) {
    try take(pane.changes, of: pane.table, pane.span, into: &changes) { slots throws(Failure) in
      try pane.aggregates.states(slots.rows, count: slots.count)
    }
  }

  /// - Parameter values: of the slots of keys.
  func take(
    _ changed: SlotChanges?, of keys: any KeyTable, _ span: WindowSpan, into changes: inout StateChanges,
    _ values: (Selection) throws(Failure) -> [Column]
  ) throws(Failure) {
    try changed?.take { slots throws(Failure) in
      let keys = try keys.keys(of: slots.rows, count: slots.count)
      let columns = keys + WindowTables.columns(span, slots.count) + (try values(slots))
      changes.put(RecordBatch(schema: table.entry, columns: columns, length: slots.count), table: number)
    }
  }

  /// Parts entries of a table by their panes.
  static func forEach(
    of entries: RecordBatch, keyCount: Int, _ body: (WindowSpan, _ part: Part) throws(Failure) -> Void
  ) throws(Failure) {
    let (starts, ends) = (entries.columns[keyCount], entries.columns[keyCount + 1])
    let split = PaneSplit(starts: starts.values(Int64.self), ends: ends.values(Int64.self), count: entries.length)
    withExtendedLifetime((starts, ends)) {}
    try split.forEach(of: entries) { span, rows throws(Failure) in
      let rows = rows.compacted()
      try body(
        span,
        Part(
          keys: Array(rows.columns.prefix(keyCount)), values: rows.columns.dropFirst(keyCount + 2), count: rows.length))
    }
  }

  /// Entries of one pane.
  struct Part {
    let keys: [Column]
    /// Behind the bounds.
    let values: ArraySlice<Column>
    let count: Int
  }
}

extension Pane {
  /// Puts keys and their aggregates back.
  ///
  /// - Parameter states: of the aggregates.
  /// - Returns: the slots.
  @discardableResult
  func restore(_ part: PaneEntries.Part, states: ArraySlice<Column>) throws(Failure) -> SlotBuffer {
    let slots = SlotBuffer(count: part.count)
    try table.find(part.keys, rowCount: part.count, into: slots.pointer)
    try aggregates.grow(to: table.slotCount)
    try aggregates.merge(slots.pointer, count: slots.count, states: states)
    changes?.markStored(slots.pointer, count: slots.count, slotCount: table.slotCount)
    return slots
  }
}

extension PaneList {
  /// All of them.
  var all: [Pane] { panes(endingAfter: .min, upTo: .max) }

  /// Puts entries back, each into the pane of its bounds.
  ///
  /// - Parameter restored: called with the spans of the panes.
  mutating func restore(
    _ entries: RecordBatch, keyCount: Int, of pool: PanePool, _ restored: (WindowSpan) -> Void
  ) throws(Failure) {
    try PaneEntries.forEach(of: entries, keyCount: keyCount) { span, part throws(Failure) in
      try update(pane(span, of: pool)) { pane throws(Failure) in try pane.restore(part, states: part.values) }
      restored(span)
    }
  }
}
