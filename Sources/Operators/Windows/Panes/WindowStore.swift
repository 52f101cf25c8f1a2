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
  /// Adds rows of one span, when there is memory for what they may need.
  ///
  /// - Parameter held: bytes that the operator holds.
  func add(
    _ part: WindowRowInput.Part, to span: WindowSpan, _ reservation: StateReservation, held: Int
  ) throws(Failure)
  /// Reserves what it holds, for an operator that holds nothing else.
  func reserve(_ reservation: StateReservation) throws(Failure)
  /// The next window that has rows and ends after `time`; nil when there is none.
  func nextWindow(endingAfter time: Int64) -> WindowSpan?
  /// Makes the results of the next window. Until `end` no other call is made but `giveSome`.
  func begin(_ window: WindowSpan) throws(Failure)
  /// Calls `body` with some of the window's keys and their aggregates, or with none. False, and no call, when all have been
  /// given.
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

  func add(
    _ part: WindowRowInput.Part, to span: WindowSpan, _ reservation: StateReservation, held: Int
  ) throws(Failure) {
    try addInMemory(part, to: span, reservation, held: held)
  }

  /// `add` where nothing leaves memory.
  func addInMemory(
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

  func reserve(_ reservation: StateReservation) throws(Failure) {
    try reservation.set(byteCount, keyCount: keyCount)
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
  /// Calls `body` with some keys from a slot on that are in memory. Returns the slot behind them.
  func give(from first: Int, _ body: WindowResults) throws(Failure) -> Int {
    if let residents {
      let (found, next) = residents.resident(from: first, limit: WindowRows.batchRows)
      let slots = SlotBuffer(found.indices, count: found.count)
      if slots.count > 0 { try body(table.keys(of: slots.pointer, count: slots.count), aggregates, slots) }
      return next
    }
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
