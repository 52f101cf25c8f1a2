import Arrow
import Base

/// Which slots have had a value. Once all have, marking costs nothing.
///
/// A bit each: the marks of ten million slots stay in the caches near a core.
struct SlotMarks {
  private var marks = SlotStates<UInt8>(initial: 0)
  private(set) var count = 0
  private var unmarked = 0

  mutating func grow(to newCount: Int) throws(Failure) {
    guard newCount > count else { return }
    try marks.grow(to: (newCount + 7) / 8)
    unmarked += newCount - count
    count = newCount
  }

  mutating func reserve(_ slotCount: Int) throws(Failure) { try marks.reserve((slotCount + 7) / 8) }

  mutating func removeAll() {
    marks.removeAll()
    count = 0
    unmarked = 0
  }

  func deallocate() { marks.deallocate() }

  var byteCount: Int { marks.byteCount }

  /// These slots have had no value again.
  mutating func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    let base = marks.base
    var found = 0
    for row in 0..<count {
      let (mark, bit) = Self.place(slots[row], base)
      // A slot that had none is among the unmarked already.
      found &+= mark.pointee & bit == 0 ? 0 : 1
      mark.pointee &= ~bit
    }
    unmarked += found
  }

  /// The slots of the valid rows have had a value.
  mutating func mark(_ slots: UnsafePointer<UInt32>, count: Int, validity: Bits?) {
    guard unmarked > 0 else { return }
    let base = marks.base
    var found = 0
    guard let validity else {
      for row in 0..<count {
        let (mark, bit) = Self.place(slots[row], base)
        found &+= mark.pointee & bit == 0 ? 1 : 0
        mark.pointee |= bit
      }
      unmarked -= found
      return
    }
    for start in stride(from: 0, to: count, by: 64) {
      var word = validity.word(start, min(64, count &- start))
      while word != 0 {
        let (mark, bit) = Self.place(slots[start &+ word.trailingZeroBitCount], base)
        found &+= mark.pointee & bit == 0 ? 1 : 0
        mark.pointee |= bit
        word &= word &- 1
      }
    }
    unmarked -= found
  }

  /// As `mark`; gives which rows' slots have had a value by then, nil when all have.
  mutating func markRunning(_ slots: UnsafePointer<UInt32>, count: Int, validity: Bits?) -> Buffer? {
    guard unmarked > 0 else { return nil }
    guard let validity else {
      mark(slots, count: count, validity: nil)
      return nil
    }
    let base = marks.base
    var found = 0
    let bits = Words(count: count) { start, rows in
      let valid = validity.word(start, rows)
      var word: UInt64 = 0
      for index in 0..<rows {
        let (mark, bit) = Self.place(slots[start &+ index], base)
        let shift = UInt64(truncatingIfNeeded: index)
        let new = (valid &>> shift) & 1 == 1 ? bit : 0
        found &+= new & ~mark.pointee == 0 ? 0 : 1
        mark.pointee |= new
        word |= (mark.pointee & bit == 0 ? 0 : 1) &<< shift
      }
      return word
    }
    unmarked -= found
    return bits.buffer
  }

  /// The validity of a column of these slots' values; nil when all have had one.
  func validity(_ slots: UnsafePointer<UInt32>, count: Int) -> Buffer? {
    guard unmarked > 0 else { return nil }
    let base = marks.base
    return Words(count: count) { start, rows in
      var word: UInt64 = 0
      for index in 0..<rows {
        let (mark, bit) = Self.place(slots[start &+ index], base)
        word |= (mark.pointee & bit == 0 ? 0 : 1) &<< UInt64(truncatingIfNeeded: index)
      }
      return word
    }.buffer
  }

  @inline(__always)  // Three instructions of each row.
  private static func place(
    _ slot: UInt32, _ base: UnsafeMutablePointer<UInt8>
  ) -> (mark: UnsafeMutablePointer<UInt8>, bit: UInt8) {
    (base + Int(slot &>> 3), 1 &<< UInt8(truncatingIfNeeded: slot & 7))
  }
}
