import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// The rows of windows at fixed places in time, as aggregates by key. One thread at a time.
protocol WindowStore: AnyObject {
  /// Bytes of memory that it holds.
  var byteCount: Int { get }
  /// Keys, one for each window or pane that they are in.
  var keyCount: Int { get }
  /// Calls `body` with what rows of this span are to be added to.
  func add(to span: WindowSpan, _ body: (Pane) throws(Failure) -> Void) throws(Failure)
  /// The next window that has rows and ends after `time`; nil when there is none.
  func nextWindow(endingAfter time: Int64) -> WindowSpan?
  /// Makes the results of the next window. Until `end` no other call is made but `giveSome`.
  func begin(_ window: WindowSpan) throws(Failure)
  /// Calls `body` with some of the window's keys and their aggregates. False, and no call, when all have been given.
  func giveSome(_ body: WindowResults) throws(Failure) -> Bool
  /// All of the window has been given: forgets what no further window needs.
  func end(_ window: WindowSpan) throws(Failure)
  /// From here on it notes what changes of its entries: see `WindowTables.ofStore`.
  func trackChanges(_ tables: [StateTable])
  func restore(_ entries: RecordBatch, table: Int) throws(Failure)
  /// All entries were given.
  ///
  /// - Parameter times: as `times` were when they were taken; nil when the entries are those of several subtasks.
  func restored(_ times: [Int64]?) throws(Failure)
  func takeChanges(into changes: inout StateChanges) throws(Failure)
  /// How far panes are merged: see `WindowTables.timesOfStore`.
  var times: [Int64] { get }
}

extension WindowStore {
  /// Calls `body` with all keys of the next window and their aggregates, some at a time, and forgets what no further window needs.
  func fire(_ window: WindowSpan, _ body: WindowResults) throws(Failure) {
    try begin(window)
    while try giveSome(body) {}
    try end(window)
  }

  /// Adds rows of one span.
  ///
  /// - Parameter held: bytes that the operator holds.
  func add(
    _ part: WindowRowInput.Part, to span: WindowSpan, _ reservation: StateReservation, held: Int
  ) throws(Failure) {
    let keyCount = keyCount
    try add(to: span) { pane throws(Failure) in
      let growth =
        pane.table.growth(part.keys, rowCount: part.rowCount)
        + pane.aggregates.growth(part.batch, slotCount: pane.keyCount)
      try reservation.set(held + growth, keyCount: keyCount)
      let slots = try pane.find(part.keys, rowCount: part.rowCount)
      try part.add(to: pane.aggregates, slots)
    }
  }
}

/// The store that suits windows.
///
/// - Parameter series: nil for windows that rows tell.
func makeWindowStore(_ series: WindowSeries?, keyTypes: [DataType], aggregates: AggregateSet) -> any WindowStore {
  let pool = PanePool(keyTypes: keyTypes, aggregates: aggregates)
  guard let series, !series.isTumbling else { return SeparateWindows(pool) }
  return SharedPanes(series, pool: pool) { PaneStacks(keyTypes: keyTypes, aggregates: aggregates) }
}

/// Takes keys, and the slots in which the aggregates have theirs.
typealias WindowResults = (_ keys: [Column], _ aggregates: AggregateSet, _ slots: SlotBuffer) throws(Failure) -> Void

extension Pane {
  /// Calls `body` with some keys from a slot on. Returns the slot behind them.
  func give(from first: Int, _ body: WindowResults) throws(Failure) -> Int {
    let slots = SlotBuffer(from: first, count: min(WindowRows.batchRows, keyCount - first))
    try body(table.keys(of: slots.pointer, count: slots.count), aggregates, slots)
    return first + slots.count
  }

  /// Adds what another pane has.
  func merge(_ other: Pane) throws(Failure) {
    let own = SlotBuffer(from: 0, count: other.keyCount)
    let slots = try find(other.table.keys(of: own.pointer, count: own.count), rowCount: own.count)
    try aggregates.merge(
      slots.pointer, count: slots.count, states: other.aggregates.states(own.pointer, count: own.count)[...])
  }
}

/// Windows that have their rows for themselves.
final class SeparateWindows: WindowStore {
  private let pool: PanePool
  private var windows = PaneList()
  /// Keys of the first window that have been given.
  private var given = 0
  /// Nil when no epochs are taken.
  private var entries: PaneEntries?

  init(_ pool: PanePool) { self.pool = pool }

  var byteCount: Int { windows.byteCount + pool.byteCount }
  var keyCount: Int { windows.keyCount }

  func add(to span: WindowSpan, _ body: (Pane) throws(Failure) -> Void) throws(Failure) {
    try windows.update(windows.pane(span, of: pool), body)
  }

  func nextWindow(endingAfter time: Int64) -> WindowSpan? { windows.first?.span }

  func begin(_ window: WindowSpan) {
    precondition(windows.first?.span == window, "windows fire in their order")
    given = 0
  }

  func giveSome(_ body: WindowResults) throws(Failure) -> Bool {
    guard let pane = windows.first, given < pane.keyCount else { return false }
    given = try pane.give(from: given, body)
    return true
  }

  func end(_ window: WindowSpan) throws(Failure) {
    guard let pane = windows.popFirst(where: { $0.span == window }) else { return }
    try entries?.forget(pane)
    pool.giveBack(pane)
  }

  var times: [Int64] { [] }

  func trackChanges(_ tables: [StateTable]) {
    pool.tracksChanges = true
    entries = PaneEntries(tables, WindowTables.panes)
  }

  func restore(_ entries: RecordBatch, table _: Int) throws(Failure) {
    try windows.restore(entries, keyCount: pool.keyCount, of: pool) { _ in }
  }

  func restored(_: [Int64]?) {}

  func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard var entries else { preconditionFailure("a store notes changes before they are taken") }
    try entries.takeGone(into: &changes)
    for pane in windows.all { try entries.take(pane, into: &changes) }
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
