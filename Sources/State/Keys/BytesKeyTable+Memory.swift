import Base
import CPlatform

/// Growing, removing and shrinking.
extension BytesKeyTable {
  func enlarged(for more: Int) -> Int {
    var wanted = capacity
    while keyCount + more > Self.mostKeys(wanted) { wanted *= 2 }
    return wanted
  }

  /// How many keys are searched quickly in so many entries: half as many, and where memory is no matter an eighth. With 20 or 100
  /// keys in a table that is nearly half full a row takes 8.5 and 9.7 ns, and 6.8 in one that is nearly empty.
  static func mostKeys(_ capacity: Int) -> Int {
    capacity < 2_048 ? capacity / 8 : capacity <= 4_096 ? capacity / 4 : capacity / 2
  }

  /// Bytes that the keys by slot take at worst beyond those of now, while they grow step by step.
  func keptGrowth(to slotCount: Int) -> Int {
    guard let kept, kept.growth(to: slotCount) > 0 else { return 0 }
    return kept.growth(to: 2 * slotCount)
  }

  /// Makes room for a new key, and as a rule for some; there is none where all of `more` rows have a new one.
  func reserve(_ more: Int) throws(Failure) {
    guard slots.takenCount + more < Int(UInt32.max) else {
      throw Failure(.data, "more than 4,294,967,294 keys in one subtask: raise the parallelism")
    }
    // A table that is full doubles however many rows are left, since they may all be of keys that are there.
    if keyCount >= Self.mostKeys(capacity) { rebuild(capacity: enlarged(for: 1)) }
    // The null key has a slot and no entry.
    kept?.grow(to: slots.end(adding: min(more, Self.mostKeys(capacity) - keyCount + 1)))
  }

  func rebuild(capacity newCapacity: Int) {
    let (former, formerCapacity) = (entries, capacity)
    capacity = newCapacity
    entries = HugeMemory.allocate(Entry.self, count: newCapacity, repeating: Entry())
    let (probe, shift) = (LineProbe(Entry.self, capacity: capacity), UInt64(64 - capacity.trailingZeroBitCount))
    for index in 0..<formerCapacity where former[index].slotPlusOne != 0 {
      let home = Int(truncatingIfNeeded: former[index].head.hash &>> shift)
      var place = home
      while entries[place].slotPlusOne != 0 { place = probe.next(place, home: home) }
      entries[place] = former[index]
    }
    former.deallocate()
  }

  func remove(_ removed: UnsafePointer<UInt32>, count: Int) {
    guard let kept = kept?.values else { preconditionFailure("a table that keys are removed from keeps them") }
    let (entries, probe) = (entries, LineProbe(Entry.self, capacity: capacity))
    let (shift, ahead) = (UInt64(64 - capacity.trailingZeroBitCount), Self.ahead)
    for index in 0..<count {
      if index &+ 2 &* ahead < count { platform_prefetch(kept + Int(removed[index &+ 2 &* ahead])) }
      if index &+ ahead < count {
        let head = kept[Int(removed[index &+ ahead])].head
        platform_prefetch(entries + Int(truncatingIfNeeded: head.hash &>> shift))
      }
      let slot = removed[index]
      if slot == nullSlot {
        nullSlot = nil
        continue
      }
      let head = kept[Int(slot)].head
      if head.isLong { deadBytes += head.length }
      let home = Int(truncatingIfNeeded: head.hash &>> shift)
      var place = home
      while entries[place].slotPlusOne != slot &+ 1 {
        precondition(entries[place].slotPlusOne != 0, "a slot that is removed has a key")
        place = probe.next(place, home: home)
      }
      keyCount -= 1
      let hole = probe.close(place) {
        entries[$0].slotPlusOne == 0 ? nil : Int(truncatingIfNeeded: entries[$0].head.hash &>> shift)
      } move: {
        entries[$1] = entries[$0]
      }
      entries[hole].slotPlusOne = 0
    }
    slots.giveBack(removed, count: count)
    shrink()
  }

  /// Gives memory back that too few keys are left for, which would also take time to walk over.
  private func shrink() {
    if slots.takenCount == 0 { kept?.removeAll() }
    if capacity > Self.shrunkCapacity, keyCount * 16 < capacity {
      var wanted = Self.shrunkCapacity
      while keyCount * 2 > Self.mostKeys(wanted) { wanted *= 2 }
      if wanted < capacity { rebuild(capacity: wanted) }
    }
    if deadBytes > max(arena.count / 2, 64 << 10) { compactArena() }
  }

  /// Copies the bytes of the keys that are there into an arena of their own.
  private func compactArena() {
    let live = arena.count - deadBytes
    var compacted = ByteArena(capacity: live)
    // Without memory for a copy, all of it stays.
    guard let kept, compacted.capacity >= live else { return }
    for index in 0..<capacity where entries[index].slotPlusOne != 0 && entries[index].head.isLong {
      let start = compacted.append(from: arena, at: entries[index].start, count: entries[index].head.length)
      entries[index].start = start
      kept.values[Int(entries[index].slotPlusOne) - 1].start = start
    }
    arena.deallocate()
    arena = compacted
    deadBytes = 0
  }
}
