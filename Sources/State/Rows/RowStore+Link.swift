import CPlatform

extension RowStore {
  /// Puts rows at the ends of their slots' rows.
  func link(
    _ numbers: UnsafePointer<UInt32>, _ slots: UnsafePointer<UInt32>, _ times: UnsafePointer<Int64>?, _ count: Int
  ) {
    prefetchLinks(numbers, slots, 0..<min(Self.askedRows, count))
    for first in stride(from: 0, to: count, by: Self.askedRows) {
      let block = first..<min(count, first + Self.askedRows)
      prefetchLinks(numbers, slots, block.upperBound..<min(count, block.upperBound + Self.askedRows))
      prefetchLasts(slots, block)
      link(numbers, slots, times, block)
    }
  }

  private func prefetchLinks(_ numbers: UnsafePointer<UInt32>, _ slots: UnsafePointer<UInt32>, _ rows: Range<Int>) {
    let (entries, ends) = (entries.values, ends)
    for row in rows {
      platform_prefetch(ends.pointer(slots[row]))
      platform_prefetch(entries + Int(numbers[row]))
    }
  }

  private func prefetchLasts(_ slots: UnsafePointer<UInt32>, _ rows: Range<Int>) {
    let (entries, ends) = (entries.values, ends)
    let slotCount = ends.slotCount
    for row in rows {
      precondition(Int(slots[row]) < slotCount, "rows are appended to slots that the store has grown to")
      let last = ends.pointer(slots[row]).pointee.last
      if last != Self.missing { platform_prefetch(entries + Int(last)) }
    }
  }

  private func link(
    _ numbers: UnsafePointer<UInt32>, _ slots: UnsafePointer<UInt32>, _ times: UnsafePointer<Int64>?,
    _ rows: Range<Int>
  ) {
    let (entries, ends) = (entries.values, ends)
    for row in rows {
      let (number, slot) = (numbers[row], slots[row])
      let entry = entries + Int(number)
      let own = ends.pointer(slot)
      let last = own.pointee.last
      entry.pointee = Entry(
        address: scratch.addresses[row], time: times?[row] ?? 0, next: Self.missing, previous: last,
        slot: slot, state: (entry.pointee.state | Entry.markBit) &+ 1)
      own.pointee.last = number
      if last == Self.missing { own.pointee.first = number } else { entries[Int(last)].next = number }
      expiry?.push(Timer(time: entry.pointee.time, slot: number, tag: entry.pointee.state))
    }
  }
}
