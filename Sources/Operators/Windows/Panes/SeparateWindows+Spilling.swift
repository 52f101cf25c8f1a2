import Arrow
import Base
import Dataflow
import State

/// Windows with more keys than memory.
extension SeparateWindows {
  /// Entries go to a database from here on when memory runs out. What it has already is brought into memory as far as there is
  /// room.
  ///
  /// - Parameters:
  ///   - database: its table `WindowTables.panes`.
  ///   - parallelism: how many subtasks share the memory.
  func spill(
    to database: StateDatabase, _ reservation: StateReservation, limit: Int, parallelism: Int
  ) throws(Failure) {
    precondition(pool.tracksChanges && windows.isEmpty, "an operator notes changes before it spills")
    let spilled = SpilledWindows(database, limit: limit, parallelism: parallelism)
    self.spilled = spilled
    try? reserve(reservation)
    if database.isEmpty { return }
    let cursor = database.cursor(table: WindowTables.panes)
    var isFull = false
    while let entries = try cursor.next(SlotChanges.blockSlots) {
      try PaneEntries.forEach(of: entries, keyCount: pool.keyCount) { span, part throws(Failure) in
        let pane = windows.pane(span, of: pool)
        if !isFull {
          let growth = pane.growth(part.keys, columns: part.keys + part.values, rowCount: part.count)
          isFull = !spilled.fits(byteCount + growth, reservation)
        }
        try windows.update(pane) { pane throws(Failure) in
          if isFull { spilled.noteMissing(pane) } else { try pane.restore(part, states: part.values) }
        }
      }
    }
    try reserve(reservation)
  }

  func add(
    _ part: WindowRowInput.Part, to span: WindowSpan, _ reservation: StateReservation, held: Int
  ) throws(Failure) {
    guard let spilled else { return try addInMemory(part, to: span, reservation, held: held) }
    let pane = windows.pane(span, of: pool)
    spilled.noteAddition(to: pane)
    try reserve(reservation, for: pane, spilled) {
      byteCount + pane.growth(part.keys, columns: part.batch.columns, rowCount: part.rowCount)
    }
    try windows.update(pane) { pane throws(Failure) in
      let slots = try pane.find(part.keys, rowCount: part.rowCount)
      try pane.bring(part.keys)
      try part.add(to: pane.aggregates, slots)
    }
    // What came from the database may be larger than the rows that it came for.
    if byteCount > spilled.reserved { try reserve(reservation, for: pane, spilled) { byteCount } }
  }

  func reserve(_ reservation: StateReservation) throws(Failure) {
    guard let spilled else { return try reservation.set(byteCount, keyCount: keyCount) }
    try reserve(reservation, for: nil, spilled) { byteCount }
  }

  /// How many keys of windows were looked for in the database, and how many left memory.
  var spillCounts: (sought: Int, evicted: Int) {
    windows.all.reduce(into: spilled?.counts ?? (0, 0)) { counts, pane in
      counts.sought += pane.residents?.soughtCount ?? 0
      counts.evicted += pane.residents?.evictedCount ?? 0
    }
  }

  /// What makes room, one after the other until there is enough.
  private enum Relief: CaseIterable {
    /// What is kept for windows to come.
    case spares
    /// Windows that no rows have come to since memory was last asked for.
    case cold
    /// Half of the keys of the window that rows come to, if that has most: their memory is for its next keys.
    case half
    /// Other windows: those that rows have come to the longest time ago.
    case others
    /// All.
    case all
  }

  /// Reserves memory, and has keys leave until there is enough.
  ///
  /// - Parameters:
  ///   - target: what rows come to.
  ///   - needed: bytes.
  private func reserve(
    _ reservation: StateReservation, for target: Pane?, _ spilled: SpilledWindows, needed: () -> Int
  ) throws(Failure) {
    if spilled.fits(needed(), reservation) { return }
    defer { spilled.noteEviction() }
    for relief in Relief.allCases {
      try make(room: relief, for: target, spilled)
      if spilled.fits(needed(), reservation) { return }
    }
    // A share is for others' sake: what cannot be done without is taken from all that there is.
    try spilled.reserve(needed(), keyCount: keyCount, reservation)
  }

  private func make(room relief: Relief, for target: Pane?, _ spilled: SpilledWindows) throws(Failure) {
    switch relief {
    case .spares: pool.removeSpares()
    case .cold: try evictOthers(target, spilled) { $0.lastAddition < spilled.additionsAtEviction }
    case .half:
      guard let target, target.keyCount > keyCount / 2 else { return }
      try windows.update(target) { pane throws(Failure) in
        try pane.evict((pane.keyCount + 1) / 2, to: spilled.database)
      }
    case .others: try evictOthers(target, spilled) { _ in true }
    case .all:
      try evictOthers(target, spilled, share: 1) { _ in true }
      if let target { try evict(target, spilled) }
    }
  }

  /// Makes other windows leave memory, those first that rows have come to the longest time ago, until half of all keys are gone.
  ///
  /// - Parameter share: 1: until all are.
  private func evictOthers(
    _ target: Pane?, _ spilled: SpilledWindows, share: Int = 2, where condition: (Pane) -> Bool
  ) throws(Failure) {
    var wanted = (keyCount + share - 1) / share
    let others = windows.all.filter { $0 !== target && $0.keyCount > 0 && condition($0) }
    for pane in others.sorted(by: { $0.lastAddition < $1.lastAddition }) where wanted > 0 {
      wanted -= pane.keyCount
      try evict(pane, spilled)
    }
  }

  /// Makes a window leave memory with all that it has there.
  private func evict(_ pane: Pane, _ spilled: SpilledWindows) throws(Failure) {
    try windows.update(pane) { pane throws(Failure) in
      try pane.evict(pane.keyCount, to: spilled.database)
      pool.release(pane)
    }
  }
}

extension Pane {
  /// Bytes that rows may add at worst.
  ///
  /// - Parameter columns: what the aggregates' values come from.
  fileprivate func growth(_ keys: [Column], columns: [Column], rowCount: Int) -> Int {
    // Slots that were given back are taken first.
    let slotCount = max(table.slotCount, table.count + rowCount)
    return table.growth(keys, rowCount: rowCount)
      + aggregates.growth(columns, rowCount: rowCount, slotCount: slotCount - rowCount)
      + (changes?.growth(to: slotCount) ?? 0) + (residents?.growth(to: slotCount) ?? 0)
  }

  /// Brings the keys that the last `find` touched into memory.
  fileprivate func bring(_ keys: [Column]) throws(Failure) {
    try residents?.bring(
      table.touched, slotCount: table.slotCount, table: WindowTables.panes,
      address: { rows in keys.map { $0.gather(rows) } + WindowTables.columns(span, rows.count) },
      { slots, values throws(Failure) in
        try aggregates.merge(slots.rows, count: slots.count, states: values.columns[...])
        changes?.markStored(slots.rows, count: slots.count, slotCount: table.slotCount)
      })
  }

  /// Makes so many keys leave memory.
  fileprivate func evict(_ count: Int, to database: StateDatabase) throws(Failure) {
    guard let changes, count > 0 else { return }
    let residents = residents ?? ResidentKeys(database, isWhole: true)
    self.residents = residents
    let schema = database.tables[WindowTables.panes].entry
    try residents.evict(
      count, slotCount: table.slotCount, table: WindowTables.panes, changes: changes,
      { slots throws(Failure) in
        let columns =
          try table.keys(of: slots.rows, count: slots.count) + WindowTables.columns(span, slots.count)
          + aggregates.states(slots.rows, count: slots.count)
        return RecordBatch(schema: schema, columns: columns, length: slots.count)
      },
      remove: { slots in
        aggregates.reset(slots.rows, count: slots.count)
        table.remove(slots.rows, count: slots.count)
      })
  }
}
