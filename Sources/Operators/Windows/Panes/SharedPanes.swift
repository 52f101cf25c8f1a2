import Arrow
import Base
import State

/// Windows that share panes: sliding and cumulative ones. Each row is added once, and each window costs a few merges a
/// key.
///
/// Entries are those of the panes, of which the stacks are made anew. So where epochs are taken a pane stays until no window needs it,
/// also when all of it is merged. Cumulative windows would come to have many: what they have merged is an entry of its own instead, of a
/// pane without length at the windows' start.
///
/// Where it `spill`s, and there is no more memory, panes are kept as those of `SeparateWindows`, and windows are put together of what the
/// database has of them, until all fits into memory again.
final class SharedPanes: SpillingWindowStore {
  let series: WindowSeries
  let pool: PanePool
  private let makeStacks: () -> PaneStacks
  var stacks: PaneStacks
  /// Panes that have rows and are part of a window to come, in their order.
  var live: ArraySlice<WindowSpan> = []
  /// Rows that are not merged, or may have to be once more.
  var panes = PaneList()
  /// Rows that came to panes that had been merged.
  var late = PaneList()
  /// Nil when all keys stay in memory.
  var spilled: SpilledWindows?
  /// Some keys of panes may be in the database only: then nothing is merged, and no rows stand beside their panes.
  var isApart = false
  /// What is in the database of the window that is being given; nil when all of it is in memory.
  var stored: StoredPanes?
  /// Keys of panes that were in memory when there was no more.
  var keysAtLimit = 0

  /// Nil when no epochs are taken.
  var entries: Entries?

  struct Entries {
    var panes: PaneEntries
    var late: PaneEntries
    /// By the stacks' keys, where what is merged has entries.
    var merged: SlotChanges?
  }

  /// Memory that is kept while there are no rows.
  private static let keptBytes = 1 << 20

  init(_ series: WindowSeries, pool: PanePool, stacks: @escaping () -> PaneStacks) {
    self.series = series
    self.pool = pool
    makeStacks = stacks
    self.stacks = stacks()
  }

  var byteCount: Int { panes.byteCount + late.byteCount + pool.byteCount + stacks.byteCount }
  var keyCount: Int { panes.keyCount + late.keyCount }

  func add(to span: WindowSpan, _ body: (Pane) throws(Failure) -> Void) throws(Failure) {
    note(span)
    if stacks.hasMerged(span) {
      try late.update(late.pane(span, of: pool), body)
    } else {
      try panes.update(panes.pane(span, of: pool), body)
    }
  }

  func note(_ span: WindowSpan) {
    guard let last = live.last, last >= span else {
      live.append(span)
      return
    }
    var (low, high) = (live.startIndex, live.endIndex)
    while low < high {
      let middle = (low + high) / 2
      if live[middle] < span { low = middle + 1 } else { high = middle }
    }
    if live[low] != span { live.insert(span, at: low) }
  }

  func nextWindow(endingAfter time: Int64) -> WindowSpan? {
    guard let first = live.first else { return nil }
    // In processing time a subtask that was ahead of another one may have its panes after a restart, when their last window has passed.
    let time = min(time, series.lastEnd(of: first) - 1)
    guard let window = series.first(of: first, endingAfter: time) else {
      preconditionFailure("panes that no window needs are forgotten")
    }
    return window
  }

  func begin(_ window: WindowSpan) throws(Failure) {
    if let spilled, try leavesMemory(before: window, spilled) { return try beginStored(window, spilled) }
    let keeps = entries != nil
    if stacks.turns(to: window) {
      try foldLate()
      try stacks.turn(panes.panes(endingAfter: .min, upTo: stacks.mergedEnd))
    }
    try stacks.advance(to: window, panes.panes(endingAfter: stacks.mergedEnd, upTo: window.end))
    let end = isGrowing ? window.end : keeps ? .min : stacks.border
    while let pane = panes.popFirst(where: { $0.span.start < end }) {
      try entries?.panes.forget(pane)
      pool.giveBack(pane)
    }
    try stacks.beginGiving(late: Array(late.panes(endingAfter: .min, upTo: window.end)))
  }

  func giveSome(_ body: WindowResults) throws(Failure) -> Bool {
    if let stored { return try stored.giveSome(body) }
    return try stacks.giveSome(body)
  }

  func end(_ window: WindowSpan) throws(Failure) {
    let next = series.nextStart(after: window)
    if let spilled, let stored { return try end(window, stored, before: next, spilled) }
    stacks.endGiving()
    if isGrowing, next == window.end { try forgetMerged() }
    try forget(before: next)
  }

  /// Cumulative windows never lose a pane but with all others: what is merged is not asked for again.
  var isGrowing: Bool { series.isCumulative }

  /// Adds the late rows to their panes, which are about to be merged anew.
  func foldLate() throws(Failure) {
    while let pane = late.popFirst(where: { _ in true }) {
      try panes.update(panes.pane(pane.span, of: pool)) { own throws(Failure) in try own.merge(pane) }
      try entries?.late.forget(pane)
      pool.giveBack(pane)
    }
  }

  private func forget(before start: Int64) throws(Failure) {
    while let span = live.first, span.start < start {
      live.removeFirst()
      if let pane = panes.popFirst(where: { $0.span == span }) {
        try entries?.panes.forget(pane)
        pool.giveBack(pane)
      }
      let latePane = late.popFirst { $0.span == span }
      try stacks.remove(span, late: latePane)
      if let latePane {
        try entries?.late.forget(latePane)
        pool.giveBack(latePane)
      }
    }
    guard live.isEmpty else { return }
    if stacks.byteCount > Self.keptBytes { stacks = makeStacks() } else { stacks.removeAll() }
    stacks.mergedChanges = entries?.merged
  }

  /// Nothing is merged any more, and the memory of what was is given back or somebody else's.
  func forgetStacks() {
    stacks = makeStacks()
    if isGrowing { entries?.merged = SlotChanges() }
    stacks.mergedChanges = entries?.merged
  }

  // MARK: Entries

  var times: [Int64] { [stacks.border, stacks.mergedEnd] }

  func trackChanges(_ tables: [StateTable]) {
    pool.tracksChanges = true
    entries = Entries(
      panes: PaneEntries(tables, WindowTables.panes), late: PaneEntries(tables, WindowTables.late),
      merged: isGrowing ? SlotChanges() : nil)
    stacks.mergedChanges = entries?.merged
  }

  /// The pane of what cumulative windows have merged.
  var mergedSpan: WindowSpan { WindowSpan(start: stacks.border, end: stacks.border) }

  /// Cumulative windows that began together have all been given.
  private func forgetMerged() throws(Failure) {
    guard let stored = entries?.merged?.forgetAll() else { return }
    try entries?.panes.forget(stored, of: stacks.table, mergedSpan)
  }

  func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    var spans: [WindowSpan] = []
    if table == WindowTables.late {
      try late.restore(entries, keyCount: pool.keyCount, of: pool) { spans.append($0) }
    } else {
      try panes.restore(entries, keyCount: pool.keyCount, of: pool) { spans.append($0) }
    }
    for span in spans { noteStored(span) }
  }

  /// A pane has entries.
  func noteStored(_ span: WindowSpan) {
    var series = series
    note(span.start == span.end ? series.pane(at: span.start) : span)
  }

  func restored(_ times: [Int64]?) throws(Failure) {
    guard let times, times[1] != .min else { return }
    // The merges of before are made again in their order: sums of floats are the same to the last bit.
    stacks.mergedChanges = nil
    try stacks.restore(border: times[0], mergedEnd: times[1], panes.all)
    if let pane = panes.popFirst(where: { $0.span.start == $0.span.end }) { pool.giveBack(pane) }
    guard let merged = entries?.merged else { return }
    let all = SlotBuffer(from: 0, count: stacks.table.slotCount)
    merged.markStored(all.pointer, count: all.count, slotCount: all.count)
    stacks.mergedChanges = merged
  }

  func takeChanges(into changes: inout StateChanges) throws(Failure) {
    try takeGone(into: &changes)
    guard let entries else { return }
    for pane in panes.all { try entries.panes.take(pane, into: &changes) }
    for pane in late.all { try entries.late.take(pane, into: &changes) }
    try entries.panes.take(entries.merged, of: stacks.table, mergedSpan, into: &changes) { slots throws(Failure) in
      try stacks.back.states(slots.rows, count: slots.count)
    }
  }

  /// Gives the addresses of what is gone.
  func takeGone(into changes: inout StateChanges) throws(Failure) {
    guard var entries else { preconditionFailure("a store notes changes before they are taken") }
    try entries.panes.takeGone(into: &changes)
    try entries.late.takeGone(into: &changes)
    self.entries = entries
  }
}
