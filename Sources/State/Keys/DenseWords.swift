import Base
import CPlatform

/// The places of words that lie close together: one for each word of a range, so that a search neither hashes nor compares, in a
/// quarter of the memory or less that `HashedWords` takes. Its owner frees it with `deallocate`.
///
/// Numbers that somebody counts (identifiers, enumerations, days) are such words.
struct DenseWords {
  private struct Entry: BitwiseCopyable {
    /// Slot + 1; 0 of a word that is not there.
    var slotPlusOne: UInt32 = 0
    /// The number of the last batch that touched the word.
    var batch: UInt32 = 0
  }

  private var entries: UnsafeMutablePointer<Entry>
  private let range: WordRange
  private(set) var wordCount = 0

  init(_ range: WordRange) {
    self.range = range
    entries = HugeMemory.allocate(Entry.self, count: range.count, repeating: Entry())
  }

  func deallocate() { entries.deallocate() }

  var byteCount: Int { range.count * MemoryLayout<Entry>.stride }

  /// The most bytes that it takes for so many words.
  static func largestByteCount(_ wordCount: Int) -> Int {
    WordRange.largestCount(wordCount) * MemoryLayout<Entry>.stride
  }

  private var isLarge: Bool { byteCount > HashedWords.nearBytes }

  func covers(_ words: UnsafePointer<UInt64>, count: Int) -> Bool { range.covers(words, count: count) }

  /// Whether most places are free, so that another form would take less memory.
  var isSparse: Bool { range.count > WordRange.largestCount(4 * wordCount) }

  /// The range of the words that are there; nil when there are none.
  var extent: (least: Int64, most: Int64)? {
    guard let first = (0..<range.count).first(where: { entries[$0].slotPlusOne != 0 }),
      let last = (first..<range.count).last(where: { entries[$0].slotPlusOne != 0 })
    else { return nil }
    return (range.word(first), range.word(last))
  }

  /// All that is there, in order.
  func forEachWord(_ body: (_ word: UInt64, _ slot: UInt32, _ batch: UInt32) -> Void) {
    for index in 0..<range.count where entries[index].slotPlusOne != 0 {
      body(UInt64(bitPattern: range.word(index)), entries[index].slotPlusOne - 1, entries[index].batch)
    }
  }

  /// - Precondition: the word is in the range, and not there yet.
  mutating func insert(_ word: UInt64, slot: UInt32, batch: UInt32) {
    entries[range.index(word)] = Entry(slotPlusOne: slot + 1, batch: batch)
    wordCount += 1
  }

  /// Finds the words of rows, which the range covers; see `WordTable.find`.
  mutating func find(
    _ words: UnsafePointer<UInt64>, _ rows: Range<Int>, into found: UnsafeMutablePointer<UInt32>, batch: UInt32,
    slots taken: inout SlotList, kept: UnsafeMutablePointer<UInt64>?, touched: TouchedSlots,
    touchedCount alreadyTouched: Int
  ) -> Int {
    let (entries, range, ahead) = (entries, range, isLarge ? HashedWords.ahead : 0)
    let isFar = byteCount > HugeMemory.cachedBytes
    let (touchedSlots, touchedRows) = (touched.unsafeSlots, touched.unsafeRows)
    var touchedCount = alreadyTouched
    var slots = taken
    let formerCount = slots.takenCount
    for row in rows {
      // What lies behind the rows is not fetched; a fetch of the last row again does no harm.
      if ahead > 0 {
        platform_prefetch_of(entries + range.index(words[min(row &+ ahead, rows.upperBound &- 1)]), isFar)
      }
      let entry = entries + range.index(words[row])
      if entry.pointee.slotPlusOne == 0 {
        let slot = slots.take()
        entry.pointee = Entry(slotPlusOne: slot &+ 1, batch: 0)
        if let kept { kept[Int(slot)] = words[row] }
      }
      let slot = entry.pointee.slotPlusOne &- 1
      found[row] = slot
      // Written always, counted only when new: a branch here would be mispredicted on every other row of few words.
      touchedSlots[touchedCount] = slot
      touchedRows[touchedCount] = UInt32(truncatingIfNeeded: row)
      touchedCount &+= entry.pointee.batch == batch ? 0 : 1
      entry.pointee.batch = batch
    }
    wordCount += slots.takenCount - formerCount
    taken = slots
    return touchedCount
  }

  /// Word i's slot goes to `slots[i]`, `UInt32.max` when it is not there.
  func lookup(_ words: UnsafePointer<UInt64>, count: Int, into slots: UnsafeMutablePointer<UInt32>) {
    let (entries, range, ahead) = (entries, range, isLarge ? HashedWords.ahead : 0)
    let isFar = byteCount > HugeMemory.cachedBytes
    for row in 0..<count {
      if ahead > 0 {
        let next = words[min(row &+ ahead, count &- 1)]
        if range.covers(next) { platform_prefetch_of(entries + range.index(next), isFar) }
      }
      slots[row] = range.covers(words[row]) ? entries[range.index(words[row])].slotPlusOne &- 1 : .max
    }
  }

  /// Removes words that are there and come once.
  mutating func remove(_ slots: UnsafePointer<UInt32>, count: Int, words: UnsafePointer<UInt64>) {
    let ahead = HashedWords.ahead
    for index in 0..<count {
      if index &+ 2 &* ahead < count { platform_prefetch(words + Int(slots[index &+ 2 &* ahead])) }
      if index &+ ahead < count { platform_prefetch(entries + range.index(words[Int(slots[index &+ ahead])])) }
      let slot = slots[index]
      let entry = entries + range.index(words[Int(slot)])
      precondition(entry.pointee.slotPlusOne == slot &+ 1, "a slot that is removed has a key")
      entry.pointee.slotPlusOne = 0
    }
    wordCount -= count
  }

  /// As if no batch had touched anything.
  func forgetBatches() { for index in 0..<range.count { entries[index].batch = 0 } }
}

/// A range of words: as many as a power of two, from a first one on. Words are ordered as signed numbers.
struct WordRange {
  /// The word of place 0.
  private let base: UInt64
  private let bits: UInt64

  private static let leastBits: UInt64 = 10
  /// So many places are never too many: they fit the second cache.
  private static let freeCount = 8_192

  /// The range for words between two, unless it would be mostly empty.
  ///
  /// - Parameters:
  ///   - wordCount: how many different words there are, as far as is known. At least every fourth place is to be used.
  ///   - growsDown: whether the free places are to be below the least word and not above the last one.
  ///   - hasMoved: the words have left a range that they had: there is to be room for as many places again, or a quarter of that, before
  ///     they leave this one.
  init?(_ least: Int64, _ most: Int64, wordCount: Int, growsDown: Bool, hasMoved: Bool = false) {
    let span = UInt64(bitPattern: most &- least)
    guard span < 1 << 40 else { return nil }
    var bits = max(Self.leastBits, UInt64(UInt64.bitWidth - span.leadingZeroBitCount))
    if hasMoved && span >= 3 << (bits - 2) { bits += 1 }
    let count = 1 << Int(bits)
    guard count <= Self.largestCount(wordCount) else { return nil }
    self.bits = bits
    // The whole range is within the numbers of 64 bits: a place stands for one word, and the order of places is that of words.
    let reach = Int64(count) - 1
    let lowest = growsDown ? max(.min + reach, most) - reach : min(least, .max - reach)
    base = least >= 0 && most < count ? 0 : UInt64(bitPattern: lowest)
  }

  /// The most places that a range for so many words has.
  static func largestCount(_ wordCount: Int) -> Int { max(freeCount, 4 * wordCount) }

  var count: Int { 1 << Int(bits) }
  /// - Precondition: the range covers the word.
  @inline(__always)  // One instruction of each search.
  func index(_ word: UInt64) -> Int { Int(truncatingIfNeeded: word &- base) }

  func word(_ index: Int) -> Int64 { Int64(bitPattern: base &+ UInt64(index)) }

  @inline(__always)  // Two instructions of each lookup.
  func covers(_ word: UInt64) -> Bool { (word &- base) &>> bits == 0 }

  func covers(_ words: UnsafePointer<UInt64>, count: Int) -> Bool {
    var outside: UInt64 = 0
    for row in 0..<count { outside |= words[row] &- base }
    return outside &>> bits == 0
  }
}
