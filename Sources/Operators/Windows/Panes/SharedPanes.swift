import Arrow
import Base

/// Windows that share panes: sliding and cumulative ones. Each row is added once, and each window costs a few merges a
/// key.
final class SharedPanes: WindowStore {
  private let series: WindowSeries
  private let pool: PanePool
  private let makeStacks: () -> PaneStacks
  private var stacks: PaneStacks
  /// Panes that have rows and are part of a window to come, in their order.
  private var live: ArraySlice<WindowSpan> = []
  /// Rows that are not merged, or may have to be once more.
  private var panes = PaneList()
  /// Rows that came to panes that had been merged.
  private var late = PaneList()

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

  private func note(_ span: WindowSpan) {
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
    guard let window = series.first(of: first, endingAfter: time) else {
      preconditionFailure("panes that no window needs are forgotten")
    }
    return window
  }

  func begin(_ window: WindowSpan) throws(Failure) {
    if stacks.turns(to: window) {
      try foldLate()
      try stacks.turn(panes.panes(endingAfter: .min, upTo: stacks.mergedEnd))
    }
    try stacks.advance(to: window, panes.panes(endingAfter: stacks.mergedEnd, upTo: window.end))
    while let pane = panes.popFirst(where: { $0.span.start < (isGrowing ? window.end : stacks.border) }) {
      pool.giveBack(pane)
    }
    try stacks.beginGiving(late: Array(late.panes(endingAfter: .min, upTo: window.end)))
  }

  func giveSome(_ body: WindowResults) throws(Failure) -> Bool { try stacks.giveSome(body) }

  func end(_ window: WindowSpan) throws(Failure) {
    stacks.endGiving()
    try forget(before: series.nextStart(after: window))
  }

  /// Cumulative windows never lose a pane but with all others: what is merged is not asked for again.
  private var isGrowing: Bool { series.isCumulative }

  /// Adds the late rows to their panes, which are about to be merged anew.
  private func foldLate() throws(Failure) {
    while let pane = late.popFirst(where: { _ in true }) {
      try panes.update(panes.pane(pane.span, of: pool)) { own throws(Failure) in try own.merge(pane) }
      pool.giveBack(pane)
    }
  }

  private func forget(before start: Int64) throws(Failure) {
    while let span = live.first, span.start < start {
      live.removeFirst()
      if let pane = panes.popFirst(where: { $0.span == span }) { pool.giveBack(pane) }
      let latePane = late.popFirst { $0.span == span }
      try stacks.remove(span, late: latePane)
      if let latePane { pool.giveBack(latePane) }
    }
    guard live.isEmpty else { return }
    if stacks.byteCount > Self.keptBytes { stacks = makeStacks() } else { stacks.removeAll() }
  }
}
