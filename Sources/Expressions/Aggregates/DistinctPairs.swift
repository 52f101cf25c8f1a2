import Base
import Keys

/// A set of pairs of a slot and a key: which keys each slot has. A hash table of entries, those of one slot linked.
struct DistinctPairs {
  private struct Entry {
    var key: Int64
    var slot: UInt32
    /// The slot's entry before this one, plus 1; 0 for none.
    var next: UInt32
  }

  private var entries = SlotStates<Entry>(initial: Entry(key: 0, slot: 0, next: 0))
  /// Entries by place, plus 1; 0 for an empty place. Never more than half full.
  private var table = SlotStates<UInt32>(initial: 0)

  private static let leastTable = 64

  var byteCount: Int { entries.byteCount + table.byteCount }

  func deallocate() {
    entries.deallocate()
    table.deallocate()
  }

  mutating func removeAll() {
    entries.removeAll()
    table.base.update(repeating: 0, count: table.count)
  }

  /// Adds a pair unless it is there; tells whether it was not.
  ///
  /// - Parameter head: the slot's latest entry, plus 1, 0 at first.
  mutating func insert(_ slot: UInt32, _ key: Int64, head: inout UInt32) throws(Failure) -> Bool {
    if entries.count * 2 >= table.count { try growTable() }
    var place = place(slot, key)
    while table.base[place] != 0 {
      let entry = entries.base + Int(table.base[place] - 1)
      if entry.pointee.key == key, entry.pointee.slot == slot { return false }
      place = (place + 1) & (table.count - 1)
    }
    guard entries.count < Int(UInt32.max) - 1 else {
      throw Failure(
        .data,
        "count_distinct: more than 4,294,967,294 different values in one subtask; raise the parallelism, or use "
          + "approx_count_distinct")
    }
    try entries.append(Entry(key: key, slot: slot, next: head))
    head = UInt32(entries.count)
    table.base[place] = head
    return true
  }

  private func place(_ slot: UInt32, _ key: Int64) -> Int {
    let mixed = XXH3.hash64(UInt64(bitPattern: key) ^ (UInt64(slot) &* 0x9E37_79B9_7F4A_7C15))
    return Int(truncatingIfNeeded: mixed) & (table.count - 1)
  }

  private mutating func growTable() throws(Failure) {
    let wanted = max(Self.leastTable, table.count * 2)
    try table.grow(to: wanted)
    table.base.update(repeating: 0, count: wanted)
    for index in 0..<entries.count {
      let entry = entries.base[index]
      var place = place(entry.slot, entry.key)
      while table.base[place] != 0 { place = (place + 1) & (wanted - 1) }
      table.base[place] = UInt32(index + 1)
    }
  }

  /// The keys of a slot, written from `target` on, the latest first.
  func keys(from head: UInt32, to target: UnsafeMutablePointer<Int64>) {
    var (entry, index) = (head, 0)
    while entry != 0 {
      target[index] = entries.base[Int(entry - 1)].key
      entry = entries.base[Int(entry - 1)].next
      index += 1
    }
  }
}
