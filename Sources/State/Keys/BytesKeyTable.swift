import Arrow
import Base
import CPlatform
import Keys
import VolleyPlan

/// Keys of bytes: one text column as it is, any other combination in the order-preserving encoding.
///
/// Open addressing. An entry of 32 bytes holds what is compared first of the key (`KeyHead`), slot and
/// touched mark, so that a key of up to twelve bytes costs one cache miss, asked for ahead of its use, and no call; the bytes of longer
/// keys lie one after the other in an arena, which is compacted when more than half of them are removed keys'. At most half of
/// the entries are taken.
final class BytesKeyTable: KeyTable {
  struct Entry {
    var head = KeyHead.none
    /// Where a longer key begins in the arena.
    var start = 0
    /// Slot + 1; 0 in an empty entry.
    var slotPlusOne: UInt32 = 0
    /// The number of the last batch that touched the key.
    var batch: UInt32 = 0
  }

  /// The key of a slot.
  struct Kept {
    var head = KeyHead.none
    var start = 0
  }

  struct Prepared {
    var head: KeyHead
    /// The entry that the key would have in an empty table.
    var place: Int
  }

  let types: [DataType]
  /// Whether keys are one text column as it is.
  let isText: Bool
  var entries: UnsafeMutablePointer<Entry>
  /// A power of two.
  var capacity: Int
  /// Keys in the entries.
  var keyCount = 0
  var arena = ByteArena()
  /// Bytes in the arena that no key has any more.
  var deadBytes = 0
  var slots = SlotList()
  /// The keys by slot, when they are kept.
  let kept: SlotColumn<Kept>?
  private var batch: UInt32 = 0
  /// The slot of the null key of a single text column, and the last batch that touched it; an encoded key holds its nulls
  /// itself.
  var nullSlot: UInt32?
  private var nullBatch: UInt32 = 0
  private(set) var touched = TouchedSlots()

  /// There may be a table for each window, of a few keys.
  static let firstCapacity = 1 << 4
  /// Not less is left when keys are removed: others will come.
  static let shrunkCapacity = 1 << 10
  /// Heads and home places are read for so many rows at a time.
  static let blockRows = 1_024
  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  static let ahead = 40

  init(_ types: [DataType], keepingKeys: Bool) {
    self.types = types
    isText = types.count == 1 && KeyColumn.plainType(types[0]).layout == .variable32
    capacity = Self.firstCapacity
    entries = HugeMemory.allocate(Entry.self, count: capacity, repeating: Entry())
    kept = keepingKeys ? SlotColumn(initial: Kept()) : nil
  }

  deinit {
    entries.deallocate()
    arena.deallocate()
    slots.deallocate()
  }

  var count: Int { slots.takenCount }
  var slotCount: Int { slots.end }

  var byteCount: Int {
    capacity * MemoryLayout<Entry>.stride + arena.capacity + (kept?.byteCount ?? 0) + slots.byteCount
  }

  func growth(_ keys: [Column], rowCount: Int) -> Int {
    // Encoded, a text may double and a value gets up to four bytes beside its own.
    let bytes = keys.reduce(0) { $0 + 2 * $1.byteCount + 4 * rowCount }
    // The last but one of the tables that it grows through stands beside the last one.
    let wanted = enlarged(for: rowCount)
    let entries = wanted == capacity ? 0 : wanted + (wanted / 2 == capacity ? 0 : wanted / 2)
    return arena.growth(by: bytes) + entries * MemoryLayout<Entry>.stride
      + keptGrowth(to: slots.end(adding: rowCount))
      + min(rowCount, Self.blockRows) * MemoryLayout<Prepared>.stride
  }

  func reserve(keyCount: Int) {
    let wanted = enlarged(for: keyCount - self.keyCount)
    if wanted > capacity { rebuild(capacity: wanted) }
    kept?.reserve(keyCount)
  }

  func growth(reserving keyCount: Int) -> Int {
    let wanted = enlarged(for: keyCount - self.keyCount)
    return (wanted > capacity ? wanted * MemoryLayout<Entry>.stride : 0) + (kept?.growth(to: keyCount) ?? 0)
  }

  func removeAll() {
    entries.update(repeating: Entry(), count: capacity)
    keyCount = 0
    arena.removeAll()
    deadBytes = 0
    slots.removeAll()
    batch = 0
    nullSlot = nil
    nullBatch = 0
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
    if isText {
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

  func lookup(_ keys: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) throws(Failure) {
    let keys = try KeyColumn.plain(keys)
    if isText {
      let column = keys[0]
      if rowCount > 0 { lookup(column.offsets32, column.bytes, rowCount, slots) }
      for row in 0..<rowCount where !column.isValid(row) { slots[row] = nullSlot ?? Self.missing }
    } else {
      let encoded = KeyEncoding.encode(columns: keys, rows: rowCount)
      lookup(encoded.offsets, encoded.bytes, rowCount, slots)
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
    let block = UnsafeMutablePointer<Prepared>.allocate(capacity: min(Self.blockRows, rowCount))
    defer { block.deallocate() }
    while first < rowCount {
      let rows = min(Self.blockRows, rowCount - first)
      try reserve(rows)
      prepare(block, offsets + first, bytes, rows, end)
      first += try probe(block, offsets, bytes, validity, first, rows, found, &touchedCount)
    }
    touched.finish(count: touchedCount)
  }

  /// Reads the heads of rows `0 ..< rows`.
  private func prepare<Offset: FixedWidthInteger>(
    _ block: UnsafeMutablePointer<Prepared>, _ offsets: UnsafePointer<Offset>, _ bytes: UnsafePointer<UInt8>,
    _ rows: Int, _ end: UnsafeRawPointer
  ) {
    let shift = UInt64(64 - capacity.trailingZeroBitCount)
    for row in 0..<rows {
      let start = Int(offsets[row])
      let head = KeyHead(bytes + start, Int(offsets[row &+ 1]) &- start, end)
      block[row] = Prepared(head: head, place: Int(truncatingIfNeeded: head.hash &>> shift))
    }
  }

  /// Finds rows `first ..< first + rows`, or those up to a new key for which there is no room; at least one.
  ///
  /// - Returns: how many.
  private func probe<Offset: FixedWidthInteger>(
    _ block: UnsafeMutablePointer<Prepared>, _ offsets: UnsafePointer<Offset>, _ bytes: UnsafePointer<UInt8>,
    _ validity: Column?, _ first: Int, _ rows: Int, _ found: UnsafeMutablePointer<UInt32>, _ allTouched: inout Int
  ) throws(Failure) -> Int {
    let (entries, batch, ahead) = (entries, batch, Self.ahead)
    let isLarge = capacity * MemoryLayout<Entry>.stride > HugeMemory.cachedBytes
    let probe = LineProbe(Entry.self, capacity: capacity)
    let (touchedSlots, touchedRows) = (touched.unsafeSlots, touched.unsafeRows)
    var touchedCount = allTouched
    defer { allTouched = touchedCount }
    let mostKeys = Self.mostKeys(capacity)
    for row in 0..<min(ahead, rows) { platform_prefetch_of(entries + block[row].place, isLarge) }
    for row in 0..<rows {
      if row &+ ahead < rows { platform_prefetch_of(entries + block[row &+ ahead].place, isLarge) }
      prefetchBytes(block, row &+ ahead / 2, rows)
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
          if keyCount == mostKeys { return row }
          entry.pointee = try inserted(prepared.head, bytes + Int(offsets[first &+ row]))
        } else if !entry.pointee.head.isEqual(to: prepared.head)
          || prepared.head.isLong
            && !arena.isEqual(at: entry.pointee.start, bytes + Int(offsets[first &+ row]), prepared.head.length)
        {
          index = probe.next(index, home: prepared.place)
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
    return rows
  }

  /// Asks for the bytes of the longer key of a later row, whose entry has arrived by now; it is nearly always at its home.
  @inline(__always)  // A part of loops over rows.
  private func prefetchBytes(_ block: UnsafeMutablePointer<Prepared>, _ row: Int, _ rows: Int) {
    if row < rows, block[row].head.isLong { arena.prefetch(at: entries[block[row].place].start) }
  }

  /// The entry of a new key.
  @inline(__always)  // A part of the loop above.
  private func inserted(_ head: KeyHead, _ bytes: UnsafePointer<UInt8>) throws(Failure) -> Entry {
    let start = arena.count
    if head.isLong { try arena.append(bytes, count: head.length) }
    let slot = slots.take()
    keyCount &+= 1
    if let kept { kept.values[Int(slot)] = Kept(head: head, start: start) }
    return Entry(head: head, start: start, slotPlusOne: slot &+ 1, batch: 0)
  }

  private func lookup<Offset: FixedWidthInteger>(
    _ offsets: UnsafePointer<Offset>, _ bytes: UnsafePointer<UInt8>, _ rowCount: Int,
    _ found: UnsafeMutablePointer<UInt32>
  ) {
    let (entries, ahead) = (entries, Self.ahead)
    let isLarge = capacity * MemoryLayout<Entry>.stride > HugeMemory.cachedBytes
    let probe = LineProbe(Entry.self, capacity: capacity)
    let end = UnsafeRawPointer(bytes + Int(offsets[rowCount]))
    let block = UnsafeMutablePointer<Prepared>.allocate(capacity: min(Self.blockRows, rowCount))
    defer { block.deallocate() }
    for first in stride(from: 0, to: rowCount, by: Self.blockRows) {
      let rows = min(Self.blockRows, rowCount - first)
      prepare(block, offsets + first, bytes, rows, end)
      for row in 0..<min(ahead, rows) { platform_prefetch_of(entries + block[row].place, isLarge) }
      for row in 0..<rows {
        if row &+ ahead < rows { platform_prefetch_of(entries + block[row &+ ahead].place, isLarge) }
        prefetchBytes(block, row &+ ahead / 2, rows)
        let head = block[row].head
        var index = block[row].place
        while entries[index].slotPlusOne != 0
          && (!entries[index].head.isEqual(to: head)
            || head.isLong
              && !arena.isEqual(at: entries[index].start, bytes + Int(offsets[first &+ row]), head.length))
        {
          index = probe.next(index, home: block[row].place)
        }
        // An empty entry's 0 becomes UInt32.max.
        found[first &+ row] = entries[index].slotPlusOne &- 1
      }
    }
  }

  private func nullKeySlot() -> UInt32 {
    if let nullSlot { return nullSlot }
    let slot = slots.take()
    if let kept { kept.values[Int(slot)] = Kept() }
    nullSlot = slot
    nullBatch = 0
    return slot
  }
}
