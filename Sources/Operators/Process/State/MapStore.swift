import Arrow
import Base
import CPlatform
import Keys
import State
import VolleyPlan

/// Entries of each key, by a key of their own: one table for all, whose entries are chained by slot in the order in which they came.
///
/// An entry is a record: hash and slot; next and previous entry; flags and a number; the map's key; then the value. One that a call removes leaves
/// its chain at once, so that clearing a map costs what it has and not what it had, but is found by its key until the call is
/// committed. Only where a page of the call goes on it stays, so that the next page knows its place.
final class MapStore: StateStore {
  struct Chain: BitwiseCopyable {
    /// Entries, counted from 1; 0 is none.
    var first: UInt32 = 0
    var last: UInt32 = 0
  }

  /// An entry that went to the end of its chain, or left it from between two others.
  struct Move: BitwiseCopyable {
    var entry: UInt32
    var isLeaving: Bool
    var previous: UInt32 = 0
    var next: UInt32 = 0
  }

  let keyForm: StateRecord.Form
  let record: StateRecord
  private let memory = SlotColumn<UInt64>(initial: 0)
  let chains = SlotColumn(initial: Chain())
  private var index = MapIndex()
  /// Entries that were used so far, and of these the free ones.
  var used = 0
  private var free: ContiguousArray<UInt32> = []
  /// By entry of the journal: the map's entry, its flags before the call, its value before the call.
  private var journal = StateJournal()
  /// What the call did to chains, in order.
  var moves: ContiguousArray<Move> = []
  /// Entries that pages of the call go on with.
  var pageStarts: ContiguousArray<UInt32> = []
  let timeToLive: TimeToLive?
  /// By entry, when changes are noted: its place in the order of all entries that came to their chains.
  let orders = SlotColumn<UInt64>(initial: 0)
  var nextOrder: UInt64 = 0
  /// Entries that come back, until all have.
  var returning: [(order: UInt64, entry: UInt32)] = []
  /// What a page lends its keys from.
  let keyLending: LendingColumns
  let keyRecord: StateRecord

  // Bytes from the start of a record.
  private static let hashOffset = 0
  static let slotOffset = 4
  static let nextOffset = 8
  static let previousOffset = 12
  private static let flagsOffset = 16
  static let movedOffset = 20
  private static let keyOffset = 24
  static let isPresent: UInt32 = 1
  /// The call in progress wrote it.
  private static let isWritten: UInt32 = 2
  /// It is in its slot's chain.
  static let isChained: UInt32 = 4
  /// A page of the call goes on with it.
  static let isPageStart: UInt32 = 8
  /// The call in progress put it at the end of its chain, with the move whose number is at `movedOffset`.
  static let isMoved: UInt32 = 16
  private static let noSlot = UInt32.max

  init(_ declaration: Plan.State, key: Field) {
    guard let form = StateRecord.form(key.type) else { preconditionFailure("planning refuses a map by \(key.type)") }
    keyForm = form
    let keyBytes: Int
    switch form {
    case .bytes: keyBytes = StateRecord.textByteCount
    case .fixed(let width): keyBytes = (width + 7) / 8 * 8
    case .bit: keyBytes = 8
    }
    record = StateRecord(declaration.schema, prefix: Self.keyOffset + keyBytes)
    keyRecord = StateRecord([Field(key.name, key.type, nullable: false)], prefix: Self.keyOffset)
    keyLending = LendingColumns([Field(key.name, key.type, nullable: false)])
    timeToLive = declaration.timeToLive.map { TimeToLive(duration: $0) }
    super.init(declaration)
  }

  override var byteCount: Int {
    super.byteCount + memory.byteCount + chains.byteCount + index.byteCount + free.capacity * 4 + journal.byteCount
      + moves.capacity * MemoryLayout<Move>.stride + pageStarts.capacity * 4 + keyLending.byteCount
      + (timeToLive?.byteCount ?? 0) + orders.byteCount + returning.capacity * 16
  }

  override func growth(to slotCount: Int, writing count: Int) -> Int { chains.growth(to: slotCount) }
  override func grow(to slotCount: Int) { chains.grow(to: slotCount) }

  private var wordCount: Int { record.wordCount }

  /// The record of an entry, counted from 1.
  @inline(__always)  // An address in the loops over entries.
  func place(_ entry: UInt32) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(memory.values + Int(entry &- 1) &* record.wordCount)
  }

  func flags(_ place: UnsafeMutableRawPointer) -> UInt32 {
    place.load(fromByteOffset: Self.flagsOffset, as: UInt32.self)
  }

  // MARK: Finding

  /// The entry of a key, whether it is there or was removed by the call in progress; 0 when there is none.
  @inline(__always)  // Called once a row, and the whole cost of a read.
  func find(
    _ slot: UInt32, _ key: MapKey
  ) -> (entry: UInt32, hash: UInt32) {
    let hash = key.hash(slot)
    let entry = index.find(hash) { entry in
      let place = place(entry)
      return place.load(fromByteOffset: Self.slotOffset, as: UInt32.self) == slot
        && key.isEqual(to: place + Self.keyOffset, keyForm)
    }
    return (entry, hash)
  }

  // MARK: Writing

  override func clear(_ slots: UnsafePointer<UInt32>, count: Int) {
    for row in 0..<count {
      var entry = chains.values[Int(slots[row])].first
      while entry != 0 {
        let next = place(entry).load(fromByteOffset: Self.nextOffset, as: UInt32.self)
        remove(entry)
        entry = next
      }
    }
  }

  func remove(_ entry: UInt32) {
    let place = place(entry)
    guard flags(place) & Self.isPresent != 0 else { return }
    touch(place, entry)
    record.freeTexts(place, blocks)
    set(0, of: place, clearing: Self.isPresent)
    if flags(place) & Self.isPageStart == 0 {
      let (previous, next) = unchain(place)
      moves.append(Move(entry: entry, isLeaving: true, previous: previous, next: next))
    }
  }

  @inline(__always)  // As `find`.
  func set(_ bits: UInt32, of place: UnsafeMutableRawPointer, clearing others: UInt32 = 0) {
    place.storeBytes(of: flags(place) & ~others | bits, toByteOffset: Self.flagsOffset, as: UInt32.self)
  }

  /// Keeps the value as it was before the call, once a call.
  @inline(__always)  // As `find`.
  func touch(_ place: UnsafeMutableRawPointer, _ entry: UInt32) {
    let flags = flags(place)
    guard flags & Self.isWritten == 0 else { return }
    journal.append(UInt64(entry) | UInt64(flags) << 32)
    journal.append(place, words: record.wordCount)
    record.disownTexts(place)
    set(Self.isWritten, of: place)
  }

  func reserve(_ count: Int) throws(Failure) {
    guard used + count < Int(UInt32.max) else {
      throw Failure(
        .data,
        "the map '\(declaration.name)' has 4,294,967,295 entries in one subtask; raise the parallelism, or remove some")
    }
    memory.grow(to: (used + max(0, count - free.count)) * wordCount)
    timeToLive?.grow(to: used + 1 + count)
    if changes != nil { orders.grow(to: used + 1 + count) }
    index.reserve(count)
  }

  /// A new entry that is not there yet, in no chain.
  func insert(_ slot: UInt32, _ key: MapKey, _ hash: UInt32) throws(Failure) -> UInt32 {
    let entry: UInt32
    if let last = free.popLast() {
      entry = last
    } else {
      used += 1
      entry = UInt32(used)
    }
    let place = place(entry)
    place.initializeMemory(as: UInt8.self, repeating: 0, count: record.stride)
    place.storeBytes(of: hash, toByteOffset: Self.hashOffset, as: UInt32.self)
    place.storeBytes(of: slot, toByteOffset: Self.slotOffset, as: UInt32.self)
    try key.write(to: place + Self.keyOffset, keyForm, blocks)
    index.insert(hash, entry)
    return entry
  }

  /// Takes an entry that is not there out of its chain and the index.
  private func unlink(_ entry: UInt32) {
    let place = place(entry)
    if flags(place) & Self.isChained != 0 { unchain(place) }
    if case .bytes = keyForm { StateRecord.freeText(place + Self.keyOffset, blocks) }
    index.remove(place.load(fromByteOffset: Self.hashOffset, as: UInt32.self), entry)
    place.storeBytes(of: Self.noSlot, toByteOffset: Self.slotOffset, as: UInt32.self)
    if let timeToLive { withUnsafePointer(to: entry - 1) { timeToLive.clear($0, count: 1) } }
    free.append(entry)
    if free.count == used {
      free.removeAll()
      used = 0
      memory.removeAll()
    }
  }

  // MARK: The end of a call

  override func commit(_ records: KeyRecords, at now: Int64) {
    if changes != nil { noteMoves() }
    endMoves()
    guard !journal.isEmpty else { return }
    let blocks = blocks
    var dead: [UInt32] = []
    let isRestoring = isRestoring
    journal.forEach(entries: 1 + wordCount) { former in
      let (entry, flagsBefore) = Self.entry(former[0])
      record.freeTexts(UnsafeMutableRawPointer(former + 1), blocks)
      let place = place(entry)
      let flags = flags(place)
      set(0, of: place, clearing: Self.isWritten)
      let slot = place.load(fromByteOffset: Self.slotOffset, as: UInt32.self)
      records[slot].pointee.references &+= (flags & Self.isPresent) &- (flagsBefore & Self.isPresent)
      if flags & Self.isPresent == 0 {
        dead.append(entry)
      } else if let timeToLive, !isRestoring {
        withUnsafePointer(to: entry - 1) { timeToLive.touch($0, count: 1, at: now) }
      }
    }
    if changes != nil, !isRestoring {
      var there: [UInt32] = []
      journal.forEach(entries: 1 + wordCount) { former in
        let entry = Self.entry(former[0]).entry
        if flags(place(entry)) & Self.isPresent != 0 { there.append(entry - 1) }
      }
      changes?.mark(there, slotCount: used)
      lose(dead)
    }
    journal.removeAll()
    for entry in dead { unlink(entry) }
  }

  override func abort() {
    undoMoves()
    endMoves()
    let blocks = blocks
    var dead: [UInt32] = []
    let valueOffset = record.nullOffset
    journal.forEach(entries: 1 + wordCount) { former in
      let (entry, flagsBefore) = Self.entry(former[0])
      let place = place(entry)
      record.freeTexts(place, blocks)
      (place + valueOffset).copyMemory(
        from: UnsafeRawPointer(former + 1) + valueOffset, byteCount: record.stride - valueOffset)
      // Whether it is in a chain has been undone already.
      set(flagsBefore & Self.isPresent, of: place, clearing: Self.isPresent | Self.isWritten)
      if flagsBefore & Self.isPresent == 0 { dead.append(entry) }
    }
    journal.removeAll()
    for entry in dead { unlink(entry) }
  }

  private static func entry(_ word: UInt64) -> (entry: UInt32, flags: UInt32) {
    (UInt32(truncatingIfNeeded: word), UInt32(truncatingIfNeeded: word >> 32))
  }

  // MARK: Time to live

  override var nextExpiry: Int64? { timeToLive?.nextTime }

  override func expire(
    at now: Int64, _ records: KeyRecords, emptied: (UInt32) -> Void
  ) {
    guard let timeToLive else { return }
    while true {
      let expired = timeToLive.popExpired(at: now)
      if expired.isEmpty { return }
      // The memory of the timers is used again below.
      let entries = expired.map { $0.slot + 1 }
      if changes != nil { lose(entries) }
      for entry in entries {
        let place = place(entry)
        let slot = place.load(fromByteOffset: Self.slotOffset, as: UInt32.self)
        record.freeTexts(place, blocks)
        set(0, of: place, clearing: Self.isPresent)
        unlink(entry)
        records[slot].pointee.references -= 1
        if records[slot].pointee.references == 0 { emptied(slot) }
      }
    }
  }

  // MARK: What outlives the process

  override func takeChanges(into changes: inout StateChanges, table: Int, _ keys: any KeyTable) throws(Failure) {
    guard let own = self.changes else { return }
    try own.takeGone(keys, into: &changes, table: table)
    try own.slots.take { entries throws(Failure) in
      try takeEntries(entries, own.table, keys) { changes.put($0, table: table) }
    }
  }

  override func restore(
    _ values: [Column], _ slots: UnsafePointer<UInt32>, count: Int, _ records: KeyRecords, at now: Int64
  ) throws(Failure) {
    isRestoring = true
    defer { isRestoring = false }
    let lent = values.map { LentColumn($0) }
    try put(slots, count: count, keys: lent[0], values: Array(lent.dropFirst().prefix(declaration.schema.count)))
    commit(records, at: now)
    var entries: [UInt32] = []
    for row in 0..<count {
      entries.append(find(slots[row], try MapKey(lent[0], row, keyForm, of: declaration)).entry - 1)
    }
    welcome(entries, orders: values[1 + declaration.schema.count].values(UInt64.self))
    if let written = values.last { timeToLive?.restore(entries, count: count, written, at: now) }
    withExtendedLifetime(values) {}
  }

  override func restored() { orderChains() }

  // MARK: What leaves memory

  override func putChanged(
    of slots: Selection, _ keys: any KeyTable, _ put: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    guard let changes else { return }
    let entries = entries(of: slots)
    try takeEntries(changes.slots.changed(entries, count: entries.count), changes.table, keys, put)
  }

  override func forget(_ slots: Selection) {
    let entries = entries(of: slots)
    _ = changes?.slots.forget(entries, count: entries.count)
    for entry in entries {
      record.freeTexts(place(entry + 1), blocks)
      set(0, of: place(entry + 1), clearing: Self.isPresent)
      unlink(entry + 1)
    }
  }

  /// The entries of slots, counted from 0.
  private func entries(of slots: Selection) -> [UInt32] {
    var entries: [UInt32] = []
    for index in 0..<slots.count {
      var entry = chains.values[Int(slots.rows[index])].first
      while entry != 0 {
        entries.append(entry - 1)
        entry = place(entry).load(fromByteOffset: Self.nextOffset, as: UInt32.self)
      }
    }
    return entries
  }

  override var use: StoreUse { StoreUse(entries: used - free.count, blockBytes: blocks.usedByteCount) }

  override func growth(using more: StoreUse) -> Int {
    let count = used + max(0, more.entries - free.count)
    return super.growth(using: more) + memory.growth(to: count * wordCount) + index.growth(by: more.entries)
      + (changes == nil ? 0 : orders.growth(to: count + 1))
      + (timeToLive?.growth(to: count + 1, touching: min(more.entries, 1_024)) ?? 0)
  }

  override func use(of values: [Column], count: Int) -> StoreUse {
    StoreUse(entries: count, blockBytes: super.use(of: values, count: count).blockBytes)
  }
}
