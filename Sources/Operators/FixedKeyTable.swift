import Arrow
import Base
import CPlatform
import VolleyPlan

/// Keys of one column whose values fit a 64-bit word: open addressing with linear probing.
///
/// Key, slot and the touched mark share an entry of 16 bytes, so a row costs one cache miss, and that is asked for ahead of
/// its use. At most half of the entries are taken.
final class FixedKeyTable: KeyTable {
  private struct Entry {
    var word: UInt64
    /// Slot + 1; 0 in an empty entry.
    var slotPlusOne: UInt32
    /// The number of the last batch that touched the key.
    var batch: UInt32
  }

  private var entries: UnsafeMutablePointer<Entry>
  /// 64 - log2 of the number of entries.
  private var shift: UInt64
  private var capacity: Int { 1 << (64 - Int(shift)) }
  private(set) var count = 0
  private var batch: UInt32 = 0
  /// The slot of the null key, and the last batch that touched it.
  private var nullSlot: UInt32?
  private var nullBatch: UInt32 = 0
  private(set) var touched = TouchedSlots()

  private static let firstShift: UInt64 = 64 - 10

  init() {
    shift = Self.firstShift
    entries = HugeMemory.allocate(
      Entry.self, count: 1 << 10, repeating: Entry(word: 0, slotPlusOne: 0, batch: 0))
  }

  deinit { entries.deallocate() }

  var byteCount: Int { capacity * MemoryLayout<Entry>.stride }

  func growth(_ keys: [Column], rowCount: Int) -> Int {
    guard (count + rowCount) * 2 > capacity else { return 0 }
    var newCapacity = capacity
    while (count + rowCount) * 2 > newCapacity { newCapacity *= 2 }
    // The former entries are freed when all are in their new places.
    return newCapacity * MemoryLayout<Entry>.stride
  }

  func removeAll() {
    entries.update(repeating: Entry(word: 0, slotPlusOne: 0, batch: 0), count: capacity)
    count = 0
    batch = 0
    nullSlot = nil
  }

  func find(_ keys: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) throws(Failure) {
    beginBatch(rowCount)
    let column = keys[0]
    let words = KeyWords(column)
    defer { withExtendedLifetime(words) {} }
    var touchedCount = 0
    if column.validity == nil {
      // Blocks bound how far ahead of its keys the table may have to grow.
      var row = 0
      while row < rowCount {
        let block = min(1_024, rowCount - row)
        try reserve(block)
        touchedCount = probe(words.pointer, row, block, slots, touchedCount)
        row += block
      }
    } else {
      touchedCount = try probeNullable(column, words.pointer, rowCount, slots)
    }
    touched.finish(count: touchedCount)
  }

  private func beginBatch(_ rowCount: Int) {
    touched.begin(rowCount: rowCount)
    if batch == .max {
      for index in 0..<capacity { entries[index].batch = 0 }
      nullBatch = 0
      batch = 0
    }
    batch += 1
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

  /// Rows `first ..< first + rowCount`, none of them null. The table has room for as many new keys.
  private func probe(
    _ words: UnsafePointer<UInt64>, _ first: Int, _ rowCount: Int, _ slots: UnsafeMutablePointer<UInt32>,
    _ alreadyTouched: Int
  ) -> Int {
    let entries = entries
    let shift = shift
    let mask = capacity - 1
    let batch = batch
    let touchedSlots = touched.unsafeSlots
    let touchedRows = touched.unsafeRows
    var touchedCount = alreadyTouched
    var count = count
    let end = first + rowCount
    // Far enough for a miss to memory, near enough that the lines are still in the first cache.
    let ahead = 20
    for row in first..<min(first + ahead, end) { platform_prefetch(entries + Self.spread(words[row], shift)) }
    for row in first..<end {
      if row &+ ahead < end { platform_prefetch(entries + Self.spread(words[row &+ ahead], shift)) }
      let word = words[row]
      var index = Self.spread(word, shift)
      while true {
        let entry = entries + index
        if entry.pointee.slotPlusOne == 0 {
          count &+= 1
          entry.pointee = Entry(word: word, slotPlusOne: UInt32(truncatingIfNeeded: count), batch: 0)
        } else if entry.pointee.word != word {
          index = (index &+ 1) & mask
          continue
        }
        let slot = entry.pointee.slotPlusOne &- 1
        slots[row] = slot
        // Written always, counted only when new: a branch here would be mispredicted on every other row of a small table.
        touchedSlots[touchedCount] = slot
        touchedRows[touchedCount] = UInt32(truncatingIfNeeded: row)
        touchedCount &+= entry.pointee.batch == batch ? 0 : 1
        entry.pointee.batch = batch
        break
      }
    }
    self.count = count
    return touchedCount
  }

  /// The same with nulls, which have a slot of their own.
  private func probeNullable(
    _ column: Column, _ words: UnsafePointer<UInt64>, _ rowCount: Int, _ slots: UnsafeMutablePointer<UInt32>
  ) throws(Failure) -> Int {
    var touchedCount = 0
    for row in 0..<rowCount {
      if column.isValid(row) {
        try reserve(1)
        touchedCount = probe(words, row, 1, slots, touchedCount)
        continue
      }
      if nullSlot == nil {
        nullSlot = UInt32(count)
        nullBatch = 0
        count += 1
      }
      let slot = nullSlot ?? 0
      slots[row] = slot
      if nullBatch != batch {
        nullBatch = batch
        touched.unsafeSlots[touchedCount] = slot
        touched.unsafeRows[touchedCount] = UInt32(row)
        touchedCount += 1
      }
    }
    return touchedCount
  }

  /// Makes room for `more` new keys.
  private func reserve(_ more: Int) throws(Failure) {
    guard (count + more) * 2 > capacity else { return }
    guard count + more < Int(UInt32.max) else {
      throw Failure(.data, "more than 4,294,967,294 keys in one subtask: raise the parallelism")
    }
    var newCapacity = capacity
    while (count + more) * 2 > newCapacity { newCapacity *= 2 }
    let former = entries
    let formerCapacity = capacity
    entries = HugeMemory.allocate(
      Entry.self, count: newCapacity, repeating: Entry(word: 0, slotPlusOne: 0, batch: 0))
    shift = UInt64(64 - newCapacity.trailingZeroBitCount)
    let mask = newCapacity - 1
    for index in 0..<formerCapacity where former[index].slotPlusOne != 0 {
      var place = Self.spread(former[index].word, shift)
      while entries[place].slotPlusOne != 0 { place = (place + 1) & mask }
      entries[place] = former[index]
    }
    former.deallocate()
  }
}

/// A column's values as words that are equal just when the keys are: integers widened, -0.0 as 0.0, every NaN as one.
private final class KeyWords {
  let pointer: UnsafePointer<UInt64>
  /// Keeps the words alive: the column's own buffer, or one made here.
  private let buffer: Buffer

  init(_ column: Column) {
    if case .fixed(width: 8) = column.type.layout, column.type != .float64 {
      buffer = column.buffers[0]
      pointer = column.values(UInt64.self)
      return
    }
    buffer = Buffer(byteCount: column.length * 8)
    let words = buffer.unsafeMutableValues(UInt64.self)
    pointer = UnsafePointer(words)
    switch (column.type.layout, column.type) {
    case (.bits, _):
      for row in 0..<column.length { words[row] = column.bit(row) ? 1 : 0 }
    case (_, .float16):
      let values = column.values(Float16.self)
      for row in 0..<column.length { words[row] = Self.word(Double(values[row])) }
    case (_, .float32):
      let values = column.values(Float.self)
      for row in 0..<column.length { words[row] = Self.word(Double(values[row])) }
    case (_, .float64):
      let values = column.values(Double.self)
      for row in 0..<column.length { words[row] = Self.word(values[row]) }
    case (.fixed(width: 1), _):
      let values = column.values(UInt8.self)
      for row in 0..<column.length { words[row] = UInt64(values[row]) }
    case (.fixed(width: 2), _):
      let values = column.values(UInt16.self)
      for row in 0..<column.length { words[row] = UInt64(values[row]) }
    case (.fixed(width: 4), _):
      let values = column.values(UInt32.self)
      for row in 0..<column.length { words[row] = UInt64(values[row]) }
    default: preconditionFailure("a key of \(column.type) does not fit a word")
    }
  }

  @inline(__always)  // A part of the loops above.
  private static func word(_ value: Double) -> UInt64 {
    value == 0 ? 0 : value.isNaN ? Double.nan.bitPattern : value.bitPattern
  }
}
