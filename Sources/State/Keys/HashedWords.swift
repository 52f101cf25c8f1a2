import Base
import CPlatform

/// The places of words that lie anywhere: open addressing. Its owner frees it with `deallocate`.
///
/// Word, slot and the touched mark share an entry of 16 bytes, so a row costs one cache miss, and that is asked for ahead of
/// its use. At most half of the entries are taken.
struct HashedWords {
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
  private(set) var wordCount = 0

  private static let leastCapacity = 1 << 6
  /// Not less is left when words are removed: others will come.
  private static let shrunkCapacity = 1 << 10
  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  static let ahead = 40
  /// Entries below so many bytes stay in the caches near a core, where fetching them ahead only costs instructions.
  static let nearBytes = 256 << 10

  /// - Parameter wordCount: how many words it is to have room for.
  init(wordCount: Int = 0) {
    var capacity = Self.leastCapacity
    while wordCount * 2 > capacity { capacity *= 2 }
    shift = UInt64(64 - capacity.trailingZeroBitCount)
    entries = HugeMemory.allocate(Entry.self, count: capacity, repeating: Entry())
  }

  func deallocate() { entries.deallocate() }

  var byteCount: Int { capacity * MemoryLayout<Entry>.stride }

  /// Bytes beyond those that it has that it takes to make room for so many more, while it grows.
  func growth(_ more: Int) -> Int {
    let wanted = enlarged(for: more)
    // The former entries are freed when all are in their new places.
    return wanted == capacity ? 0 : wanted * MemoryLayout<Entry>.stride
  }

  /// The bytes that so many words take.
  static func byteCount(_ wordCount: Int) -> Int {
    var capacity = leastCapacity
    while wordCount * 2 > capacity { capacity *= 2 }
    return capacity * MemoryLayout<Entry>.stride
  }

  func isFull(adding more: Int) -> Bool { (wordCount + more) * 2 > capacity }

  mutating func removeAll() {
    entries.update(repeating: Entry(), count: capacity)
    wordCount = 0
  }

  /// All that is there.
  func forEachWord(_ body: (_ word: UInt64, _ slot: UInt32, _ batch: UInt32) -> Void) {
    for index in 0..<capacity where entries[index].slotPlusOne != 0 {
      body(entries[index].word, entries[index].slotPlusOne - 1, entries[index].batch)
    }
  }

  /// The range of the words that are there; nil when there are none.
  var extent: (least: Int64, most: Int64)? {
    if wordCount == 0 { return nil }
    var (least, most) = (Int64.max, Int64.min)
    forEachWord { word, _, _ in
      least = min(least, Int64(bitPattern: word))
      most = max(most, Int64(bitPattern: word))
    }
    return (least, most)
  }

  /// - Precondition: there is room, and the word is not there yet.
  mutating func insert(_ word: UInt64, slot: UInt32, batch: UInt32) {
    let probe = LineProbe(Entry.self, capacity: capacity)
    let home = Self.spread(word, shift)
    var place = home
    while entries[place].slotPlusOne != 0 { place = probe.next(place, home: home) }
    entries[place] = Entry(word: word, slotPlusOne: slot + 1, batch: batch)
    wordCount += 1
  }

  /// Finds the words of rows, for which there is room; see `WordTable.find`.
  mutating func find(
    _ words: UnsafePointer<UInt64>, _ rows: Range<Int>, into found: UnsafeMutablePointer<UInt32>, batch: UInt32,
    slots taken: inout SlotList, kept: UnsafeMutablePointer<UInt64>?, touched: TouchedSlots,
    touchedCount alreadyTouched: Int
  ) -> Int {
    let (entries, shift) = (entries, shift)
    let probe = LineProbe(Entry.self, capacity: capacity)
    let (touchedSlots, touchedRows) = (touched.unsafeSlots, touched.unsafeRows)
    var touchedCount = alreadyTouched
    var slots = taken
    let formerCount = slots.takenCount
    let end = rows.upperBound
    // Beyond all rows when the entries are in the caches anyway.
    let ahead = byteCount > Self.nearBytes ? Self.ahead : 1 << 40
    let isLarge = byteCount > HugeMemory.cachedBytes
    if ahead < end {
      for row in rows.prefix(ahead) { platform_prefetch_of(entries + Self.spread(words[row], shift), isLarge) }
    }
    for row in rows {
      if row &+ ahead < end { platform_prefetch_of(entries + Self.spread(words[row &+ ahead], shift), isLarge) }
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
    taken = slots
    return touchedCount
  }

  /// Word i's slot goes to `slots[i]`, `UInt32.max` when it is not there.
  func lookup(_ words: UnsafePointer<UInt64>, count: Int, into slots: UnsafeMutablePointer<UInt32>) {
    let (entries, shift, probe) = (entries, shift, LineProbe(Entry.self, capacity: capacity))
    let isLarge = byteCount > HugeMemory.cachedBytes
    for row in 0..<min(Self.ahead, count) { platform_prefetch_of(entries + Self.spread(words[row], shift), isLarge) }
    for row in 0..<count {
      if row &+ Self.ahead < count {
        platform_prefetch_of(entries + Self.spread(words[row &+ Self.ahead], shift), isLarge)
      }
      let word = words[row]
      let home = Self.spread(word, shift)
      var index = home
      while entries[index].slotPlusOne != 0 && entries[index].word != word { index = probe.next(index, home: home) }
      // An empty entry's 0 becomes UInt32.max.
      slots[row] = entries[index].slotPlusOne &- 1
    }
  }

  /// Removes words that are there and come once.
  mutating func remove(_ slots: UnsafePointer<UInt32>, count: Int, words: UnsafePointer<UInt64>) {
    let (entries, shift, ahead) = (entries, shift, Self.ahead)
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
  }

  /// As if no batch had touched anything.
  func forgetBatches() { for index in 0..<capacity { entries[index].batch = 0 } }

  /// Many entries for few words cost memory, and time to walk over.
  mutating func shrink() {
    guard capacity > Self.shrunkCapacity, wordCount * 16 < capacity else { return }
    rebuild(for: max(2 * wordCount, Self.shrunkCapacity / 2))
  }

  /// Makes room for `more` new words.
  mutating func reserve(_ more: Int) {
    if isFull(adding: more) { rebuild(for: wordCount + more) }
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

  private func enlarged(for more: Int) -> Int {
    var wanted = capacity
    while (wordCount + more) * 2 > wanted { wanted *= 2 }
    return wanted
  }

  private mutating func rebuild(for words: Int) {
    let former = self
    self = HashedWords(wordCount: words)
    former.forEachWord { word, slot, batch in insert(word, slot: slot, batch: batch) }
    former.deallocate()
  }
}
