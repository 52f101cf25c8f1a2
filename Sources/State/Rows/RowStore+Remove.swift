import CPlatform

extension RowStore {
  /// Removes rows, each named once.
  ///
  /// - Returns: the slots that have no row any more because of it, each once.
  @discardableResult
  public func remove(_ numbers: UnsafePointer<UInt32>, count: Int) -> [UInt32] {
    var emptied: [UInt32] = []
    notes?.remove(numbers, count: count, entries.values)
    prefetchEntries(numbers, 0..<min(Self.askedRows, count))
    for first in stride(from: 0, to: count, by: Self.askedRows) {
      let block = first..<min(count, first + Self.askedRows)
      prefetchEntries(numbers, block.upperBound..<min(count, block.upperBound + Self.askedRows))
      prefetchRemovals(numbers, block)
      remove(numbers, block, &emptied)
    }
    compact()
    return emptied
  }

  private func prefetchEntries(_ numbers: UnsafePointer<UInt32>, _ rows: Range<Int>) {
    let entries = entries.values
    for row in rows { platform_prefetch(entries + Int(numbers[row])) }
  }

  private func prefetchRemovals(_ numbers: UnsafePointer<UInt32>, _ rows: Range<Int>) {
    let (entries, ends) = (entries.values, ends)
    for row in rows {
      let entry = entries + Int(numbers[row])
      if let address = entry.pointee.address { pages.prefetch(address) }
      platform_prefetch(ends.pointer(entry.pointee.slot))
    }
    // The neighbours of those that are not their slots' first ones.
    for row in rows {
      let entry = entries + Int(numbers[row])
      guard ends.pointer(entry.pointee.slot).pointee.first != numbers[row] else { continue }
      platform_prefetch(entries + Int(entry.pointee.previous))
      if entry.pointee.next != Self.missing { platform_prefetch(entries + Int(entry.pointee.next)) }
    }
  }

  private func remove(_ numbers: UnsafePointer<UInt32>, _ rows: Range<Int>, _ emptied: inout [UInt32]) {
    let (entries, ends) = (entries.values, ends)
    for row in rows {
      let number = numbers[row]
      let entry = entries + Int(number)
      guard let address = entry.pointee.address else { preconditionFailure("a row is removed once") }
      pages.remove(address)
      let (slot, next) = (entry.pointee.slot, entry.pointee.next)
      let own = ends.pointer(slot)
      // Most rows go from the front. The row behind the first one is not looked at then: it is the first now, whatever is before it.
      let isFirst = own.pointee.first == number
      let previous = isFirst ? Self.missing : entry.pointee.previous
      if isFirst { own.pointee.first = next } else { entries[Int(previous)].next = next }
      if next == Self.missing {
        own.pointee.last = previous
      } else if !isFirst {
        entries[Int(next)].previous = previous
      }
      if own.pointee.first == Self.missing { emptied.append(slot) }
      free(number, entry)
    }
  }

  /// A number goes to a later row.
  @inline(__always)  // Four stores in loops over rows.
  private func free(_ number: UInt32, _ entry: UnsafeMutablePointer<Entry>) {
    entry.pointee.address = nil
    entry.pointee.next = firstFree
    firstFree = number
    freeCount &+= 1
  }

  /// Removes all rows of slots; a slot may come more than once.
  public func remove(rowsOf slots: UnsafePointer<UInt32>, count: Int) {
    var noted: [UInt32] = []
    for index in 0..<count {
      prefetch(slots, index, count)
      var number = first(of: slots[index])
      if number == Self.missing { continue }
      ends.pointer(slots[index]).pointee = RowEnds.Ends()
      while number != Self.missing {
        let entry = entries.values + Int(number)
        guard let address = entry.pointee.address else { preconditionFailure("the rows of a slot are there") }
        let next = entry.pointee.next
        if notes != nil { noted.append(number) }
        pages.remove(address)
        free(number, entry)
        number = next
      }
    }
    notes?.remove(noted, count: noted.count, entries.values)
    compact()
  }

  /// The next rows whose time is before `time`, by their times, at most `limit`; empty when there is none. Call it until it gives none.
  ///
  /// The rows stay until the caller has read and removed them; each is named once. A time before the last one counts as that one.
  ///
  /// - Precondition: the store was made with `expiring`.
  public func popExpired(before time: Int64, limit: Int = 8_192) -> [UInt32] {
    guard let expiry else { preconditionFailure("a store whose rows expire is made so") }
    guard time > .min else { return [] }
    let entries = entries.values
    while true {
      let timers = expiry.pop(upTo: time - 1, limit: limit)
      if timers.isEmpty { return [] }
      var numbers: [UInt32] = []
      numbers.reserveCapacity(timers.count)
      for index in timers.indices {
        if index &+ Self.ahead < timers.count {
          platform_prefetch(entries + Int(timers[index &+ Self.ahead].slot))
        }
        if isCurrent(timers[index], entries) { numbers.append(timers[index].slot) }
      }
      if !numbers.isEmpty { return numbers }
    }
  }

  /// No row's time is before this; nil when there is none, or rows do not expire. The time of a removed row may still count.
  public var earliestTime: Int64? { rowCount == 0 ? nil : expiry?.nextTime }

  /// Whether the row that a timer was set for is there.
  @inline(__always)  // A few instructions in loops over timers.
  private func isCurrent(_ timer: Timer, _ entries: UnsafePointer<Entry>) -> Bool {
    let entry = entries + Int(timer.slot)
    return entry.pointee.address != nil && entry.pointee.state & ~Entry.markBit == timer.tag
  }

  /// Drops what is kept of removed rows once it is more than what is kept of the others.
  private func compact() {
    if rowCount == 0 { largestRow = 1 }
    let entries = entries.values
    pages.compact { entries[Int($0)].address = $1 }
    if rowCount == 0, self.entries.count > 4_096 {
      self.entries.removeAll()
      firstFree = Self.missing
      freeCount = 0
      expiry?.removeAll()
      return
    }
    guard let expiry, expiry.count > 2 * rowCount + 4_096 else { return }
    expiry.filter { timers, count in
      var kept = 0
      for index in 0..<count { platform_prefetch(entries + Int(timers[index].slot)) }
      for index in 0..<count where isCurrent(timers[index], entries) {
        timers[kept] = timers[index]
        kept &+= 1
      }
      return kept
    }
  }
}
