import Arrow
import Base
import CPlatform
import State
import VolleyPlan

/// One value a key: a record by slot, whose first word says whether there is one and whether the call in progress wrote it.
final class ValueStore: StateStore {
  private let record: StateRecord
  private let memory = SlotColumn<UInt64>(initial: 0)
  /// By entry: slot, then the record before the call.
  private var journal = StateJournal()
  private let timeToLive: TimeToLive?

  private static let isPresent: UInt64 = 1
  private static let isWritten: UInt64 = 2
  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40

  override init(_ declaration: Plan.State) {
    record = StateRecord(declaration.schema, prefix: 8)
    timeToLive = declaration.timeToLive.map { TimeToLive(duration: $0) }
    super.init(declaration)
  }

  override var byteCount: Int {
    super.byteCount + memory.byteCount + journal.byteCount + (timeToLive?.byteCount ?? 0)
  }

  override func growth(to slotCount: Int, writing count: Int) -> Int {
    memory.growth(to: slotCount * record.wordCount) + (timeToLive?.growth(to: slotCount, touching: count) ?? 0)
  }

  override func grow(to slotCount: Int) {
    memory.grow(to: slotCount * record.wordCount)
    timeToLive?.grow(to: slotCount)
  }

  /// Lends the values of slots.
  func read(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) {
    let (base, words) = (memory.values, record.wordCount)
    let records = addresses(count)
    for row in 0..<count {
      if row &+ Self.ahead < count { platform_prefetch(base + Int(slots[row &+ Self.ahead]) &* words) }
      let place = base + Int(slots[row]) &* words
      records[row] = place.pointee & Self.isPresent != 0 ? UnsafeMutableRawPointer(place) : nil
    }
    try record.read(records, count, into: lending)
  }

  /// Row i of the columns becomes the value of slot `slots[i]`.
  func write(
    _ slots: UnsafePointer<UInt32>, count: Int, _ values: UnsafePointer<LentColumn>
  ) throws(Failure) {
    let (base, words) = (memory.values, record.wordCount)
    let records = addresses(count)
    for row in 0..<count {
      let place = base + Int(slots[row]) &* words
      touch(place, slots[row])
      place.pointee |= Self.isPresent
      records[row] = UnsafeMutableRawPointer(place)
    }
    try records.withMemoryRebound(to: UnsafeMutableRawPointer.self, capacity: count) { records throws(Failure) in
      try record.write(values, records, count, blocks)
    }
  }

  override func clear(_ slots: UnsafePointer<UInt32>, count: Int) {
    for row in 0..<count {
      let place = memory.values + Int(slots[row]) * record.wordCount
      guard place.pointee & Self.isPresent != 0 else { continue }
      touch(place, slots[row])
      record.freeTexts(UnsafeMutableRawPointer(place), blocks)
      place.pointee &= ~Self.isPresent
    }
  }

  /// Keeps the record as it was before the call, once a call.
  @inline(__always)  // The loop over it does little else.
  private func touch(_ place: UnsafeMutablePointer<UInt64>, _ slot: UInt32) {
    guard place.pointee & Self.isWritten == 0 else { return }
    journal.append(UInt64(slot))
    journal.append(UnsafeMutableRawPointer(place), words: record.wordCount)
    record.disownTexts(UnsafeMutableRawPointer(place))
    place.pointee |= Self.isWritten
  }

  override func commit(_ records: KeyRecords, at now: Int64) {
    guard !journal.isEmpty else { return }
    let (base, words, blocks) = (memory.values, record.wordCount, blocks)
    journal.forEach(entries: 1 + words) { entry in
      let slot = UInt32(truncatingIfNeeded: entry[0])
      let place = base + Int(slot) &* words
      place.pointee &= ~Self.isWritten
      record.freeTexts(UnsafeMutableRawPointer(entry + 1), blocks)
      let isPresent = UInt32(truncatingIfNeeded: place.pointee & Self.isPresent)
      records[slot].pointee.references &+= isPresent &- UInt32(truncatingIfNeeded: entry[1] & Self.isPresent)
      guard let timeToLive, !isRestoring else { return }
      withUnsafePointer(to: slot) { slot in
        if isPresent != 0 {
          timeToLive.touch(slot, count: 1, at: now)
        } else {
          timeToLive.clear(slot, count: 1)
        }
      }
    }
    if !isRestoring { note(changes) }
    journal.removeAll()
  }

  /// Notes what the call has written.
  private func note(_ changes: StoreChanges?) {
    guard let changes else { return }
    let (base, words) = (memory.values, record.wordCount)
    var (there, gone): ([UInt32], [UInt32]) = ([], [])
    journal.forEach(entries: 1 + words) { entry in
      let slot = UInt32(truncatingIfNeeded: entry[0])
      if base[Int(slot) &* words] & Self.isPresent != 0 { there.append(slot) } else { gone.append(slot) }
    }
    changes.mark(there, slotCount: memory.count / words)
    lose(gone)
  }

  /// Slots have no value any more.
  private func lose(_ slots: [UInt32]) {
    guard let changes, let stored = changes.forget(slots) else { return }
    changes.lose(stored.rows, count: stored.count)
  }

  override func abort() {
    let (base, words, blocks) = (memory.values, record.wordCount, blocks)
    journal.forEach(entries: 1 + words) { entry in
      let place = base + Int(entry[0]) * words
      record.freeTexts(UnsafeMutableRawPointer(place), blocks)
      place.update(from: entry + 1, count: words)
    }
    journal.removeAll()
  }

  override var nextExpiry: Int64? { timeToLive?.nextTime }

  override func expire(
    at now: Int64, _ records: KeyRecords, emptied: (UInt32) -> Void
  ) {
    guard let timeToLive else { return }
    while true {
      let expired = timeToLive.popExpired(at: now)
      if expired.isEmpty { return }
      if changes != nil { lose(expired.map(\.slot)) }
      for timer in expired {
        let place = memory.values + Int(timer.slot) * record.wordCount
        record.freeTexts(UnsafeMutableRawPointer(place), blocks)
        place.pointee = 0
        records[timer.slot].pointee.references -= 1
        if records[timer.slot].pointee.references == 0 { emptied(timer.slot) }
      }
    }
  }

  // MARK: What outlives the process

  override func takeChanges(into changes: inout StateChanges, table: Int, _ keys: any KeyTable) throws(Failure) {
    guard let own = self.changes else { return }
    try own.takeGone(keys, into: &changes, table: table)
    try own.slots.take { slots throws(Failure) in try put(slots, own.table, keys) { changes.put($0, table: table) } }
  }

  private func put(
    _ slots: Selection, _ table: StateTable, _ keys: any KeyTable, _ put: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    let memory = LendingColumns(declaration.schema)
    var (next, first) = (0, 0)
    try forEachBlock(record) {
      if next == slots.count { return nil }
      next += 1
      return UnsafeMutableRawPointer(self.memory.values + Int(slots.rows[next - 1]) * record.wordCount)
    } _: { records, count throws(Failure) in
      let part = Array(UnsafeBufferPointer(start: slots.rows + first, count: count))
      first += count
      let columns =
        try keys.keys(of: part, count: count) + self.columns(record, records, count, memory)
        + (timeToLive.map { [$0.writtenColumn(of: part)] } ?? [])
      try put(RecordBatch(schema: table.entry, columns: columns, length: count))
    }
    withExtendedLifetime(slots) {}
  }

  override func putChanged(
    of slots: Selection, _ keys: any KeyTable, _ put: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    guard let changes else { return }
    try self.put(changes.slots.changed(slots.rows, count: slots.count), changes.table, keys, put)
  }

  override func forget(_ slots: Selection) {
    for index in 0..<slots.count {
      let place = memory.values + Int(slots.rows[index]) * record.wordCount
      record.freeTexts(UnsafeMutableRawPointer(place), blocks)
      place.pointee = 0
    }
    timeToLive?.clear(slots.rows, count: slots.count)
    _ = changes?.slots.forget(slots.rows, count: slots.count)
  }

  override func restore(
    _ values: [Column], _ slots: UnsafePointer<UInt32>, count: Int, _ records: KeyRecords, at now: Int64
  ) throws(Failure) {
    isRestoring = true
    defer { isRestoring = false }
    try write(slots, count: count, values.prefix(declaration.schema.count).map { LentColumn($0) })
    commit(records, at: now)
    changes?.slots.markStored(slots, count: count, slotCount: memory.count / record.wordCount)
    if let written = values.last { timeToLive?.restore(slots, count: count, written, at: now) }
    withExtendedLifetime(values) {}
  }
}
