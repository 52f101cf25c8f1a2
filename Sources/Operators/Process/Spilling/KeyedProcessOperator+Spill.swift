import Arrow
import Base
import Dataflow
import State

/// Keys that leave memory when it runs out, and come back when a row or a timer is theirs.
extension KeyedProcessOperator: SpillingOperator {
  public func spill(to database: StateDatabase) throws(Failure) {
    precondition(timers.changes != nil, "an operator notes changes before it spills")
    let spill = ProcessSpill(database, states.declarations, keys: keySchema.fields, memoryLimit: memoryLimit)
    self.spill = spill
    // The least part, before others take all.
    _ = claim(0, spill)
    if database.isEmpty { return }
    if try loadAll(spill) { return }
    // What came is as it is in the database.
    releaseMemory(spill)
    try database.scan(table: states.stores.count) { entries throws(Failure) in
      try spill.departed.change(entries.columns, count: entries.length, areLeaving: true)
    }
  }

  /// Brings all that the database has into memory; false when that has no room.
  private func loadAll(_ spill: ProcessSpill) throws(Failure) -> Bool {
    // On the disk it takes less than in memory.
    if spill.database.sizes.fileBytes > memoryLimit { return false }
    spill.refusal = nil
    do throws(Failure) {
      for table in stateTables.indices {
        try spill.database.scan(table: table) { entries throws(Failure) in try restore(entries, table: table) }
      }
      for store in states.stores { store.restored() }
      guard claim(0, spill) else { return false }
    } catch {
      guard spill.refusal != nil else { throw error }
      return false
    }
    spill.residents.noteWhole()
    spill.departedKeys.noteWhole()
    return true
  }

  // MARK: Room

  /// Whether memory has so many bytes more than it holds.
  func claim(_ growth: Int, _ spill: ProcessSpill) -> Bool {
    do throws(Failure) {
      try reservation.set(max(leastMemory, heldBytes + growth), keyCount: states.count)
      spill.refusal = nil
      return true
    } catch {
      spill.refusal = error
      return false
    }
  }

  /// Whether memory has room for a call, and for what it will emit by what former ones did.
  private func claimCall(_ keys: [Column], rowCount: Int, calling: Int, _ spill: ProcessSpill) -> Bool {
    let emitted = min(memoryLimit / 4, max(min(1 << 20, memoryLimit / 32), spill.mostEmitted * calling / 800))
    // What is reserved for one of both is not there for the other.
    guard claim(0, spill) else { return false }
    do throws(Failure) { try held.expect(emitted) } catch {
      spill.refusal = error
      return false
    }
    return claim(growth(keys, rowCount: rowCount, calling: calling, spill), spill)
  }

  /// Bytes that a call of these keys, whose state may have to be brought, takes at worst or by what former ones took.
  ///
  /// - Parameter calling: rows or timers of the call.
  private func growth(_ keys: [Column], rowCount: Int, calling: Int, _ spill: ProcessSpill) -> Int {
    let slotCount = max(states.table.slotCount, states.table.count + rowCount)
    let noted = states.stores.reduce(0) { $0 + ($1.changes?.slots.growth(to: slotCount) ?? 0) }
    return states.growth(keys, rowCount: rowCount) + spill.growth(to: slotCount) + noted
      + min(
        memoryLimit / 4,
        states.growth(calling: calling, bringing: spill.residents.isWhole ? nil : spill.broughtUse))
      // For timers and what is copied while a call lasts.
      + min(memoryLimit / 8, calling * 128)
  }

  /// Makes keys leave until there is room for a call; false when there is none though all have left.
  private func makeRoom(
    _ keys: [Column], rowCount: Int, calling: Int, _ spill: ProcessSpill
  ) throws(Failure) -> Bool {
    if claimCall(keys, rowCount: rowCount, calling: calling, spill) { return true }
    if states.count > 0 {
      // Half of the keys make room for others in the memory that is there; when that does not do, all go, and the memory.
      try evict((states.count + 1) / 2, spill)
      if claimCall(keys, rowCount: rowCount, calling: calling, spill) { return true }
    }
    try evictAll(spill)
    if claimCall(keys, rowCount: rowCount, calling: calling, spill) { return true }
    if rowCount > 1 { return false }
    // What former calls took may be more than this one takes.
    held.expectNothing()
    return claim(growth(keys, rowCount: rowCount, calling: 0, spill), spill)
  }

  /// After a call: what it took that was not foreseen.
  func settleMemory() throws(Failure) {
    guard let spill else { return try reserve(0) }
    held.expectNothing()
    if claim(0, spill) { return }
    try evictAll(spill)
    if !claim(0, spill), let refusal = spill.refusal { throw refusal }
  }

  // MARK: Leaving

  private func evictAll(_ spill: ProcessSpill) throws(Failure) {
    try evict(states.count, spill)
    precondition(states.count == 0 && timers.count == 0, "every key in memory is known to be there")
    releaseMemory(spill)
  }

  private func releaseMemory(_ spill: ProcessSpill) {
    timers.release()
    states.release()
    spill.residents.removeAll()
    states.keepsEmptied = !spill.residents.isWhole
    // Others may have what was taken for what is gone. They may also have so much that there is no room for a filter.
    if !claim(0, spill) { spill.departedKeys.giveUp() }
    _ = claim(0, spill)
  }

  /// Makes so many keys leave memory.
  private func evict(_ count: Int, _ spill: ProcessSpill) throws(Failure) {
    let wasWhole = spill.residents.isWhole
    spill.residents.beginEviction()
    if wasWhole {
      let slots = states.slotsInUse()
      spill.residents.note(slots.rows, count: slots.count, slotCount: states.table.slotCount)
      states.keepsEmptied = true
    }
    // What the database has of a key that leaves, and of one that was forgotten, is its state from here on.
    var gone = StateChanges()
    for (index, store) in states.stores.enumerated() {
      try store.changes?.takeGone(states.table, into: &gone, table: index)
    }
    try timers.takeGone(into: &gone, table: states.stores.count, states.table)
    try spill.database.apply(gone)
    if let time = states.nextExpiry { spill.sweep?.note(time) }
    try spill.residents.evict(count) { leaving throws(Failure) in try leave(leaving, spill) }
  }

  private func leave(_ slots: Selection, _ spill: ProcessSpill) throws(Failure) {
    var writer = EntryWriter(spill.database)
    for (index, store) in states.stores.enumerated() {
      try store.putChanged(of: slots, states.table) { entries throws(Failure) in try writer.put(entries, table: index) }
    }
    let leaving = timers.timers(of: slots)
    try timers.putNew(of: leaving, states.table) { entries throws(Failure) in
      try writer.put(entries, table: states.stores.count)
    }
    try writer.finish()
    try timers.forEachPart(leaving, states.table) { entries, count throws(Failure) in
      try spill.departed.change(entries, count: count, areLeaving: true)
    }
    if spill.departedKeys.isComplete {
      let kept = states.inUse(slots)
      for first in stride(from: 0, to: kept.count, by: StateStore.blockRows) {
        let count = min(StateStore.blockRows, kept.count - first)
        try spill.departedKeys.insert(try states.table.keys(of: kept.rows + first, count: count), count: count)
      }
    }
    timers.forget(leaving)
    states.forget(slots)
  }

  // MARK: Coming back

  /// Calls `body` with parts of a batch, in order, whose keys are in memory with all that they have.
  func forEachPart(
    _ batch: RecordBatch, at now: ProcessingTime, _ body: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    guard let spill else {
      try reserve(states.growth(keys(of: batch), rowCount: batch.rowCount))
      return try body(batch)
    }
    if spill.residents.isWhole {
      let keys = keys(of: batch)
      if claimCall(keys, rowCount: batch.rowCount, calling: batch.rowCount, spill) { return try body(batch) }
    }
    let rows = batch.compacted()
    var first = 0
    while first < rows.length {
      let count = min(spill.pieceRows, rows.length - first)
      let part = count == rows.length ? rows : rows.slice(first..<first + count).compacted()
      guard try bring(keys(of: part), rowCount: count, at: now, spill) else { continue }
      try body(part)
      first += count
    }
  }

  /// Brings the keys of timers of keys that are away and due, if there are any, and makes room for a call with timers.
  ///
  /// - Returns: up to when timers may fire before this is asked again, and perhaps others at that very time.
  func bringDue(_ clock: TimerClock, upTo time: Int64, at now: ProcessingTime) throws(Failure) -> Int64 {
    guard let spill else { return time }
    let calling = min(ProcessTimers.maximum, timers.count + Self.mostDue)
    var isReady = false
    while let due = try spill.departed.due(clock, upTo: time, limit: min(spill.pieceRows, Self.mostDue)) {
      isReady = try bring(due.keys, rowCount: due.count, calling: calling, at: now, spill)
      if isReady { break }
    }
    if !isReady {
      guard try makeRoom([], rowCount: 0, calling: calling, spill) else { throw refused(spill) }
    }
    return try firstDue(clock, upTo: time) ?? time
  }

  /// When the first of the due timers is due whose keys are away: others may have left to make room. Nil when there are none.
  func firstDue(_ clock: TimerClock, upTo time: Int64) throws(Failure) -> Int64? {
    try spill?.departed.due(clock, upTo: time, limit: 1)?.last
  }

  private static let mostDue = 2_048

  /// Removes some of what has expired of keys that are away, when it is time to.
  func sweep(at now: ProcessingTime) throws(Failure) {
    guard let spill, !spill.residents.isWhole, let found = try spill.sweep?.step(at: now.microseconds) else { return }
    var first = 0
    while first < found.count {
      let count = min(spill.pieceRows, found.count - first)
      let keys = found.keys.map { $0.gather(Selection(first..<first + count)) }
      // What is expired goes when it comes.
      if try bring(keys, rowCount: count, at: now, spill) { first += count }
    }
  }

  /// Brings keys into memory that are not there.
  ///
  /// - Returns: false when memory has no room for so many together: fewer are to be tried then.
  /// - Throws: when it has none for a single one.
  private func bring(
    _ keys: [Column], rowCount: Int, calling: Int? = nil, at now: ProcessingTime, _ spill: ProcessSpill
  ) throws(Failure) -> Bool {
    guard try makeRoom(keys, rowCount: rowCount, calling: calling ?? rowCount, spill) else {
      return try retry(rowCount, spill)
    }
    if spill.residents.isWhole { return true }
    // All that is there may have left, or nothing but what others of these keys brought: then the next attempt has no more room.
    let hadOthers = states.count > 0
    let found = try states.slots(of: keys, rowCount: rowCount)
    withExtendedLifetime(found) {}
    let touched = states.table.touched
    guard
      let sought = spill.residents.touch(
        touched.slots, rows: touched.rows, count: touched.count, slotCount: states.table.slotCount)
    else { return true }
    do throws(Failure) {
      try load(sought, keys, spill)
    } catch {
      guard spill.refusal != nil else { throw error }
      for store in states.stores { store.restored() }
      try evictAll(spill)
      return hadOthers && rowCount == 1 ? false : try retry(rowCount, spill)
    }
    // What has expired meanwhile is not there for the call.
    try states.expire(at: now.microseconds)
    spill.noteRoom()
    return true
  }

  private func retry(_ rowCount: Int, _ spill: ProcessSpill) throws(Failure) -> Bool {
    if spill.noteNoRoom(rowCount) { return false }
    guard let refusal = spill.refusal else { preconditionFailure("memory has room, or there is a reason") }
    throw refusal
  }

  func refused(_ spill: ProcessSpill) -> Failure {
    guard let refusal = spill.refusal else { preconditionFailure("what is refused has a reason") }
    return refusal
  }

  /// How many keys were looked for in the database, and how many left memory.
  public var spillCounts: (sought: Int, evicted: Int) {
    guard let spill else { return (0, 0) }
    return (spill.residents.soughtCount - spill.unknownCount, spill.residents.evictedCount)
  }
}
