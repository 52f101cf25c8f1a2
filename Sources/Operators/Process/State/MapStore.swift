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
  private struct Chain: BitwiseCopyable {
    /// Entries, counted from 1; 0 is none.
    var first: UInt32 = 0
    var last: UInt32 = 0
  }

  /// An entry that went to the end of its chain, or left it from between two others.
  private struct Move: BitwiseCopyable {
    var entry: UInt32
    var isLeaving: Bool
    var previous: UInt32 = 0
    var next: UInt32 = 0
  }

  private let keyForm: StateRecord.Form
  private let record: StateRecord
  private let memory = SlotColumn<UInt64>(initial: 0)
  private let chains = SlotColumn(initial: Chain())
  private var index = MapIndex()
  /// Entries that were used so far, and of these the free ones.
  private var used = 0
  private var free: ContiguousArray<UInt32> = []
  /// By entry of the journal: the map's entry, its flags before the call, its value before the call.
  private var journal = StateJournal()
  /// What the call did to chains, in order.
  private var moves: ContiguousArray<Move> = []
  /// Entries that pages of the call go on with.
  private var pageStarts: ContiguousArray<UInt32> = []
  private let timeToLive: TimeToLive?
  /// What a page lends its keys from.
  let keyLending: LendingColumns
  private let keyRecord: StateRecord

  // Bytes from the start of a record.
  private static let hashOffset = 0
  private static let slotOffset = 4
  private static let nextOffset = 8
  private static let previousOffset = 12
  private static let flagsOffset = 16
  private static let movedOffset = 20
  private static let keyOffset = 24
  private static let isPresent: UInt32 = 1
  /// The call in progress wrote it.
  private static let isWritten: UInt32 = 2
  /// It is in its slot's chain.
  private static let isChained: UInt32 = 4
  /// A page of the call goes on with it.
  private static let isPageStart: UInt32 = 8
  /// The call in progress put it at the end of its chain, with the move whose number is at `movedOffset`.
  private static let isMoved: UInt32 = 16
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
      + (timeToLive?.byteCount ?? 0)
  }

  override func growth(to slotCount: Int) -> Int { chains.growth(to: slotCount) }
  override func grow(to slotCount: Int) { chains.grow(to: slotCount) }

  private var wordCount: Int { record.wordCount }

  /// The record of an entry, counted from 1.
  @inline(__always)  // An address in the loops over entries.
  private func place(_ entry: UInt32) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(memory.values + Int(entry &- 1) &* record.wordCount)
  }

  private func flags(_ place: UnsafeMutableRawPointer) -> UInt32 {
    place.load(fromByteOffset: Self.flagsOffset, as: UInt32.self)
  }

  // MARK: Finding

  /// The entry of a key, whether it is there or was removed by the call in progress; 0 when there is none.
  @inline(__always)  // Called once a row, and the whole cost of a read.
  private func find(
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

  /// Lends the values of entries.
  func read(
    _ slots: UnsafePointer<UInt32>, count: Int, keys: LentColumn
  ) throws(Failure) {
    let records = addresses(count)
    for row in 0..<count {
      let key = try MapKey(keys, row, keyForm, of: declaration)
      let entry = find(slots[row], key).entry
      let place = entry == 0 ? nil : Optional(place(entry))
      records[row] = place.flatMap { flags($0) & Self.isPresent != 0 ? $0 : nil }
    }
    try record.read(records, count, into: lending)
  }

  // MARK: Writing

  /// Row i of the columns becomes the value of an entry of slot `slots[i]`.
  func put(
    _ slots: UnsafePointer<UInt32>, count: Int, keys: LentColumn, values: UnsafePointer<LentColumn>
  ) throws(Failure) {
    // Records move while there are more of them: places are taken when all have room.
    try reserve(count)
    let records = addresses(count)
    for row in 0..<count {
      let key = try MapKey(keys, row, keyForm, of: declaration)
      var (entry, hash) = find(slots[row], key)
      if entry == 0 { entry = try insert(slots[row], key, hash) }
      let place = place(entry)
      touch(place, entry)
      if flags(place) & Self.isChained == 0 { chain(entry, place, slots[row]) }
      set(Self.isPresent, of: place)
      records[row] = place
    }
    try records.withMemoryRebound(to: UnsafeMutableRawPointer.self, capacity: count) { records throws(Failure) in
      try record.write(values, records, count, blocks)
    }
  }

  func remove(_ slots: UnsafePointer<UInt32>, count: Int, keys: LentColumn) throws(Failure) {
    for row in 0..<count {
      let entry = find(slots[row], try MapKey(keys, row, keyForm, of: declaration)).entry
      if entry != 0 { remove(entry) }
    }
  }

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

  private func remove(_ entry: UInt32) {
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
  private func set(_ bits: UInt32, of place: UnsafeMutableRawPointer, clearing others: UInt32 = 0) {
    place.storeBytes(of: flags(place) & ~others | bits, toByteOffset: Self.flagsOffset, as: UInt32.self)
  }

  /// Keeps the value as it was before the call, once a call.
  @inline(__always)  // As `find`.
  private func touch(_ place: UnsafeMutableRawPointer, _ entry: UInt32) {
    let flags = flags(place)
    guard flags & Self.isWritten == 0 else { return }
    journal.append(UInt64(entry) | UInt64(flags) << 32)
    journal.append(place, words: record.wordCount)
    record.disownTexts(place)
    set(Self.isWritten, of: place)
  }

  private func reserve(_ count: Int) throws(Failure) {
    guard used + count < Int(UInt32.max) else {
      throw Failure(
        .data,
        "the map '\(declaration.name)' has 4,294,967,295 entries in one subtask; raise the parallelism, or remove some")
    }
    memory.grow(to: (used + max(0, count - free.count)) * wordCount)
    timeToLive?.grow(to: used + 1 + count)
    index.reserve(count)
  }

  /// A new entry that is not there yet, in no chain.
  private func insert(_ slot: UInt32, _ key: MapKey, _ hash: UInt32) throws(Failure) -> UInt32 {
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

  /// Puts an entry at the end of its slot's chain.
  private func chain(_ entry: UInt32, _ place: UnsafeMutableRawPointer, _ slot: UInt32) {
    let chain = chains.values + Int(slot)
    place.storeBytes(of: chain.pointee.last, toByteOffset: Self.previousOffset, as: UInt32.self)
    place.storeBytes(of: 0, toByteOffset: Self.nextOffset, as: UInt32.self)
    if chain.pointee.last == 0 {
      chain.pointee.first = entry
    } else {
      self.place(chain.pointee.last).storeBytes(of: entry, toByteOffset: Self.nextOffset, as: UInt32.self)
    }
    chain.pointee.last = entry
    set(Self.isChained | Self.isMoved, of: place)
    place.storeBytes(of: UInt32(truncatingIfNeeded: moves.count), toByteOffset: Self.movedOffset, as: UInt32.self)
    moves.append(Move(entry: entry, isLeaving: false))
  }

  /// Takes an entry out of its chain; between which others it was.
  @discardableResult
  private func unchain(_ place: UnsafeMutableRawPointer) -> (previous: UInt32, next: UInt32) {
    let slot = place.load(fromByteOffset: Self.slotOffset, as: UInt32.self)
    let next = place.load(fromByteOffset: Self.nextOffset, as: UInt32.self)
    let previous = place.load(fromByteOffset: Self.previousOffset, as: UInt32.self)
    let chain = chains.values + Int(slot)
    if previous == 0 {
      chain.pointee.first = next
    } else {
      self.place(previous).storeBytes(of: next, toByteOffset: Self.nextOffset, as: UInt32.self)
    }
    if next == 0 {
      chain.pointee.last = previous
    } else {
      self.place(next).storeBytes(of: previous, toByteOffset: Self.previousOffset, as: UInt32.self)
    }
    set(0, of: place, clearing: Self.isChained)
    return (previous, next)
  }

  /// Undoes what the call did to chains: from the last to the first, so that the neighbours of each are where they were.
  private func undoMoves() {
    for move in moves.reversed() {
      let place = place(move.entry)
      guard move.isLeaving else {
        unchain(place)
        continue
      }
      let slot = place.load(fromByteOffset: Self.slotOffset, as: UInt32.self)
      let chain = chains.values + Int(slot)
      place.storeBytes(of: move.previous, toByteOffset: Self.previousOffset, as: UInt32.self)
      place.storeBytes(of: move.next, toByteOffset: Self.nextOffset, as: UInt32.self)
      if move.previous == 0 {
        chain.pointee.first = move.entry
      } else {
        self.place(move.previous).storeBytes(of: move.entry, toByteOffset: Self.nextOffset, as: UInt32.self)
      }
      if move.next == 0 {
        chain.pointee.last = move.entry
      } else {
        self.place(move.next).storeBytes(of: move.entry, toByteOffset: Self.previousOffset, as: UInt32.self)
      }
      set(Self.isChained, of: place)
    }
  }

  /// The call's pages and moves are over.
  private func endMoves() {
    for entry in pageStarts { set(0, of: place(entry), clearing: Self.isPageStart) }
    pageStarts.removeAll(keepingCapacity: true)
    for move in moves where !move.isLeaving { set(0, of: place(move.entry), clearing: Self.isMoved) }
    // Memory of an unusually large call is given back.
    moves.removeAll(keepingCapacity: moves.count <= 1 << 16)
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

  // MARK: Pages

  /// Lends the next entries of a slot.
  ///
  /// - Parameter cursor: 0 for the first page; becomes 0 when no page follows.
  func page(_ slot: UInt32, limit: Int, cursor: inout UInt64) throws(Failure) {
    var entry = chains.values[Int(slot)].first
    // What is put while pages go on comes behind them, or they might never end.
    var moveCount = UInt32(truncatingIfNeeded: moves.count)
    if cursor != 0 {
      entry = UInt32(truncatingIfNeeded: cursor)
      moveCount = UInt32(truncatingIfNeeded: cursor >> 32)
      guard entry > 0, entry <= used, flags(place(entry)) & Self.isPageStart != 0,
        place(entry).load(fromByteOffset: Self.slotOffset, as: UInt32.self) == slot
      else {
        throw Failure(
          .plugin,
          "a page of the map '\(declaration.name)' was asked for with the cursor \(cursor), which no page of this call gave; begin "
            + "with 0")
      }
    }
    let limit = max(1, min(limit, used))
    let records = addresses(limit)
    var count = 0
    var start: UInt32 = 0
    while entry != 0 {
      let place = place(entry)
      let flags = flags(place)
      if flags & Self.isMoved != 0,
        place.load(fromByteOffset: Self.movedOffset, as: UInt32.self) >= moveCount
      {
        break
      }
      if flags & Self.isPresent != 0 {
        if count == limit {
          start = entry
          break
        }
        records[count] = place
        count += 1
      }
      entry = place.load(fromByteOffset: Self.nextOffset, as: UInt32.self)
    }
    cursor = start == 0 ? 0 : UInt64(start) | UInt64(moveCount) << 32
    if start != 0, flags(place(start)) & Self.isPageStart == 0 {
      set(Self.isPageStart, of: place(start))
      pageStarts.append(start)
    }
    try keyRecord.read(records, count, into: keyLending)
    try record.read(records, count, into: lending)
  }

  // MARK: The end of a call

  override func commit(_ records: KeyRecords, at now: Int64) {
    endMoves()
    guard !journal.isEmpty else { return }
    let blocks = blocks
    var dead: [UInt32] = []
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
      } else if let timeToLive {
        withUnsafePointer(to: entry - 1) { timeToLive.touch($0, count: 1, at: now) }
      }
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
      for entry in Array(expired.map { $0.slot + 1 }) {
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
}
