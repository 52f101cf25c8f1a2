import Arrow
import Base

/// Which slots have had a value. Once all have, marking costs nothing.
struct SlotMarks {
  private var marks = SlotStates<UInt8>(initial: 0)
  private var unmarked = 0

  mutating func grow(to count: Int) throws(Failure) {
    let added = max(0, count - marks.count)
    try marks.grow(to: count)
    unmarked += added
  }

  mutating func removeAll() {
    marks.removeAll()
    unmarked = 0
  }

  /// These slots have had no value again.
  mutating func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    var found = 0
    marks.forEach(slots, count: count, validity: nil) { mark, _ in
      // A slot that had none is among the unmarked already.
      found &+= Int(mark.pointee)
      mark.pointee = 0
    }
    unmarked += found
  }

  func deallocate() { marks.deallocate() }

  var count: Int { marks.count }
  var byteCount: Int { marks.byteCount }

  /// The slots of the valid rows have had a value.
  mutating func mark(_ slots: UnsafePointer<UInt32>, count: Int, validity: Bits?) {
    guard unmarked > 0 else { return }
    var found = 0
    marks.forEach(slots, count: count, validity: validity) { mark, _ in
      found &+= Int(1 &- mark.pointee)
      mark.pointee = 1
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
    var found = 0
    let bits = marks.runningBits(slots, count: count, validity: validity) { mark, _, isValid in
      let new: UInt8 = isValid ? 1 : 0
      found &+= Int(new & ~mark.pointee)
      mark.pointee |= new
      return mark.pointee == 1
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
      for bit in 0..<rows {
        word |= UInt64(base[Int(slots[start &+ bit])]) &<< UInt64(truncatingIfNeeded: bit)
      }
      return word
    }.buffer
  }
}
