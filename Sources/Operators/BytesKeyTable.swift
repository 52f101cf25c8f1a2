import Arrow
import Base
import CPlatform
import Glibc
import Keys

/// Keys of bytes: one text column as it is, any other combination in the order-preserving encoding.
///
/// Open addressing with linear probing. An entry of 32 bytes holds the key's length and its first twelve bytes, slot and
/// touched mark, so that a short key costs one cache miss, asked for ahead of its use, and no call; the bytes of longer
/// keys lie one after the other in an arena. At most half of the entries are taken.
final class BytesKeyTable: KeyTable {
  private struct Entry {
    /// The key's length and first bytes.
    var head = KeyHead(low: 0, high: 0)
    /// Where a longer key begins in the arena.
    var start = 0
    /// Slot + 1; 0 in an empty entry.
    var slotPlusOne: UInt32 = 0
    /// The number of the last batch that touched the key.
    var batch: UInt32 = 0
  }

  private var entries: UnsafeMutablePointer<Entry>
  /// A power of two.
  private var capacity: Int
  private var arena = ByteArena()
  private(set) var count = 0
  private var batch: UInt32 = 0
  /// The slot of the null key of a single text column, and the last batch that touched it; an encoded key holds its nulls
  /// itself.
  private var nullSlot: UInt32?
  private var nullBatch: UInt32 = 0
  private(set) var touched = TouchedSlots()
  /// Heads and home places of a block of rows.
  private let block = UnsafeMutablePointer<Prepared>.allocate(capacity: blockRows)

  private struct Prepared {
    var head: KeyHead
    /// The entry that the key would have in an empty table.
    var place: Int
  }

  private static let firstCapacity = 1 << 10
  /// Blocks bound how far ahead of its keys the table may have to grow.
  private static let blockRows = 1_024

  init() {
    capacity = Self.firstCapacity
    entries = HugeMemory.allocate(Entry.self, count: capacity, repeating: Entry())
  }

  deinit {
    entries.deallocate()
    block.deallocate()
    arena.deallocate()
  }

  var byteCount: Int {
    capacity * MemoryLayout<Entry>.stride + arena.capacity + Self.blockRows * MemoryLayout<Prepared>.stride
  }

  func growth(_ keys: [Column], rowCount: Int) -> Int {
    // Encoded, a text may double and a value gets up to four bytes beside its own.
    let bytes = keys.reduce(0) { $0 + 2 * $1.byteCount + 4 * rowCount }
    var places = capacity
    while (count + rowCount) * 2 > places { places *= 2 }
    return arena.growth(by: bytes) + (places == capacity ? 0 : places * MemoryLayout<Entry>.stride)
  }

  func removeAll() {
    entries.update(repeating: Entry(), count: capacity)
    arena.removeAll()
    count = 0
    batch = 0
    nullSlot = nil
  }

  func find(_ keys: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) throws(Failure) {
    touched.begin(rowCount: rowCount)
    if batch == .max {
      for index in 0..<capacity { entries[index].batch = 0 }
      nullBatch = 0
      batch = 0
    }
    batch += 1
    let keys = try KeyColumn.plain(keys)
    if keys.count == 1, case .variable32 = keys[0].type.layout {
      let column = keys[0]
      if rowCount > 0 {
        try find(column.offsets32, column.bytes, validity: column.validity == nil ? nil : column, rowCount, slots)
      }
      withExtendedLifetime(column) {}
    } else {
      let encoded = KeyEncoding.encode(columns: keys, rows: rowCount)
      try find(encoded.offsets, encoded.bytes, validity: nil, rowCount, slots)
      withExtendedLifetime(encoded) {}
    }
  }

  private func find<Offset: FixedWidthInteger>(
    _ offsets: UnsafePointer<Offset>, _ bytes: UnsafePointer<UInt8>, validity: Column?, _ rowCount: Int,
    _ found: UnsafeMutablePointer<UInt32>
  ) throws(Failure) {
    var touchedCount = 0
    var first = 0
    let end = UnsafeRawPointer(bytes + Int(offsets[rowCount]))
    while first < rowCount {
      let rows = min(Self.blockRows, rowCount - first)
      try reserve(rows)
      prepare(offsets + first, bytes, rows, end)
      touchedCount = try probe(offsets, bytes, validity, first, rows, found, touchedCount)
      first += rows
    }
    touched.finish(count: touchedCount)
  }

  /// Reads the heads of rows `0 ..< rows` and asks for the entries that they belong to.
  private func prepare<Offset: FixedWidthInteger>(
    _ offsets: UnsafePointer<Offset>, _ bytes: UnsafePointer<UInt8>, _ rows: Int, _ end: UnsafeRawPointer
  ) {
    let shift = UInt64(64 - capacity.trailingZeroBitCount)
    for row in 0..<rows {
      let start = Int(offsets[row])
      let length = Int(offsets[row &+ 1]) &- start
      let key = UnsafeRawPointer(bytes + start)
      let head = KeyHead(key, length, end)
      let hash = length <= KeyHead.byteCount ? head.hash : XXH3.hash64(key, count: length)
      block[row] = Prepared(head: head, place: Int(truncatingIfNeeded: hash &>> shift))
    }
  }

  private func probe<Offset: FixedWidthInteger>(
    _ offsets: UnsafePointer<Offset>, _ bytes: UnsafePointer<UInt8>, _ validity: Column?, _ first: Int, _ rows: Int,
    _ found: UnsafeMutablePointer<UInt32>, _ alreadyTouched: Int
  ) throws(Failure) -> Int {
    let (entries, mask, batch) = (entries, capacity - 1, batch)
    let (touchedSlots, touchedRows) = (touched.unsafeSlots, touched.unsafeRows)
    var touchedCount = alreadyTouched
    // Far enough for a miss to memory, near enough that the lines are still in the first cache.
    let ahead = 20
    for row in 0..<min(ahead, rows) { platform_prefetch(entries + block[row].place) }
    for row in 0..<rows {
      if row &+ ahead < rows { platform_prefetch(entries + block[row &+ ahead].place) }
      let prepared = block[row]
      if let validity, !validity.isValid(first &+ row) {
        let slot = nullKeySlot()
        found[first &+ row] = slot
        touchedSlots[touchedCount] = slot
        touchedRows[touchedCount] = UInt32(truncatingIfNeeded: first &+ row)
        touchedCount &+= nullBatch == batch ? 0 : 1
        nullBatch = batch
        continue
      }
      var index = prepared.place
      while true {
        let entry = entries + index
        if entry.pointee.slotPlusOne == 0 {
          count &+= 1
          entry.pointee = Entry(
            head: prepared.head, start: arena.count, slotPlusOne: UInt32(truncatingIfNeeded: count), batch: 0)
          let length = prepared.head.length
          if length > KeyHead.byteCount { try arena.append(bytes + Int(offsets[first &+ row]), count: length) }
        } else if !entry.pointee.head.isEqual(to: prepared.head)
          || prepared.head.length > KeyHead.byteCount
            && !arena.isEqual(at: entry.pointee.start, bytes + Int(offsets[first &+ row]), prepared.head.length)
        {
          index = (index &+ 1) & mask
          continue
        }
        let slot = entry.pointee.slotPlusOne &- 1
        found[first &+ row] = slot
        // Written always, counted only when new: a branch here would be mispredicted on every other row of a small table.
        touchedSlots[touchedCount] = slot
        touchedRows[touchedCount] = UInt32(truncatingIfNeeded: first &+ row)
        touchedCount &+= entry.pointee.batch == batch ? 0 : 1
        entry.pointee.batch = batch
        break
      }
    }
    return touchedCount
  }

  private func nullKeySlot() -> UInt32 {
    if let nullSlot { return nullSlot }
    let slot = UInt32(count)
    nullSlot = slot
    nullBatch = 0
    count += 1
    return slot
  }

  /// Makes room for `more` new keys.
  private func reserve(_ more: Int) throws(Failure) {
    guard (count + more) * 2 > capacity else { return }
    guard count + more < Int(UInt32.max) else {
      throw Failure(.data, "more than 4,294,967,294 keys in one subtask: raise the parallelism")
    }
    let (former, formerCapacity) = (entries, capacity)
    while (count + more) * 2 > capacity { capacity *= 2 }
    entries = HugeMemory.allocate(Entry.self, count: capacity, repeating: Entry())
    let (mask, shift) = (capacity - 1, UInt64(64 - capacity.trailingZeroBitCount))
    for index in 0..<formerCapacity where former[index].slotPlusOne != 0 {
      let entry = former[index]
      let length = entry.head.length
      let hash = length <= KeyHead.byteCount ? entry.head.hash : arena.hash(at: entry.start, count: length)
      var place = Int(truncatingIfNeeded: hash &>> shift)
      while entries[place].slotPlusOne != 0 { place = (place + 1) & mask }
      entries[place] = entry
    }
    former.deallocate()
  }
}

/// Length and first twelve bytes of a key, in two words.
private struct KeyHead {
  /// Bytes 0 to 8, zero behind a shorter key.
  var low: UInt64
  /// Bytes 8 to 12, and above them the length.
  var high: UInt64

  /// Bytes of the key that it holds.
  static let byteCount = 12

  init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// - Parameter end: the end of the memory that may be read, which is behind the key.
  @inline(__always)  // The loop over it does little else.
  init(_ key: UnsafeRawPointer, _ length: Int, _ end: UnsafeRawPointer) {
    var words = (UInt64(0), UInt64(0))
    if key + 16 <= end {
      words.0 = UInt64(littleEndian: key.loadUnaligned(as: UInt64.self))
      words.1 = UInt64(littleEndian: key.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    } else {
      words = Self.slowly(key, length)
    }
    let lowMask: UInt64 = length >= 8 ? .max : (1 &<< UInt64(truncatingIfNeeded: 8 &* length)) &- 1
    let rest = length &- 8
    let highMask: UInt64 =
      rest >= 4 ? 0xFFFF_FFFF : rest <= 0 ? 0 : (1 &<< UInt64(truncatingIfNeeded: 8 &* rest)) &- 1
    low = words.0 & lowMask
    high = words.1 & highMask | UInt64(truncatingIfNeeded: length) &<< 32
  }

  /// Near the end of the memory.
  @inline(never)
  private static func slowly(_ key: UnsafeRawPointer, _ length: Int) -> (UInt64, UInt64) {
    var words = (UInt64(0), UInt64(0))
    withUnsafeMutableBytes(of: &words) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: key, count: min(length, 16)))
    }
    return (UInt64(littleEndian: words.0), UInt64(littleEndian: words.1))
  }

  var length: Int { Int(truncatingIfNeeded: high &>> 32) }

  /// Both words folded by a multiplication of 128 bits, whose top bits choose the place.
  @inline(__always)  // As above.
  var hash: UInt64 {
    let product = (low ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: high ^ 0xD6E8_FEB8_6659_FD93)
    return (product.high ^ product.low) &* 0x9FB2_1C65_1E98_DF25
  }

  @inline(__always)  // As above.
  func isEqual(to other: KeyHead) -> Bool { (low ^ other.low) | (high ^ other.high) == 0 }
}

/// Bytes one after the other, in memory that doubles.
private struct ByteArena {
  private var base: UnsafeMutablePointer<UInt8>?
  private(set) var count = 0
  private(set) var capacity = 0

  func deallocate() { free(base) }

  mutating func removeAll() { count = 0 }

  /// Bytes beyond those of now that appending so many takes at worst.
  func growth(by bytes: Int) -> Int { count + bytes > capacity ? grown(by: bytes) : 0 }

  private func grown(by bytes: Int) -> Int { max(count + bytes, 2 * capacity, 4_096) }

  mutating func append(_ bytes: UnsafePointer<UInt8>, count added: Int) throws(Failure) {
    if count + added > capacity {
      let wanted = grown(by: added)
      guard let grown = realloc(base, wanted) else {
        throw Failure(
          .data, "\(wanted) bytes for the keys of one subtask could not be allocated; raise the parallelism")
      }
      base = grown.bindMemory(to: UInt8.self, capacity: wanted)
      capacity = wanted
    }
    if let base { memcpy(base + count, bytes, added) }
    count += added
  }

  func isEqual(at start: Int, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard let base else { return count == 0 }
    return memcmp(base + start, bytes, count) == 0
  }

  func hash(at start: Int, count: Int) -> UInt64 {
    guard let base else { preconditionFailure("a key in the arena has bytes") }
    return XXH3.hash64(base + start, count: count)
  }
}
