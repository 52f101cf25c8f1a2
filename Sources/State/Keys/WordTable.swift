import Arrow
import Base
import CPlatform

/// 64-bit words → slots.
///
/// Words that lie close together have a place each (`DenseWords`), others are searched by their hashes (`HashedWords`): the table
/// goes from one to the other as it sees what comes. `FixedKeyTable` makes words of a column's values; an operator may make its
/// own, of a key's slot and a window, say. One thread at a time.
public final class WordTable {
  private enum Places {
    case hashed(HashedWords)
    case dense(DenseWords)
  }

  private var places = Places.hashed(HashedWords())
  private var slots = SlotList()
  /// The word of each slot, when they are kept.
  private let words: SlotColumn<UInt64>?
  private(set) var batch: UInt32 = 0
  /// What the last `find` touched.
  public internal(set) var touched = TouchedSlots()

  /// Blocks bound how far ahead of its words the table may have to grow.
  static let blockRows = 1_024

  /// - Parameter keepingWords: whether the words of slots are kept, for `words(of:)` and `remove`.
  public init(keepingWords: Bool) { words = keepingWords ? SlotColumn(initial: 0) : nil }

  deinit {
    switch places {
    case .hashed(let words): words.deallocate()
    case .dense(let words): words.deallocate()
    }
    slots.deallocate()
  }

  /// Slots that are taken.
  public var count: Int { slots.takenCount }
  /// Slots are `0..<slotCount`; `count` of them are taken.
  public var slotCount: Int { slots.end }

  /// Bytes of memory that it holds.
  public var byteCount: Int {
    let bytes =
      switch places {
      case .hashed(let words): words.byteCount
      case .dense(let words): words.byteCount
      }
    return bytes + (words?.byteCount ?? 0) + slots.byteCount
  }

  /// Bytes beyond those that a `find` of these words takes at worst, while it grows.
  public func growth(_ words: UnsafePointer<UInt64>, count: Int) -> Int {
    let kept = self.words?.growth(to: slots.end(adding: count)) ?? 0
    switch places {
    case .hashed(let hashed):
      guard hashed.wordCount == 0 || hashed.isFull(adding: count) else { return kept }
      return kept + max(hashed.growth(count), DenseWords.largestByteCount(hashed.wordCount))
    case .dense(let dense):
      if dense.covers(words, count: count) { return kept }
      let wordCount = dense.wordCount + count
      return kept + max(HashedWords.byteCount(wordCount), DenseWords.largestByteCount(wordCount))
    }
  }

  /// Takes memory for so many words in all, most of which are about to come and lie between those that are there.
  public func reserve(wordCount: Int) {
    guard isToBeHashed(wordCount), case .hashed(var hashed) = places else { return }
    words?.reserve(wordCount)
    hashed.reserve(wordCount - hashed.wordCount)
    places = .hashed(hashed)
  }

  /// Bytes that `reserve` takes at worst, while it lasts.
  public func growth(reserving wordCount: Int) -> Int {
    guard isToBeHashed(wordCount), case .hashed(let hashed) = places else { return 0 }
    return hashed.growth(wordCount - hashed.wordCount) + (words?.growth(to: wordCount) ?? 0)
  }

  /// Words that will lie close together get their places when they are seen to do so.
  private func isToBeHashed(_ wordCount: Int) -> Bool {
    guard case .hashed(let hashed) = places, wordCount > hashed.wordCount, let (least, most) = hashed.extent else {
      return false
    }
    return WordRange(least, most, wordCount: wordCount, growsDown: false) == nil
  }

  /// Forgets all words, and keeps the memory.
  public func removeAll() {
    switch places {
    case .hashed(var words):
      words.removeAll()
      places = .hashed(words)
    case .dense(let words):
      words.deallocate()
      places = .hashed(HashedWords())
    }
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
    switch places {
    case .hashed(let hashed): hashed.lookup(words, count: count, into: slots)
    case .dense(let dense): dense.lookup(words, count: count, into: slots)
    }
  }

  /// The words of slots that are taken.
  ///
  /// - Precondition: the table was made with `keepingWords`.
  public func words(
    of slots: UnsafePointer<UInt32>, count: Int, into target: UnsafeMutablePointer<UInt64>
  ) {
    let (words, ahead) = (keptWords, HashedWords.ahead)
    for index in 0..<count {
      if index &+ ahead < count { platform_prefetch(words + Int(slots[index &+ ahead])) }
      target[index] = words[Int(slots[index])]
    }
  }

  /// Removes the words of these slots, each of which is taken and comes once.
  ///
  /// - Precondition: the table was made with `keepingWords`.
  public func remove(_ slots: UnsafePointer<UInt32>, count: Int) {
    switch places {
    case .hashed(var hashed):
      hashed.remove(slots, count: count, words: keptWords)
      hashed.shrink()
      places = .hashed(hashed)
    case .dense(var dense):
      dense.remove(slots, count: count, words: keptWords)
      places = .dense(dense)
      if dense.isSparse { crowd(dense) }
    }
    giveBack(slots, count: count)
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
      switch places {
      case .hashed(let words): words.forgetBatches()
      case .dense(let words): words.forgetBatches()
      }
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
      let rows = row..<min(row + Self.blockRows, range.upperBound)
      try reserve(words + row, rows.count)
      switch places {
      case .hashed(var hashed):
        touchedCount = hashed.find(
          words, rows, into: slots, batch: batch, slots: &self.slots, kept: self.words?.values, touched: touched,
          touchedCount: touchedCount)
        places = .hashed(hashed)
      case .dense(var dense):
        touchedCount = dense.find(
          words, rows, into: slots, batch: batch, slots: &self.slots, kept: self.words?.values, touched: touched,
          touchedCount: touchedCount)
        places = .dense(dense)
      }
      row = rows.upperBound
    }
    return touchedCount
  }

  /// A slot for something that is no word but a row of the batch that has begun.
  func takeSlot() throws(Failure) -> UInt32 {
    try checkSlots(adding: 1)
    let slot = slots.take()
    if let words { words.values[Int(slot)] = 0 }
    return slot
  }

  /// Gives slots back whose words, if they have any, are out of the entries.
  func giveBack(_ given: UnsafePointer<UInt32>, count: Int) {
    slots.giveBack(given, count: count)
    if slots.takenCount == 0 { words?.removeAll() }
  }

  private func checkSlots(adding more: Int) throws(Failure) {
    guard slots.takenCount + more < Int(UInt32.max) else {
      throw Failure(.data, "more than 4,294,967,294 keys in one subtask: raise the parallelism")
    }
  }
}

// MARK: From one to the other

extension WordTable {
  /// Makes room for words, most of which may be new.
  private func reserve(_ new: UnsafePointer<UInt64>, _ count: Int) throws(Failure) {
    try checkSlots(adding: count)
    switch places {
    case .hashed(var hashed):
      // To look at all words is worth it only when they are moved anyway.
      if hashed.wordCount == 0 || hashed.isFull(adding: count) {
        if let range = Self.range(hashed.extent, adding: new, count, wordCount: hashed.wordCount) {
          var dense = DenseWords(range)
          hashed.forEachWord { word, slot, batch in dense.insert(word, slot: slot, batch: batch) }
          hashed.deallocate()
          places = .dense(dense)
          return
        }
        hashed.reserve(count)
        places = .hashed(hashed)
      }
    case .dense(let dense):
      if dense.covers(new, count: count) { return }
      move(
        dense, to: Self.range(dense.extent, adding: new, count, wordCount: dense.wordCount, hasMoved: true),
        adding: count)
    }
  }

  /// Words in a smaller range, or hashed.
  private func crowd(_ dense: DenseWords) {
    guard let (least, most) = dense.extent else {
      dense.deallocate()
      places = .hashed(HashedWords())
      return
    }
    move(dense, to: WordRange(least, most, wordCount: dense.wordCount, growsDown: false), adding: 0)
  }

  /// - Parameter range: nil: they are hashed from now on.
  private func move(_ dense: DenseWords, to range: WordRange?, adding count: Int) {
    if let range {
      var moved = DenseWords(range)
      dense.forEachWord { word, slot, batch in moved.insert(word, slot: slot, batch: batch) }
      places = .dense(moved)
    } else {
      var moved = HashedWords(wordCount: dense.wordCount + count)
      dense.forEachWord { word, slot, batch in moved.insert(word, slot: slot, batch: batch) }
      places = .hashed(moved)
    }
    dense.deallocate()
  }

  /// The range for the words that are there and new ones.
  private static func range(
    _ extent: (least: Int64, most: Int64)?, adding new: UnsafePointer<UInt64>, _ count: Int, wordCount: Int,
    hasMoved: Bool = false
  ) -> WordRange? {
    var (least, most) = extent ?? (.max, .min)
    var newLeast = Int64.max
    for row in 0..<count {
      let word = Int64(bitPattern: new[row])
      newLeast = min(newLeast, word)
      most = max(most, word)
    }
    let growsDown = extent != nil && newLeast < least
    least = min(least, newLeast)
    return WordRange(least, most, wordCount: wordCount, growsDown: growsDown, hasMoved: hasMoved)
  }
}
