import Arrow
import Base
import State
import VolleyPlan

/// One window whose results are told more than once.
final class RevisedWindow {
  private let pane: Pane
  private let revisions: Revisions

  init(_ pane: Pane) {
    self.pane = pane
    revisions = Revisions(pane.aggregates)
  }

  var span: WindowSpan { pane.span }
  var keyCount: Int { pane.keyCount }
  /// Bytes of memory that it holds.
  var byteCount: Int { pane.byteCount + revisions.byteCount }
  /// Whether there is something to tell.
  var hasChanges: Bool { revisions.hasChanges }

  /// Bytes that a batch may add at worst.
  func growth(_ keys: [Column], _ batch: RecordBatch) -> Int {
    pane.table.growth(keys, rowCount: batch.rowCount) + 2 * pane.aggregates.growth(batch, slotCount: pane.keyCount)
  }

  /// Adds rows.
  ///
  /// - Parameters:
  ///   - weights: how many rows each stands for; nil: one.
  ///   - least: keys that have changed by so many rows or more are to be told at once; nil: none.
  /// - Returns: the slots of those keys.
  func add(_ part: WindowRowInput.Part, tellingBy least: Int64?) throws(Failure) -> [UInt32] {
    let slots = try pane.find(part.keys, rowCount: part.rowCount)
    try part.add(to: pane.aggregates, slots)
    revisions.note(slots.pointer, count: slots.count, weights: part.weights, slotCount: pane.keyCount)
    guard let least else { return [] }
    return revisions.takeChanged(among: slots.pointer, count: slots.count, byRows: least)
  }

  /// Takes in results that have just been told.
  func take(_ keys: [Column], _ aggregates: AggregateSet, _ slots: SlotBuffer) throws(Failure) {
    let own = try pane.find(keys, rowCount: slots.count)
    try pane.aggregates.merge(
      own.pointer, count: own.count, states: aggregates.states(slots.pointer, count: slots.count)[...])
    revisions.note(own.pointer, count: own.count, weights: nil, slotCount: pane.keyCount)
    _ = try revisions.tell(revisions.takeChanged(), as: pane.aggregates)
  }

  /// Gives what has changed of its entries.
  func takeChanges(_ entries: PaneEntries, into changes: inout StateChanges) throws(Failure) {
    try entries.take(pane.changes, of: pane.table, span, into: &changes) { slots throws(Failure) in
      try pane.aggregates.states(slots.rows, count: slots.count) + revisions.entries(of: slots)
    }
  }

  /// Puts entries back.
  func restore(_ part: PaneEntries.Part) throws(Failure) {
    let stateCount = (part.values.count - 2) / 2
    let slots = try pane.restore(part, states: part.values.prefix(stateCount))
    try revisions.restore(slots, slotCount: pane.table.slotCount, part.values.dropFirst(stateCount))
  }

  /// It goes, and so do its entries.
  func forget(_ entries: inout PaneEntries) throws(Failure) { try entries.forget(pane) }

  /// Gives all that has changed.
  func tell(_ schema: Schema, _ body: (RecordBatch) throws(Failure) -> Void) throws(Failure) {
    try tell(revisions.takeChanged(), schema, body)
  }

  /// Gives the results of these slots, some at a time.
  func tell(
    _ slots: [UInt32], _ schema: Schema, _ body: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    var rest = slots[...]
    while !rest.isEmpty {
      let slots = Array(rest.prefix(WindowRows.batchRows))
      rest = rest.dropFirst(slots.count)
      let (wasTold, former) = try revisions.tell(slots, as: pane.aggregates)
      pane.changes?.mark(slots, count: slots.count, slotCount: pane.table.slotCount)
      let starts = WindowRows.constant(span.start, slots.count)
      let ends = WindowRows.constant(span.end, slots.count)
      try body(
        RevisionRows(
          keys: pane.table.keys(of: slots, count: slots.count), starts: starts, ends: ends,
          results: pane.aggregates.results(slots, count: slots.count), formerStarts: starts, formerEnds: ends,
          formerResults: former, wasTold: wasTold
        ).batch(schema))
    }
  }
}
