import Arrow
import Base
import Dataflow
import State

/// Windows whose panes have more keys than memory.
///
/// As long as all fits, it is as without a database. When memory runs out, what is merged is dropped, and keys leave memory pane by
/// pane. Before a window fires then, all that memory has of its panes follows: an epoch would write nearly as much of it. So the
/// database has all of the window, those entries of a key beside each other that are to be combined. Rows that come to these panes
/// later bring the keys that they need back into memory, until the next window fires.
extension SharedPanes {
  func spill(_ spilled: SpilledWindows, times: [Int64]?) throws(Failure) {
    precondition(pool.tracksChanges && panes.isEmpty, "an operator notes changes before it spills")
    self.spilled = spilled
    // What is kept in any case has to be there before what may be.
    _ = spilled.fits(byteCount)
    if spilled.database.isEmpty { return }
    isApart = try !load(spilled) { noteStored($0) }
    keysAtLimit = panes.keyCount
    if !isApart, try !loadLate(spilled) { try leaveMemory(spilled) }
    if isApart {
      try addLate(spilled)
    } else if spilled.fits(byteCount + mergedGrowth(panes.all)) {
      try restored(times)
    } else {
      try leaveMemory(spilled)
    }
    try reserve(spilled)
  }

  func add(
    _ part: WindowRowInput.Part, to span: WindowSpan, _ reservation: StateReservation, held: Int
  ) throws(Failure) {
    guard let spilled else { return try addInMemory(part, to: span, reservation, held: held) }
    if !isApart {
      let pane = stacks.hasMerged(span) ? late.pane(span, of: pool) : panes.pane(span, of: pool)
      let growth = pane.growth(part.keys, columns: part.batch.columns, rowCount: part.rowCount)
      if fits(growth, spilled) {
        spilled.noteAddition(to: pane)
        try add(to: span) { pane throws(Failure) in
          let slots = try pane.find(part.keys, rowCount: part.rowCount)
          try part.add(to: pane.aggregates, slots)
        }
        // How much values would take was a guess.
        if byteCount > spilled.reserved { try reserve(spilled) }
        return
      }
      try leaveMemory(spilled)
    }
    note(span)
    try addSpilling(part.keys, columns: part.batch.columns, rowCount: part.rowCount, to: span, spilled) {
      aggregates, slots throws(Failure) in try part.add(to: aggregates, slots)
    }
  }

  func reserve(_ reservation: StateReservation) throws(Failure) {
    guard let spilled else { return try reservation.set(byteCount, keyCount: keyCount) }
    try reserve(spilled)
  }

  private func reserve(_ spilled: SpilledWindows) throws(Failure) {
    if !isApart {
      if fits(0, spilled) { return }
      try leaveMemory(spilled)
    }
    try reserve(for: nil, spilled) { byteCount }
  }

  /// Whether there is room for so many bytes more with all in memory.
  private func fits(_ growth: Int, _ spilled: SpilledWindows) -> Bool {
    if spilled.fits(byteCount + growth) { return true }
    pool.removeSpares()
    return spilled.fits(byteCount + growth)
  }

  /// Bytes beyond those of the stacks that merging panes takes, about: the aggregates of each once more, and what links these. Keys
  /// that are in few of them take more, which is found when the window has been given.
  private func mergedGrowth(_ panes: [Pane]) -> Int {
    max(0, panes.reduce(0) { $0 + $1.byteCount + Self.linkBytes * $1.keyCount } - stacks.byteCount)
  }

  private static let linkBytes = 24

  // MARK: Out of memory and back

  /// Whether a window is put together of what the database has. From here on it is, if there is no room to merge its panes.
  func leavesMemory(before window: WindowSpan, _ spilled: SpilledWindows) throws(Failure) -> Bool {
    if isApart { return true }
    if fits(mergedGrowth(panes.panes(endingAfter: .min, upTo: window.end)), spilled) { return false }
    try leaveMemory(spilled)
    return true
  }

  /// Panes may leave memory from here on.
  private func leaveMemory(_ spilled: SpilledWindows) throws(Failure) {
    if isGrowing, stacks.table.count > 0, let changes = entries?.merged {
      panes.insert(pool.makePane(mergedSpan, stacks.table, stacks.back, changes))
    }
    forgetStacks()
    try foldLate()
    // The database must not have what has gone, as it would count for the windows and for rows that come to its pane once more. What
    // is removed after an epoch was kept is of the next one.
    spilled.database.waitUntilSettled()
    var gone = StateChanges()
    try takeGone(into: &gone)
    try spilled.database.apply(gone)
    isApart = true
    // With few keys it was a large batch, or others had the memory: it is tried again.
    keysAtLimit = max(panes.keyCount, Self.fewKeys)
  }

  private static let fewKeys = 1 << 14

  /// Brings all that the database has into memory, when it is so little that it may well stay there.
  private func returnToMemory(_ spilled: SpilledWindows, leaving leftCount: Int) throws(Failure) {
    let count = leftCount + panes.keyCount
    guard count <= keysAtLimit / 4 else { return }
    for pane in panes.all {
      try evict(pane, spilled)
      spilled.count(pane)
      pane.residents = nil
    }
    isApart = try !load(spilled) { noteStored($0) }
    // They are larger than others were: it is not tried again before there are much fewer.
    if isApart { keysAtLimit = count }
  }

  /// Brings rows that stand beside their panes into memory. Returns whether there was room for all; else none of them is there.
  private func loadLate(_ spilled: SpilledWindows) throws(Failure) -> Bool {
    let cursor = spilled.database.cursor(table: WindowTables.late)
    var isFull = false
    while !isFull, let entries = try cursor.next(SlotChanges.blockSlots) {
      try PaneEntries.forEach(of: entries, keyCount: pool.keyCount) { span, part throws(Failure) in
        note(span)
        let pane = late.pane(span, of: pool)
        let growth = pane.growth(part.keys, columns: part.keys + part.values, rowCount: part.count)
        isFull = isFull || !spilled.fits(byteCount + growth)
        if isFull { return }
        try late.update(pane) { pane throws(Failure) in try pane.restore(part, states: part.values) }
      }
    }
    if isFull { late = PaneList() }
    return !isFull
  }

  /// Adds rows that the database has beside their panes to these, and removes them there.
  private func addLate(_ spilled: SpilledWindows) throws(Failure) {
    let cursor = spilled.database.cursor(table: WindowTables.late)
    while let entries = try cursor.next(WindowRows.batchRows) {
      try PaneEntries.forEach(of: entries, keyCount: pool.keyCount) { span, part throws(Failure) in
        note(span)
        try addSpilling(part.keys, columns: part.keys + part.values, rowCount: part.count, to: span, spilled) {
          aggregates, slots throws(Failure) in
          try aggregates.merge(slots.pointer, count: slots.count, states: part.values)
        }
      }
      var gone = StateChanges()
      gone.remove(entries.addresses(of: spilled.database, WindowTables.late), table: WindowTables.late)
      try spilled.database.apply(gone)
    }
  }

  // MARK: Windows

  func beginStored(_ window: WindowSpan, _ spilled: SpilledWindows) throws(Failure) {
    for pane in panes.panes(endingAfter: .min, upTo: window.end) { try evict(pane, spilled) }
    stored = try StoredPanes(
      window, before: series.nextStart(after: window), isGrowing: isGrowing, spilled.database, pool)
  }

  func end(
    _ window: WindowSpan, _ stored: StoredPanes, before start: Int64, _ spilled: SpilledWindows
  ) throws(Failure) {
    self.stored = nil
    while let span = live.first, span.start < start { live.removeFirst() }
    // Cumulative windows have what all of their panes had as one entry.
    while let pane = panes.popFirst(where: { isGrowing ? $0.span.end <= window.end : $0.span.start < start }) {
      spilled.count(pane)
      pool.giveBack(pane)
    }
    try returnToMemory(spilled, leaving: stored.leftCount)
  }
}
