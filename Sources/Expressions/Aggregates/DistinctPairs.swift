import Arrow
import Base
import CPlatform

/// A set of pairs of a slot and a key: which keys each slot has. A hash table of entries, those of one slot linked.
struct DistinctPairs {
  struct Entry {
    var key: Int64
    var slot: UInt32
    /// The slot's entry before this one, plus 1; 0 for none.
    var next: UInt32
  }

  /// What a slot knows of its pairs.
  struct Slot {
    /// Its latest entry, plus 1; 0 for none.
    var head: UInt32 = 0
    /// How many it has.
    var count: UInt32 = 0
  }

  /// What a place of the table holds: nothing, or an entry beside the tag by which its pair is looked for, so that an
  /// entry is hardly read but for its own pair.
  private struct Place: BitwiseCopyable {
    /// Bits of the pair's hash, the lowest of which tell its home.
    var tag: UInt32 = 0
    /// The entry, plus 1; 0 for an empty place.
    var entry: UInt32 = 0
  }

  private(set) var entries = SlotStates<Entry>(initial: Entry(key: 0, slot: 0, next: 0))
  /// By entry: what it is marked with, where pairs are marked.
  private(set) var markings = SlotStates<UInt32>(initial: 0)
  /// A power of two, never more than half full.
  private var table = SlotStates<Place>(initial: Place())
  /// Entries that were removed, linked as those of a slot: the first one, plus 1, and how many.
  private var free: UInt32 = 0
  private(set) var freeCount = 0

  /// Pairs in the set.
  var count: Int { entries.count - freeCount }

  private static let leastTable = 256
  private let keySecret = UInt64.random(in: 0 ... .max)
  private let slotSecret = UInt64.random(in: 0 ... .max)

  var byteCount: Int { entries.byteCount + table.byteCount + markings.byteCount }

  func deallocate() {
    markings.deallocate()
    entries.deallocate()
    table.deallocate()
  }

  mutating func removeAll() {
    entries.removeAll()
    markings.removeAll()
    free = 0
    freeCount = 0
    table.base.update(repeating: Place(), count: table.count)
  }

  /// Rows whose places are asked for before the first of them is looked at.
  private static let step = 64
  /// A table above so many bytes does not stay in the caches near a core.
  private static let nearBytes = 256 << 10

  /// Adds the pairs of rows unless they are there.
  ///
  /// - Parameters:
  ///   - rows: those that count; nil for all.
  ///   - known: by slot.
  mutating func insert(
    _ slots: UnsafePointer<UInt32>, _ keys: UnsafePointer<Int64>, count: Int, rows: Bits?,
    _ known: UnsafeMutablePointer<Slot>
  ) throws(Failure) {
    try insert(slots, keys, count: count, rows: rows, known, isMarked: false) { _, _ in }
  }

  /// The same, and marks the pairs.
  ///
  /// - Parameters:
  ///   - marks: by row: bits below `width`.
  ///   - counts: by slot, then by bit: how many of the slot's pairs have it.
  mutating func insert(
    _ slots: UnsafePointer<UInt32>, _ keys: UnsafePointer<Int64>, count: Int, rows: Bits?,
    _ known: UnsafeMutablePointer<Slot>, marks: UnsafePointer<UInt32>, _ counts: UnsafeMutablePointer<UInt32>,
    _ width: Int
  ) throws(Failure) {
    try insert(slots, keys, count: count, rows: rows, known, isMarked: true) { row, marking in
      var added = marks[row] & ~marking.pointee
      if added == 0 { return }
      marking.pointee |= added
      let own = counts + Int(slots[row]) &* width
      while added != 0 {
        own[added.trailingZeroBitCount] &+= 1
        added &= added &- 1
      }
    }
  }

  /// - Parameter visit: called with each row that counts, and its pair's marks.
  @inline(__always)  // Two callers, one of which does nothing with a row's pair.
  private mutating func insert(
    _ slots: UnsafePointer<UInt32>, _ keys: UnsafePointer<Int64>, count: Int, rows: Bits?,
    _ known: UnsafeMutablePointer<Slot>, isMarked: Bool,
    _ visit: (_ row: Int, _ marking: UnsafeMutablePointer<UInt32>) -> Void
  ) throws(Failure) {
    let scratch = Buffer(byteCount: Self.step * (8 + 4))
    defer { withExtendedLifetime(scratch) {} }
    let chosen = scratch.unsafeMutableValues(Int.self)
    let tags = UnsafeMutableRawPointer(chosen + Self.step).assumingMemoryBound(to: UInt32.self)
    var start = 0
    while start < count {
      let length = min(Self.step, count &- start)
      var word = rows?.word(start, length) ?? (UInt64.max >> UInt64(64 &- length))
      try reserve(length)
      if isMarked { try markings.grow(to: entries.count + length) }
      let (places, mask) = (table.base, table.count &- 1)
      let isFar = table.byteCount > Self.nearBytes
      var found = 0
      while word != 0 {
        let row = start &+ word.trailingZeroBitCount
        word &= word &- 1
        let tag = tag(slots[row], keys[row])
        tags[found] = tag
        chosen[found] = row
        found &+= 1
        if isFar { platform_prefetch(places + Int(tag) & mask) }
      }
      if isFar {
        for index in 0..<found {
          let place = places[Int(tags[index]) & mask]
          if place.entry == 0 || place.tag != tags[index] { continue }
          platform_prefetch(entries.base + Int(place.entry &- 1))
          if isMarked { platform_prefetch(markings.base + Int(place.entry &- 1)) }
        }
      }
      for index in 0..<found {
        let row = chosen[index]
        let entry = try insert(slots[row], keys[row], tags[index], known + Int(slots[row]))
        if isMarked { visit(row, markings.base + entry) }
      }
      start &+= length
    }
  }

  /// Adds a pair unless it is there; there is room for one more.
  ///
  /// - Returns: its entry.
  @inline(__always)  // Part of the loop over rows.
  private mutating func insert(
    _ slot: UInt32, _ key: Int64, _ tag: UInt32, _ known: UnsafeMutablePointer<Slot>
  ) throws(Failure) -> Int {
    let mask = table.count &- 1
    var place = Int(tag) & mask
    while table.base[place].entry != 0 {
      if table.base[place].tag == tag {
        let number = Int(table.base[place].entry &- 1)
        let entry = entries.base + number
        if entry.pointee.key == key, entry.pointee.slot == slot { return number }
      }
      place = (place &+ 1) & mask
    }
    let entry = Entry(key: key, slot: slot, next: known.pointee.head)
    let number: UInt32
    if free > 0 {
      number = free
      free = entries.base[Int(number &- 1)].next
      freeCount &-= 1
      entries.base[Int(number &- 1)] = entry
      if Int(number) <= markings.count { markings.base[Int(number &- 1)] = 0 }
    } else {
      try entries.append(entry)
      number = UInt32(truncatingIfNeeded: entries.count)
    }
    known.pointee.head = number
    known.pointee.count &+= 1
    table.base[place] = Place(tag: tag, entry: number)
    return Int(number &- 1)
  }

  /// Makes room for so many more pairs.
  private mutating func reserve(_ more: Int) throws(Failure) {
    guard count < Int(UInt32.max) - 1 - more else {
      throw Failure(
        .data,
        "count_distinct: more than 4,294,967,294 different values in one subtask; raise the parallelism, or use "
          + "approx_count_distinct")
    }
    if (count + more) * 2 > table.count { try rebuild(max(Self.leastTable, table.count * 2)) }
  }

  /// Removes all pairs of a slot.
  ///
  /// - Parameter head: the slot's latest entry, plus 1; 0 for none.
  mutating func remove(from head: UInt32) {
    var entry = head
    while entry != 0 {
      let next = entries.base[Int(entry - 1)].next
      removePlace(of: entry)
      entries.base[Int(entry - 1)].next = free
      free = entry
      freeCount += 1
      entry = next
    }
  }

  private mutating func removePlace(of entry: UInt32) {
    let mask = table.count - 1
    let removed = entries.base[Int(entry - 1)]
    var hole = Int(tag(removed.slot, removed.key)) & mask
    while table.base[hole].entry != entry { hole = (hole + 1) & mask }
    // Entries behind the hole that are nearer to their homes in it move up, so that no search ends too early.
    var next = (hole + 1) & mask
    while table.base[next].entry != 0 {
      let home = Int(table.base[next].tag) & mask
      if (next &- home) & mask >= (next &- hole) & mask {
        table.base[hole] = table.base[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    table.base[hole] = Place()
  }

  /// Gives every pair another key; different keys stay different.
  mutating func renumber(_ key: (Int64) throws(Failure) -> Int64) throws(Failure) {
    for place in 0..<table.count where table.base[place].entry != 0 {
      let entry = entries.base + Int(table.base[place].entry - 1)
      entry.pointee.key = try key(entry.pointee.key)
      table.base[place].tag = tag(entry.pointee.slot, entry.pointee.key)
    }
    try rebuild(table.count)
  }

  /// A product of the pair's words, each hidden behind a random one, so that nobody chooses pairs of one hash.
  func tag(_ slot: UInt32, _ key: Int64) -> UInt32 {
    let factor = (UInt64(slot) &<< 1 ^ slotSecret) | 1
    let (high, low) = (UInt64(bitPattern: key) ^ keySecret).multipliedFullWidth(by: factor)
    let folded = high ^ low
    return UInt32(truncatingIfNeeded: folded ^ folded &>> 32)
  }

  /// Puts all pairs into a table of so many places. Those of the former table come nearly in the order of their new
  /// homes.
  private mutating func rebuild(_ wanted: Int) throws(Failure) {
    var former = SlotStates<Place>(initial: Place())
    try former.grow(to: wanted)
    swap(&former, &table)
    defer { former.deallocate() }
    let mask = wanted &- 1
    for index in 0..<former.count where former.base[index].entry != 0 {
      var place = Int(former.base[index].tag) & mask
      while table.base[place].entry != 0 { place = (place &+ 1) & mask }
      table.base[place] = former.base[index]
    }
  }
}
