import Arrow
import Base
import Dataflow
import State

/// Windows that have their rows for themselves.
///
/// Where it `spill`s, keys leave memory when there is no more of it, each with all that a window has of it. What is in the database
/// of a key that is in memory too is of no account.
final class SeparateWindows: SpillingWindowStore {
  let pool: PanePool
  /// The windows, a pane each.
  var panes = PaneList()
  /// Slots of the first window that have been given.
  private var given = 0
  /// Nil when no epochs are taken.
  private var entries: PaneEntries?
  /// Nil when all keys stay in memory.
  private(set) var spilled: SpilledWindows?
  /// What is in the database of the window that is being given; nil when that is nothing.
  private var stored: StoredWindow?

  init(_ pool: PanePool) { self.pool = pool }

  var byteCount: Int { panes.byteCount + pool.byteCount }
  var keyCount: Int { panes.keyCount }

  func add(to span: WindowSpan, _ body: (Pane) throws(Failure) -> Void) throws(Failure) {
    try panes.update(panes.pane(span, of: pool), body)
  }

  func nextWindow(endingAfter time: Int64) -> WindowSpan? { panes.first?.span }

  func begin(_ window: WindowSpan) throws(Failure) {
    guard let pane = panes.first, pane.span == window else { preconditionFailure("windows fire in their order") }
    given = 0
    if let spilled, pane.residents != nil { stored = try StoredWindow(pane, spilled.database, keyCount: pool.keyCount) }
  }

  func giveSome(_ body: WindowResults) throws(Failure) -> Bool {
    guard let pane = panes.first else { return false }
    if given < pane.table.slotCount {
      given = try pane.give(from: given, body)
      return true
    }
    return try stored?.giveSome(body) ?? false
  }

  func end(_ window: WindowSpan) throws(Failure) {
    guard let pane = panes.popFirst(where: { $0.span == window }) else { return }
    if stored != nil {
      spilled?.count(pane)
      self.stored = nil
    } else {
      try entries?.forget(pane)
    }
    pool.giveBack(pane)
  }

  func add(
    _ part: WindowRowInput.Part, to span: WindowSpan, _ reservation: StateReservation, held: Int
  ) throws(Failure) {
    guard let spilled else { return try addInMemory(part, to: span, reservation, held: held) }
    try addSpilling(part.keys, columns: part.batch.columns, rowCount: part.rowCount, to: span, spilled) {
      aggregates, slots throws(Failure) in try part.add(to: aggregates, slots)
    }
  }

  func reserve(_ reservation: StateReservation) throws(Failure) {
    guard let spilled else { return try reservation.set(byteCount, keyCount: keyCount) }
    try reserve(for: nil, spilled) { byteCount }
  }

  func spill(_ spilled: SpilledWindows, times _: [Int64]?) throws(Failure) {
    precondition(pool.tracksChanges && panes.isEmpty, "an operator notes changes before it spills")
    self.spilled = spilled
    // What is kept in any case has to be there before what may be.
    _ = spilled.fits(byteCount)
    if spilled.database.isEmpty { return }
    _ = try load(spilled) { _ in }
    try reserve(for: nil, spilled) { byteCount }
  }

  var times: [Int64] { [] }

  func trackChanges(_ tables: [StateTable]) {
    pool.tracksChanges = true
    entries = PaneEntries(tables, WindowTables.panes)
  }

  func restore(_ entries: RecordBatch, table _: Int) throws(Failure) {
    try panes.restore(entries, keyCount: pool.keyCount, of: pool) { _ in }
  }

  func restored(_: [Int64]?) {}

  func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard var entries else { preconditionFailure("a store notes changes before they are taken") }
    try entries.takeGone(into: &changes)
    for pane in panes.all { try entries.take(pane, into: &changes) }
    self.entries = entries
  }
}

extension PaneList {
  /// The pane of a span, made when there is none.
  mutating func pane(_ span: WindowSpan, of pool: PanePool) -> Pane {
    if let known = self[span] { return known }
    let pane = pool.take(span)
    insert(pane)
    return pane
  }
}
