import Arrow
import Base
import CPlatform

/// 64-bit words → slots: open addressing.
///
/// Word, slot and the touched mark share an entry of 16 bytes, so a row costs one cache miss, and that is asked for ahead of
/// its use. At most half of the entries are taken. `FixedKeyTable` makes words of a column's values; an operator may make its
/// own, of a key's slot and a window, say. One thread at a time.
public final class WordTable {
  private struct Entry {
    var word: UInt64 = 0
    /// Slot + 1; 0 in an empty entry.
    var slotPlusOne: UInt32 = 0
    /// The number of the last batch that touched the word.
    var batch: UInt32 = 0
  }

  private var entries: UnsafeMutablePointer<Entry>
  /// 64 - log2 of the number of entries.
  private var shift: UInt64
  private var capacity: Int { 1 << (64 - Int(shift)) }
  /// Words in the entries.
  private var wordCount = 0
  private var slots = SlotList()
  /// The word of each slot, when they are kept.
  private let words: SlotColumn<UInt64>?
  private(set) var batch: UInt32 = 0
  /// What the last `find` touched.
  public internal(set) var touched = TouchedSlots()

  private static let firstShift: UInt64 = 64 - 10
  /// Far enough for a miss to memory, near enough that the lines are still in the first cache.
  private static let ahead = 20
  /// Blocks bound how far ahead of its words the table may have to grow.
  static let blockRows = 1_024

  /// - Parameter keepingWords: whether the words of slots are kept, for `words(of:)` and `remove`.
  public init(keepingWords: Bool) {
    shift = Self.firstShift
    entries = HugeMemory.allocate(Entry.self, count: 1 << 10, repeating: Entry())
    words = keepingWords ? SlotColumn(initial: 0) : nil
  }

  deinit {
    entries.deallocate()
    slots.deallocate()
  }

  /// Slots that are taken.
  public var count: Int { slots.takenCount }
  /// Slots are `0..<slotCount`; `count` of them are taken.
  public var slotCount: Int { slots.end }

  /// Bytes of memory that it holds.
  public var byteCount: Int {
    capacity * MemoryLayout<Entry>.stride + (words?.byteCount ?? 0) + slots.byteCount
  }

  /// Bytes beyond those that a `find` of so many words takes at worst, while it grows.
  public func growth(rowCount: Int) -> Int {
    let kept = words?.growth(to: slots.end(adding: rowCount)) ?? 0
    let wanted = enlarged(for: rowCount)
    // The former entries are freed when all are in their new places.
    return kept + (wanted == capacity ? 0 : wanted * MemoryLayout<Entry>.stride)
  }

  /// Forgets all words, and keeps the memory.
  public func removeAll() {
    entries.update(repeating: Entry(), count: capacity)
    wordCount = 0
    slots.removeAll()
    batch = 0
  }

  /// Word i's slot goes to `slots[i]`; a new word gets a free slot, or the next.
  ///
  /// - Throws: a `data` failure when there are more words than slots.
  public func find(
    _ words: UnsafePointer<UInt64>, count: Int, into slots: UnsafeMutablePointer<UInt32>
  ) throws(Failure) {
    beginBatch(count)
    touched.finish(count: try findRows(words, 0..<count, slots, 0))
  }

  /// Word i's slot goes to `slots[i]`, `UInt32.max` when it is not there.
  public func lookup(_ words: UnsafePointer<UInt64>, count: Int, into slots: UnsafeMutablePointer<UInt32>) {
    let (entries, shift, probe) = (entries, shift, LineProbe(Entry.self, capacity: capacity))
    for row in 0..<min(Self.ahead, count) { platform_prefetch(entries + Self.spread(words[row], shift)) }
    for row in 0..<count {
      if row &+ Self.ahead < count {
        platform_prefetch(entries + Self.spread(words[row &+ Self.ahead], shift))
      }
      let word = words[row]
      let home = Self.spread(word, shift)
      var index = home
      while entries[index].slotPlusOne != 0 && entries[index].word != word { index = probe.next(index, home: home) }
      // An empty entry's 0 becomes UInt32.max.
      slots[row] = entries[index].slotPlusOne &- 1
    }
  }

  /// The words of slots that are taken.
  ///
  /// - Precondition: the table was made with `keepingWords`.
  public func words(
    of slots: UnsafePointer<UInt32>, count: Int, into target: UnsafeMutablePointer<UInt64>
  ) {
    let words = keptWords
    for index in 0..<count {
      if index &+ Self.ahead < count { platform_prefetch(words + Int(slots[index &+ Self.ahead])) }
      target[index] = words[Int(slots[index])]
    }
  }

  /// Removes the words of these slots, each of which is taken and comes once.
  ///
  /// - Precondition: the table was made with `keepingWords`.
  public func remove(_ slots: UnsafePointer<UInt32>, count: Int) {
    let (entries, words, shift, ahead) = (entries, keptWords, shift, Self.ahead)
    let probe = LineProbe(Entry.self, capacity: capacity)
    for index in 0..<count {
      if index &+ 2 &* ahead < count { platform_prefetch(words + Int(slots[index &+ 2 &* ahead])) }
      if index &+ ahead < count {
        platform_prefetch(entries + Self.spread(words[Int(slots[index &+ ahead])], shift))
      }
      let slot = slots[index]
      let home = Self.spread(words[Int(slot)], shift)
      var place = home
      while entries[place].slotPlusOne != slot &+ 1 {
        precondition(entries[place].slotPlusOne != 0, "a slot that is removed has a key")
        place = probe.next(place, home: home)
      }
      let hole = probe.close(place) {
        entries[$0].slotPlusOne == 0 ? nil : Self.spread(entries[$0].word, shift)
      } move: {
        entries[$1] = entries[$0]
      }
      entries[hole].slotPlusOne = 0
    }
    wordCount -= count
    giveBack(slots, count: count)
    shrink()
  }

  private var keptWords: UnsafeMutablePointer<UInt64> {
    guard let words else { preconditionFailure("a table whose words are asked for or removed keeps them") }
    return words.values
  }

  /// Starts a batch of rows to find.
  func beginBatch(_ rowCount: Int) {
    touched.begin(rowCount: rowCount)
    words?.grow(to: slots.end(adding: rowCount))
    if batch == .max {
      for index in 0..<capacity { entries[index].batch = 0 }
      batch = 0
    }
    batch += 1
  }

  /// Rows `range` of a batch that has begun. Returns how many slots the batch has touched with them.
  func findRows(
    _ words: UnsafePointer<UInt64>, _ range: Range<Int>, _ slots: UnsafeMutablePointer<UInt32>, _ alreadyTouched: Int
  ) throws(Failure) -> Int {
    var touchedCount = alreadyTouched
    var row = range.lowerBound
    while row < range.upperBound {
      let block = min(Self.blockRows, range.upperBound - row)
      try reserve(block)
      touchedCount = probe(words, row, block, slots, touchedCount)
      row += block
    }
    return touchedCount
  }

  /// A slot for something that is no word but a row of the batch that has begun.
  func takeSlot() throws(Failure) -> UInt32 {
    try reserve(1)
    let slot = slots.take()
    if let words { words.values[Int(slot)] = 0 }
    return slot
  }

  /// Gives slots back whose words, if they have any, are out of the entries.
  func giveBack(_ given: UnsafePointer<UInt32>, count: Int) {
    slots.giveBack(given, count: count)
    if slots.takenCount == 0 { words?.removeAll() }
  }

  /// Spreads a word over the table: two multiplications, the better half of a 64-bit finaliser, enough because the top bits
  /// are taken.
  @inline(__always)  // 1.3 ns a row against 2.4 as a call
  private static func spread(_ word: UInt64, _ shift: UInt64) -> Int {
    var mixed = word &* 0x9E37_79B9_7F4A_7C15
    mixed ^= mixed &>> 32
    mixed = mixed &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: mixed &>> shift)
  }

  /// Rows `first ..< first + rowCount`. The table has room for as many new words.
  private func probe(
    _ words: UnsafePointer<UInt64>, _ first: Int, _ rowCount: Int, _ found: UnsafeMutablePointer<UInt32>,
    _ alreadyTouched: Int
  ) -> Int {
    let (entries, shift, batch) = (entries, shift, batch)
    let probe = LineProbe(Entry.self, capacity: capacity)
    let (touchedSlots, touchedRows) = (touched.unsafeSlots, touched.unsafeRows)
    let kept = self.words?.values
    var touchedCount = alreadyTouched
    var slots = slots
    let formerCount = slots.takenCount
    let end = first + rowCount
    let ahead = Self.ahead
    for row in first..<min(first + ahead, end) { platform_prefetch(entries + Self.spread(words[row], shift)) }
    for row in first..<end {
      if row &+ ahead < end { platform_prefetch(entries + Self.spread(words[row &+ ahead], shift)) }
      let word = words[row]
      let home = Self.spread(word, shift)
      var index = home
      while true {
        let entry = entries + index
        if entry.pointee.slotPlusOne == 0 {
          let slot = slots.take()
          entry.pointee = Entry(word: word, slotPlusOne: slot &+ 1, batch: 0)
          if let kept { kept[Int(slot)] = word }
        } else if entry.pointee.word != word {
          index = probe.next(index, home: home)
          continue
        }
        let slot = entry.pointee.slotPlusOne &- 1
        found[row] = slot
        // Written always, counted only when new: a branch here would be mispredicted on every other row of a small table.
        touchedSlots[touchedCount] = slot
        touchedRows[touchedCount] = UInt32(truncatingIfNeeded: row)
        touchedCount &+= entry.pointee.batch == batch ? 0 : 1
        entry.pointee.batch = batch
        break
      }
    }
    wordCount += slots.takenCount - formerCount
    self.slots = slots
    return touchedCount
  }

  private func enlarged(for more: Int) -> Int {
    var wanted = capacity
    while (wordCount + more) * 2 > wanted { wanted *= 2 }
    return wanted
  }

  /// Makes room for `more` new words.
  private func reserve(_ more: Int) throws(Failure) {
    guard slots.takenCount + more < Int(UInt32.max) else {
      throw Failure(.data, "more than 4,294,967,294 keys in one subtask: raise the parallelism")
    }
    if (wordCount + more) * 2 > capacity { rebuild(capacity: enlarged(for: more)) }
  }

  /// Many entries for few words cost memory, and time to walk over.
  private func shrink() {
    guard capacity > 1 << 10, wordCount * 16 < capacity else { return }
    var wanted = 1 << 10
    while wordCount * 4 > wanted { wanted *= 2 }
    rebuild(capacity: wanted)
  }

  private func rebuild(capacity newCapacity: Int) {
    let (former, formerCapacity) = (entries, capacity)
    entries = HugeMemory.allocate(Entry.self, count: newCapacity, repeating: Entry())
    shift = UInt64(64 - newCapacity.trailingZeroBitCount)
    let probe = LineProbe(Entry.self, capacity: newCapacity)
    for index in 0..<formerCapacity where former[index].slotPlusOne != 0 {
      let home = Self.spread(former[index].word, shift)
      var place = home
      while entries[place].slotPlusOne != 0 { place = probe.next(place, home: home) }
      entries[place] = former[index]
    }
    former.deallocate()
  }
}
