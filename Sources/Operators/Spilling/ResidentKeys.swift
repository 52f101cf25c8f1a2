import Arrow
import Base
import State

/// Which keys of an operator are in memory, with all that they have; the others are in its database only.
///
/// A key that a batch touches and that is not in memory is looked for in the database, with all such keys of the batch
/// in one call, and not at all while memory has all that the database has. When memory runs out, keys that were not touched for the
/// longest time, about, leave it. One thread at a time.
///
/// What was taken for an epoch is on its way into the database. Until it is there, and in the epoch, no key may leave
/// memory: one that is clean would be read as it was before, and one that has changed would be in an epoch that it does
/// not belong to. Then the operator waits, which is the same backpressure as a disk that is slow.
final class ResidentKeys {
  let database: StateDatabase
  /// Every key of the database is in memory too, so that nothing has to be looked for.
  private(set) var isWhole: Bool
  /// By slot.
  private let marks = SlotColumn<UInt8>(initial: 0)
  /// Where the next search for keys that may leave begins.
  private var hand = 0
  /// Keys that were looked for in the database, and that left memory, since the operator was made.
  private(set) var soughtCount = 0
  private(set) var evictedCount = 0

  /// The key's state is in memory.
  private static let resident: UInt8 = 1
  /// It was touched since the hand last passed.
  private static let touched: UInt8 = 2

  /// Keys that have to be looked for.
  struct Sought {
    let slots: Selection
    /// Their rows in the batch.
    let rows: Selection

    /// The slots of those that were found.
    func slots(of found: [UInt32]) -> Selection {
      let buffer = Buffer(byteCount: found.count * 4)
      let target = buffer.unsafeMutableValues(UInt32.self)
      for (index, row) in found.enumerated() { target[index] = slots.rows[Int(row)] }
      return Selection(indices: buffer, count: found.count)
    }
  }

  /// - Parameter isWhole: every key that the database has is in memory too; nil: when it has none.
  init(_ database: StateDatabase, isWhole: Bool? = nil) {
    self.database = database
    self.isWhole = isWhole ?? database.isEmpty
  }

  var byteCount: Int { marks.byteCount }
  func growth(to slotCount: Int) -> Int { marks.growth(to: slotCount) }

  /// All that the database has was brought into memory.
  func noteWhole() { isWhole = true }

  /// A batch has touched slots, each once, whose state is in memory or is brought there now.
  ///
  /// - Parameters:
  ///   - slots: UInt32 slots.
  ///   - rows: UInt32 rows of the batch, in step.
  /// - Returns: those whose state is to be brought; nil when there are none.
  func touch(_ slots: Buffer, rows: Buffer, count: Int, slotCount: Int) -> Sought? {
    marks.grow(to: slotCount)
    let (slots, rows, marks) = (slots.values(UInt32.self), rows.values(UInt32.self), marks.values)
    let missing = Buffer(byteCount: count * 4)
    let missingRows = missing.unsafeMutableValues(UInt32.self)
    let slotBuffer = Buffer(byteCount: count * 4)
    let missingSlots = slotBuffer.unsafeMutableValues(UInt32.self)
    var found = 0
    for index in 0..<count {
      let slot = slots[index]
      missingRows[found] = rows[index]
      missingSlots[found] = slot
      found &+= marks[Int(slot)] & Self.resident == 0 ? 1 : 0
      marks[Int(slot)] = Self.resident | Self.touched
    }
    if found == 0 || isWhole { return nil }
    soughtCount += found
    return Sought(
      slots: Selection(indices: slotBuffer, count: found), rows: Selection(indices: missing, count: found))
  }

  /// The state of every slot is in memory.
  func noteAll(_ slotCount: Int, isTouched: (UInt32) -> Bool) {
    marks.grow(to: slotCount)
    for slot in 0..<slotCount {
      marks.values[slot] = Self.resident | (isTouched(UInt32(truncatingIfNeeded: slot)) ? Self.touched : 0)
    }
  }

  /// Until `noteAll` it is not asked which slots are in memory.
  func forgetMarks() { marks.removeAll() }

  /// Takes memory for so many slots, which are about to come.
  func reserve(_ slotCount: Int) { marks.reserve(slotCount) }

  /// The state of these slots is in memory, and there is nothing of it in the database that is not.
  func note(_ slots: UnsafePointer<UInt32>, count: Int, slotCount: Int) {
    marks.grow(to: slotCount)
    let marks = marks.values
    for index in 0..<count { marks[Int(slots[index])] = Self.resident }
  }

  /// No key is in memory.
  func removeAll() {
    marks.removeAll()
    hand = 0
    isWhole = database.isEmpty
  }

  /// From here on what is written to the database belongs to the next epoch, and what is read is the operator's last word.
  func beginEviction() {
    database.waitUntilSettled()
    isWhole = false
  }

  /// Makes keys leave memory, those first that were not touched since they were last asked. After `beginEviction`.
  ///
  /// - Parameters:
  ///   - count: how many, of those that are there.
  ///   - leave: is given slots that leave: what has changed of them is to be written, and then forgotten.
  func evict(
    _ count: Int, _ leave: (Selection) throws(Failure) -> Void
  ) throws(Failure) {
    var wanted = count
    while wanted > 0 {
      let leaving = cold(min(wanted, SlotChanges.blockSlots))
      if leaving.count == 0 { return }
      try leave(leaving)
      evictedCount += leaving.count
      wanted -= leaving.count
    }
  }

  /// Slots of keys that are in memory, from one slot on, and the slot behind those that were looked at, which are `limit` at the
  /// most.
  func resident(from first: Int, limit: Int) -> (slots: Selection, next: Int) {
    let end = max(first, min(first + limit, marks.count))
    let buffer = Buffer(byteCount: (end - first) * 4)
    let slots = buffer.unsafeMutableValues(UInt32.self)
    var count = 0
    for slot in first..<end {
      slots[count] = UInt32(truncatingIfNeeded: slot)
      count &+= marks.values[slot] & Self.resident == 0 ? 0 : 1
    }
    return (Selection(indices: buffer, count: count), first + limit)
  }

  /// Slots of keys that leave, fewer than `limit` only when there are no more.
  private func cold(_ limit: Int) -> Selection {
    let buffer = Buffer(byteCount: limit * 4)
    let slots = buffer.unsafeMutableValues(UInt32.self)
    let (marks, end) = (marks.values, marks.count)
    var count = 0
    // Twice around: what was touched is passed over once.
    for _ in 0..<2 * end {
      if count == limit { break }
      if hand >= end { hand = 0 }
      let mark = marks[hand]
      if mark == Self.resident {
        slots[count] = UInt32(truncatingIfNeeded: hand)
        count &+= 1
        marks[hand] = 0
      } else {
        marks[hand] = mark & ~Self.touched
      }
      hand &+= 1
    }
    return Selection(indices: buffer, count: count)
  }
}
