import Arrow
import Base
import CPlatform
import Glibc
import Keys

/// Keys of bytes: one text column as it is, any other combination in the order-preserving encoding.
///
/// Open addressing over entries of hash tag and slot; the keys' bytes lie one after the other in an arena.
final class BytesKeyTable: KeyTable {
  private struct Entry {
    /// The hash's lower half: an entry of another key is told by it, but for one in four billion, without reading the key. The
    /// place in the table is made of the upper half, because the lower one chose the subtask and is much the same here.
    var tag: UInt32
    /// Slot + 1; 0 in an empty entry.
    var slotPlusOne: UInt32
  }

  private struct Slot {
    /// Where the key's bytes begin in the arena.
    var start: Int
    var length: UInt32
    /// The number of the last batch that touched the key.
    var batch: UInt32
    var hash: UInt64
  }

  private var entries: [Entry]
  private var slots: [Slot] = []
  private var arena: [UInt8] = []
  private var batch: UInt32 = 0
  /// The slot of the null key of a single text column; an encoded key holds its nulls itself.
  private var nullSlot: UInt32?
  private(set) var touched = TouchedSlots()

  init() { entries = Self.emptyEntries(1 << 10) }

  var count: Int { slots.count }

  private static func emptyEntries(_ count: Int) -> [Entry] {
    [Entry](repeating: Entry(tag: 0, slotPlusOne: 0), count: count)
  }

  var byteCount: Int {
    entries.capacity * MemoryLayout<Entry>.stride + slots.capacity * MemoryLayout<Slot>.stride + arena.capacity
  }

  func growth(_ keys: [Column], rowCount: Int) -> Int {
    func growth(_ count: Int, _ capacity: Int, _ stride: Int) -> Int {
      // An array doubles, and the former one is freed when it has been copied.
      count > capacity ? max(count, 2 * capacity) * stride : 0
    }
    // Encoded, a text may double and a value gets up to four bytes beside its own.
    let bytes = keys.reduce(0) { $0 + 2 * $1.byteCount + 4 * rowCount }
    var places = entries.count
    while (slots.count + rowCount) * 2 >= places { places *= 2 }
    return growth(slots.count + rowCount, slots.capacity, MemoryLayout<Slot>.stride)
      + growth(arena.count + bytes, arena.capacity, 1)
      + (places == entries.count ? 0 : places * MemoryLayout<Entry>.stride)
  }

  func removeAll() {
    entries = Self.emptyEntries(entries.count)
    slots.removeAll(keepingCapacity: true)
    arena.removeAll(keepingCapacity: true)
    nullSlot = nil
    batch = 0
  }

  func find(_ keys: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) throws(Failure) {
    touched.begin(rowCount: rowCount)
    if batch == .max {
      for index in self.slots.indices { self.slots[index].batch = 0 }
      batch = 0
    }
    batch += 1
    let keys = try KeyColumn.plain(keys)
    if keys.count == 1, case .variable32 = keys[0].type.layout {
      let column = keys[0]
      try find(column.offsets32, column.bytes, validity: column.validity == nil ? nil : column, rowCount, slots)
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
    let hashes = Buffer(byteCount: rowCount * 8)
    let hash = hashes.unsafeMutableValues(UInt64.self)
    for row in 0..<rowCount {
      let start = Int(offsets[row])
      hash[row] = XXH3.hash64(bytes + start, count: Int(offsets[row + 1]) - start)
    }
    var touchedCount = 0
    let ahead = 16
    for row in 0..<rowCount {
      if slots.count * 2 >= entries.count { grow() }
      if row + ahead < rowCount {
        entries.withUnsafeBufferPointer {
          platform_prefetch($0.baseAddress! + place(hash[row + ahead]))  // never empty
        }
      }
      let slot: UInt32
      if let validity, !validity.isValid(row) {
        slot = try nullKeySlot()
      } else {
        let start = Int(offsets[row])
        slot = try find(hash[row], bytes + start, Int(offsets[row + 1]) - start)
      }
      found[row] = slot
      if slots[Int(slot)].batch != batch {
        slots[Int(slot)].batch = batch
        touched.unsafeSlots[touchedCount] = slot
        touched.unsafeRows[touchedCount] = UInt32(truncatingIfNeeded: row)
        touchedCount += 1
      }
    }
    touched.finish(count: touchedCount)
  }

  private func nullKeySlot() throws(Failure) -> UInt32 {
    if let nullSlot { return nullSlot }
    let slot = try append(Slot(start: arena.count, length: 0, batch: 0, hash: 0))
    nullSlot = slot
    return slot
  }

  private func find(_ hash: UInt64, _ key: UnsafePointer<UInt8>, _ length: Int) throws(Failure) -> UInt32 {
    let mask = entries.count - 1
    let tag = UInt32(truncatingIfNeeded: hash)
    var index = place(hash)
    while entries[index].slotPlusOne != 0 {
      let slot = entries[index].slotPlusOne - 1
      if entries[index].tag == tag, equal(slots[Int(slot)], key, length) { return slot }
      index = (index + 1) & mask
    }
    let slot = try append(Slot(start: arena.count, length: UInt32(length), batch: 0, hash: hash))
    arena.append(contentsOf: UnsafeBufferPointer(start: key, count: length))
    entries[index] = Entry(tag: tag, slotPlusOne: slot + 1)
    return slot
  }

  private func place(_ hash: UInt64) -> Int { Int(hash >> UInt64(64 - entries.count.trailingZeroBitCount)) }

  private func equal(_ slot: Slot, _ key: UnsafePointer<UInt8>, _ length: Int) -> Bool {
    guard Int(slot.length) == length else { return false }
    return arena.withUnsafeBufferPointer { arena in
      length == 0 || memcmp(arena.baseAddress! + slot.start, key, length) == 0  // not empty when length > 0
    }
  }

  private func append(_ slot: Slot) throws(Failure) -> UInt32 {
    guard slots.count < Int(UInt32.max) - 1 else {
      throw Failure(.data, "more than 4,294,967,294 keys in one subtask: raise the parallelism")
    }
    slots.append(slot)
    return UInt32(slots.count - 1)
  }

  private func grow() {
    entries = Self.emptyEntries(entries.count * 2)
    let mask = entries.count - 1
    for (number, slot) in slots.enumerated() where nullSlot != UInt32(number) {
      var index = place(slot.hash)
      while entries[index].slotPlusOne != 0 { index = (index + 1) & mask }
      entries[index] = Entry(tag: UInt32(truncatingIfNeeded: slot.hash), slotPlusOne: UInt32(number) + 1)
    }
  }
}
