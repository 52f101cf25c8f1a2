import Arrow

extension RowStore {
  /// As `match`, of each slot the row alone that was appended last.
  public func matchLast(
    _ slots: UnsafePointer<UInt32>, count: Int, cursor: inout RowCursor, limit: Int
  ) -> RowMatches {
    let indexBuffer = Buffer(byteCount: limit * 4)
    let numberBuffer = Buffer(byteCount: limit * 4)
    let indices = indexBuffer.unsafeMutableValues(UInt32.self)
    let numbers = numberBuffer.unsafeMutableValues(UInt32.self)
    var found = 0
    while cursor.index < count && found < limit {
      let slot = slots[cursor.index]
      prefetch(slots, cursor.index, count)
      if Int(slot) < ends.slotCount, ends.pointer(slot).pointee.last != Self.missing {
        indices[found] = UInt32(truncatingIfNeeded: cursor.index)
        numbers[found] = ends.pointer(slot).pointee.last
        found &+= 1
      }
      cursor.index &+= 1
    }
    if let kept = blockLimit(numbers, count: found) {
      cursor.index = Int(indices[kept])
      return RowMatches(indices: indexBuffer, numbers: numberBuffer, count: kept, isLast: false)
    }
    return RowMatches(indices: indexBuffer, numbers: numberBuffer, count: found, isLast: cursor.index >= count)
  }
}
