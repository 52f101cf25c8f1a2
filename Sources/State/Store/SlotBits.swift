import Arrow
import Base

/// A set of slots, as bits, with a bit more for each 64 of them: few slots of many are found without a walk over all.
struct SlotBits {
  /// Bit s of word w: slot 64 w + s.
  private let words = SlotColumn<UInt64>(initial: 0)
  /// Bit w of group g: word 64 g + w is not 0.
  private let groups = SlotColumn<UInt64>(initial: 0)

  /// Bytes of memory that it holds.
  var byteCount: Int { words.byteCount + groups.byteCount }

  /// Bytes beyond those that growing to so many slots takes at worst.
  func growth(to slotCount: Int) -> Int {
    words.growth(to: (slotCount + 63) >> 6) + groups.growth(to: (slotCount + 4_095) >> 12)
  }

  func grow(to slotCount: Int) {
    words.grow(to: (slotCount + 63) >> 6)
    groups.grow(to: (slotCount + 4_095) >> 12)
  }

  /// - Precondition: the slots are below what it has grown to.
  func insert(_ slots: UnsafePointer<UInt32>, count: Int) {
    let (words, groups) = (words.values, groups.values)
    for index in 0..<count {
      let slot = Int(slots[index])
      let former = words[slot &>> 6]
      words[slot &>> 6] = former | 1 &<< UInt64(truncatingIfNeeded: slot & 63)
      // A word that has slots has its bit. Most have, or most have not: the branch is foreseen.
      if former == 0 { groups[slot &>> 12] |= 1 &<< UInt64(truncatingIfNeeded: (slot &>> 6) & 63) }
    }
  }

  func contains(_ slot: UInt32) -> Bool {
    let word = Int(slot >> 6)
    return word < words.count && words.values[word] >> UInt64(slot & 63) & 1 == 1
  }

  /// The bit of the slot's word among its group's stays: it says where something may be.
  func remove(_ slot: UInt32) {
    let word = Int(slot >> 6)
    if word < words.count { words.values[word] &= ~(1 << UInt64(slot & 63)) }
  }

  /// Forgets all slots. What it has grown to has to be said anew.
  func removeAll() {
    words.removeAll()
    groups.removeAll()
  }

  var isEmpty: Bool {
    var found = false
    forEachWord { _, bits in found = found || bits != 0 }
    return !found
  }

  /// Words that may have slots, in their order, and their bits.
  @inline(__always)  // The closure becomes a part of the loop.
  func forEachWord(_ body: (_ word: Int, _ bits: UInt64) -> Void) {
    for group in 0..<groups.count {
      var rest = groups.values[group]
      while rest != 0 {
        let word = group << 6 | rest.trailingZeroBitCount
        rest &= rest - 1
        body(word, words.values[word])
      }
    }
  }

  /// How many slots there are.
  var count: Int {
    var count = 0
    forEachWord { _, bits in count += bits.nonzeroBitCount }
    return count
  }

  /// All slots, ascending.
  var all: Selection {
    let total = count
    let indices = Buffer(byteCount: total * 4)
    let target = indices.unsafeMutableValues(UInt32.self)
    var found = 0
    forEachWord { word, bits in
      var rest = bits
      while rest != 0 {
        target[found] = UInt32(truncatingIfNeeded: word << 6 | rest.trailingZeroBitCount)
        found &+= 1
        rest &= rest &- 1
      }
    }
    return Selection(indices: indices, count: total)
  }

  /// Takes all slots of another set in.
  func formUnion(_ other: SlotBits) {
    words.grow(to: other.words.count)
    groups.grow(to: other.groups.count)
    other.forEachWord { word, bits in
      guard bits != 0 else { return }
      words.values[word] |= bits
      groups.values[word >> 6] |= 1 << UInt64(word & 63)
    }
  }

  /// Forgets all slots and stays as large as it is.
  func clear() {
    forEachWord { word, _ in words.values[word] = 0 }
    groups.values.update(repeating: 0, count: groups.count)
  }
}
