import Arrow
import Base
import Dataflow
import State

/// Windows with more keys than memory: keys of panes leave it when there is no more, each with all that its pane has of it. What is
/// in the database of a key that its pane has in memory too is of no account.
protocol SpillingWindowStore: WindowStore {
  var pool: PanePool { get }
  /// Those whose keys may leave memory.
  var panes: PaneList { get set }
  /// Nil when all keys stay in memory.
  var spilled: SpilledWindows? { get }
  /// Entries go to a database from here on when memory runs out. What it has already is brought into memory as far as there is
  /// room.
  ///
  /// - Parameters:
  ///   - spilled: with a database that has the `WindowTables`.
  ///   - times: as of `restored`.
  func spill(_ spilled: SpilledWindows, times: [Int64]?) throws(Failure)
}

extension SpillingWindowStore {
  /// How many keys of panes were looked for in the database, and how many left memory.
  var spillCounts: (sought: Int, evicted: Int) {
    panes.all.reduce(into: spilled?.counts ?? (0, 0)) { counts, pane in
      counts.sought += pane.residents?.soughtCount ?? 0
      counts.evicted += pane.residents?.evictedCount ?? 0
    }
  }

  /// Brings what the database has of panes into memory, which has nothing of them, as far as there is room.
  ///
  /// - Parameter found: is called with the spans of the panes that have entries.
  /// - Returns: whether there was room for all.
  func load(_ spilled: SpilledWindows, _ found: (WindowSpan) -> Void) throws(Failure) -> Bool {
    let cursor = spilled.database.cursor(table: WindowTables.panes)
    var isFull = false
    while let entries = try cursor.next(SlotChanges.blockSlots) {
      try PaneEntries.forEach(of: entries, keyCount: pool.keyCount) { span, part throws(Failure) in
        found(span)
        let pane = panes.pane(span, of: pool)
        if !isFull {
          let growth = pane.growth(part.keys, columns: part.keys + part.values, rowCount: part.count)
          isFull = !spilled.fits(byteCount + growth)
        }
        try panes.update(pane) { pane throws(Failure) in
          if isFull { spilled.noteMissing(pane) } else { try pane.restore(part, states: part.values) }
        }
      }
    }
    return !isFull
  }

  /// Adds rows to a pane, some of whose keys may have to come from the database, and some of all panes' to leave memory.
  ///
  /// - Parameters:
  ///   - columns: what the aggregates' values come from.
  ///   - body: adds them to the aggregates in these slots.
  func addSpilling(
    _ keys: [Column], columns: [Column], rowCount: Int, to span: WindowSpan, _ spilled: SpilledWindows,
    _ body: (AggregateSet, SlotBuffer) throws(Failure) -> Void
  ) throws(Failure) {
    let pane = panes.pane(span, of: pool)
    spilled.noteAddition(to: pane)
    try reserve(for: pane, spilled) { byteCount + pane.growth(keys, columns: columns, rowCount: rowCount) }
    try panes.update(pane) { pane throws(Failure) in
      let slots = try pane.find(keys, rowCount: rowCount)
      try pane.bring(keys)
      try body(pane.aggregates, slots)
    }
    // What came from the database may be larger than the rows that it came for.
    if byteCount > spilled.reserved { try reserve(for: pane, spilled) { byteCount } }
  }

  /// Reserves memory, and has keys leave until there is enough.
  ///
  /// - Parameters:
  ///   - target: what rows come to.
  ///   - needed: bytes.
  func reserve(for target: Pane?, _ spilled: SpilledWindows, needed: () -> Int) throws(Failure) {
    if spilled.fits(needed()) { return }
    defer { spilled.noteEviction() }
    for relief in Relief.allCases {
      try make(room: relief, for: target, spilled)
      if spilled.fits(needed()) { return }
    }
    // A share is for others' sake: what cannot be done without is taken from all that there is.
    try spilled.reserve(needed(), keyCount: keyCount)
  }

  private func make(room relief: Relief, for target: Pane?, _ spilled: SpilledWindows) throws(Failure) {
    switch relief {
    case .spares: pool.removeSpares()
    case .cold: try evictOthers(target, spilled) { $0.lastAddition < spilled.additionsAtEviction }
    case .half:
      guard let target, target.keyCount > keyCount / 2 else { return }
      try panes.update(target) { pane throws(Failure) in
        try pane.evict((pane.keyCount + 1) / 2, to: spilled.database)
      }
    case .others: try evictOthers(target, spilled) { _ in true }
    case .all:
      try evictOthers(target, spilled, share: 1) { _ in true }
      if let target { try evict(target, spilled) }
    }
  }

  /// Makes other panes leave memory, those first that rows have come to the longest time ago, until half of all keys are gone.
  ///
  /// - Parameter share: 1: until all are.
  private func evictOthers(
    _ target: Pane?, _ spilled: SpilledWindows, share: Int = 2, where condition: (Pane) -> Bool
  ) throws(Failure) {
    var wanted = (keyCount + share - 1) / share
    let others = panes.all.filter { $0 !== target && $0.keyCount > 0 && condition($0) }
    for pane in others.sorted(by: { $0.lastAddition < $1.lastAddition }) where wanted > 0 {
      wanted -= pane.keyCount
      try evict(pane, spilled)
    }
  }

  /// Makes a pane leave memory with all that it has there.
  func evict(_ pane: Pane, _ spilled: SpilledWindows) throws(Failure) {
    if pane.keyCount == 0 { return }
    try panes.update(pane) { pane throws(Failure) in
      try pane.evict(pane.keyCount, to: spilled.database)
      pool.release(pane)
    }
  }
}

/// What makes room, one after the other until there is enough.
private enum Relief: CaseIterable {
  /// What is kept for panes to come.
  case spares
  /// Panes that no rows have come to since memory was last asked for.
  case cold
  /// Half of the keys of the pane that rows come to, if that has most: their memory is for its next keys.
  case half
  /// Other panes: those that rows have come to the longest time ago.
  case others
  /// All.
  case all
}
