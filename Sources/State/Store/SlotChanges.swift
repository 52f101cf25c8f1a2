import Arrow
import Base

/// Which slots of what an operator keeps have changed since its changes were taken, and which have an entry in what was
/// taken.
///
/// A slot that is marked costs two bits, a row one to two nanoseconds. One that comes and goes between two takings is
/// never heard of. One thread at a time.
public final class SlotChanges {
  private let changed = SlotBits()
  private let stored = SlotBits()

  /// Slots that one call of `take`'s body has: as many rows as are copied and encoded in one piece.
  public static let blockSlots = 1 << 16

  public init() {}

  /// Bytes of memory that it holds.
  public var byteCount: Int { changed.byteCount + stored.byteCount }

  /// Bytes beyond those that growing to so many slots takes at worst.
  public func growth(to slotCount: Int) -> Int { 2 * changed.growth(to: slotCount) }

  /// The entries of these slots, all below `slotCount`, are other ones now. A slot may come more than once.
  public func mark(_ slots: UnsafePointer<UInt32>, count: Int, slotCount: Int) {
    changed.grow(to: slotCount)
    changed.insert(slots, count: count)
  }

  /// These slots, all below `slotCount`, have the entries that were restored.
  public func markStored(_ slots: UnsafePointer<UInt32>, count: Int, slotCount: Int) {
    stored.grow(to: slotCount)
    stored.insert(slots, count: count)
  }

  /// Whether the slot has an entry in what was taken or restored.
  public func isStored(_ slot: UInt32) -> Bool { stored.contains(slot) }
  /// Whether the slot has changed since.
  public func isChanged(_ slot: UInt32) -> Bool { changed.contains(slot) }

  /// Those of the slots that have changed since, in their order.
  public func changed(_ slots: UnsafePointer<UInt32>, count: Int) -> Selection {
    let indices = Buffer(byteCount: count * 4)
    let target = indices.unsafeMutableValues(UInt32.self)
    var found = 0
    for index in 0..<count {
      target[found] = slots[index]
      found &+= changed.contains(slots[index]) ? 1 : 0
    }
    return Selection(indices: indices, count: found)
  }

  /// These slots, each of which comes once, are given back: what was noted of them is forgotten.
  ///
  /// - Returns: those of them that have an entry in what was taken, in their order: these are to be removed there. Nil when there
  ///   are none.
  public func forget(_ slots: UnsafePointer<UInt32>, count: Int) -> Selection? {
    let indices = Buffer(byteCount: count * 4)
    let target = indices.unsafeMutableValues(UInt32.self)
    var found = 0
    for index in 0..<count {
      let slot = slots[index]
      target[found] = slot
      if stored.contains(slot) {
        found &+= 1
        stored.remove(slot)
      }
      changed.remove(slot)
    }
    return found == 0 ? nil : Selection(indices: indices, count: found)
  }

  /// As `forget`, of one slot: whether it has an entry in what was taken.
  public func forget(_ slot: UInt32) -> Bool {
    let isStored = stored.contains(slot)
    if isStored { stored.remove(slot) }
    changed.remove(slot)
    return isStored
  }

  /// All slots are given back, and slots may begin at 0 again.
  ///
  /// - Returns: as `forget`.
  public func forgetAll() -> Selection? {
    let all = stored.all
    stored.removeAll()
    changed.removeAll()
    return all.count == 0 ? nil : all
  }

  /// Whether no slot has changed.
  public var isEmpty: Bool { changed.isEmpty }

  /// Calls `body` with the slots that have changed, ascending, `blockSlots` at the most at a time. From here on they have an
  /// entry, and have not changed.
  public func take(_ body: (Selection) throws(Failure) -> Void) throws(Failure) {
    let slots = changed.all
    if slots.count == 0 { return }
    stored.formUnion(changed)
    changed.clear()
    try Self.forEachBlock(of: slots, body)
  }

  /// Whether so many have changed that giving the entries of all slots costs little more than those of the changed ones.
  ///
  /// The database then writes them in one piece and forgets its former files, instead of merging these later with what is new,
  /// which costs several times as much.
  public var areMost: Bool {
    let count = changed.count
    guard count >= Self.manySlots else { return false }
    return count >= stored.count / 2 + stored.count % 2
  }

  private static let manySlots = 4096

  /// As `take`, of all slots that have an entry or have changed: nothing that was there before counts any more.
  public func takeAll(_ body: (Selection) throws(Failure) -> Void) throws(Failure) {
    stored.formUnion(changed)
    changed.clear()
    try Self.forEachBlock(of: stored.all, body)
  }

  /// Calls `body` with slots in their order, `blockSlots` at the most at a time.
  public static func forEachBlock(
    of slots: Selection, _ body: (Selection) throws(Failure) -> Void
  ) throws(Failure) {
    var first = 0
    while first < slots.count {
      let count = min(blockSlots, slots.count - first)
      if count == slots.count { return try body(slots) }
      let part = Buffer(byteCount: count * 4)
      part.unsafeMutableValues(UInt32.self).update(from: slots.rows + first, count: count)
      try body(Selection(indices: part, count: count))
      first += count
    }
  }
}
