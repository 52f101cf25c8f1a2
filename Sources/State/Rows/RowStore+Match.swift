import Arrow
import CPlatform

/// How far a search for the rows of slots has come.
public struct RowCursor: Sendable {
  /// Of the slots, the one whose rows are next.
  var index = 0
  /// The next row of that slot; none when it is its first.
  var number = RowStore.missing

  public init() {}
}

/// Pairs of what was asked for and a row that was found.
public struct RowMatches: Sendable {
  /// UInt32: of each pair, which of the slots that were asked for it belongs to.
  public let indices: Buffer
  /// UInt32: the row's number.
  public let numbers: Buffer
  public let count: Int
  /// Whether the cursor has come to the end: no row follows. A search may also end with none at all.
  public let isLast: Bool
}

extension RowStore {
  /// Bytes of rows that are read together: far less than the 2 GiB that the text of a column may take.
  static let blockBytes = 16 << 20

  /// Of so many rows, or repetitions of rows, those that may be read together whichever they are, at least one.
  public func blockRows(_ limit: Int) -> Int { max(1, min(limit, Self.blockBytes / largestRow)) }

  /// The next rows of slots, at most `limit`, and fewer where they are large: by the slots that are asked for, then in
  /// the order in which they were appended. Call it with one cursor until it gives none; between two calls no row is
  /// removed.
  ///
  /// - Parameters:
  ///   - slots: any, also more than once; one that the store has not grown to has no rows, nor has `UInt32.max`.
  ///   - lows, highs: by slot asked for, the earliest and the latest time of its rows; nil: all.
  public func match(
    _ slots: UnsafePointer<UInt32>, count: Int, from lows: UnsafePointer<Int64>? = nil,
    to highs: UnsafePointer<Int64>? = nil, cursor: inout RowCursor, limit: Int
  ) -> RowMatches {
    let indexBuffer = Buffer(byteCount: limit * 4)
    let numberBuffer = Buffer(byteCount: limit * 4)
    let indices = indexBuffer.unsafeMutableValues(UInt32.self)
    let numbers = numberBuffer.unsafeMutableValues(UInt32.self)
    let entries = entries.values
    var found = 0
    var index = cursor.index
    var number = cursor.number
    if number == Self.missing, index < count { number = first(of: slots[index]) }
    var fetched = self.entries.count > Self.nearRows ? index : count
    while index < count {
      if index == fetched {
        fetched = min(count, index + Self.blockSlots)
        prefetchChains(slots, index..<fetched, count)
      }
      let low = lows?[index] ?? .min
      let high = highs?[index] ?? .max
      while number != Self.missing && found < limit {
        let entry = entries + Int(number)
        indices[found] = UInt32(truncatingIfNeeded: index)
        numbers[found] = number
        found &+= entry.pointee.time >= low && entry.pointee.time <= high ? 1 : 0
        number = entry.pointee.next
      }
      if number != Self.missing { break }
      index &+= 1
      if index < count { number = first(of: slots[index]) }
    }
    cursor.index = index
    cursor.number = number
    if let kept = blockLimit(numbers, count: found) {
      cursor.index = Int(indices[kept])
      cursor.number = numbers[kept]
      return RowMatches(indices: indexBuffer, numbers: numberBuffer, count: kept, isLast: false)
    }
    return RowMatches(indices: indexBuffer, numbers: numberBuffer, count: found, isLast: index >= count)
  }

  /// The entries of so many rows stay in the caches near a core, where asking for them ahead only costs instructions.
  private static let nearRows = 1 << 15
  /// Slots whose rows are asked for together: their entries fit half of the first cache.
  private static let blockSlots = 256
  /// Of a slot's rows, those that are asked for ahead: hardly any has more, or the ones behind are the smaller cost.
  private static let chainAhead = 4

  /// Asks for the entries of the rows of slots, the first ones of all slots, then the second ones, and so on: one
  /// slot's rows are known one after the other, but those of different slots come together.
  ///
  /// - Parameter count: of all slots: the ends of those behind `range` are asked for too.
  private func prefetchChains(_ slots: UnsafePointer<UInt32>, _ range: Range<Int>, _ count: Int) {
    let (entries, slotCount, ends) = (entries.values, ends.slotCount, ends)
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.blockSlots) { numbers in
      if range.lowerBound == 0 {
        for index in range where Int(slots[index]) < slotCount { platform_prefetch(ends.pointer(slots[index])) }
      }
      var found = 0
      for index in range {
        let number = first(of: slots[index])
        if number != Self.missing { platform_prefetch(entries + Int(number)) }
        numbers[found] = number
        found &+= number != Self.missing ? 1 : 0
      }
      // Those of the next block come while this one's rows do.
      for index in range.upperBound..<min(range.upperBound + Self.blockSlots, count)
      where Int(slots[index]) < slotCount { platform_prefetch(ends.pointer(slots[index])) }
      for _ in 1..<Self.chainAhead where found > 0 {
        var later = 0
        for index in 0..<found {
          let number = entries[Int(numbers[index])].next
          if number != Self.missing { platform_prefetch(entries + Int(number)) }
          numbers[later] = number
          later &+= number != Self.missing ? 1 : 0
        }
        found = later
      }
    }
  }

  /// How many of these rows, which were found, are read together, where these are not all of them.
  @inline(__always)  // Nothing but a comparison where rows are small.
  func blockLimit(_ numbers: UnsafePointer<UInt32>, count: Int) -> Int? {
    guard count > 1, largestRow > Self.blockBytes / count else { return nil }
    let kept = blockCount(numbers, count: count)
    return kept < count ? kept : nil
  }

  /// Of these rows, none of them missing, how many from the first on are read together; at least one.
  @inline(never)  // For large rows only.
  public func blockCount(_ numbers: UnsafePointer<UInt32>, count: Int) -> Int {
    var bytes = 0
    for index in 0..<count {
      guard let address = entries.values[Int(numbers[index])].address else {
        preconditionFailure("a row that was found is there")
      }
      bytes += Int(RowPages.header(of: address).size)
      if bytes > Self.blockBytes { return max(1, index) }
    }
    return count
  }

  /// Whether a slot has a row.
  public func hasRows(_ slot: UInt32) -> Bool { first(of: slot) != Self.missing }

  @inline(__always)  // A part of loops over slots.
  func first(of slot: UInt32) -> UInt32 {
    Int(slot) < ends.slotCount ? ends.pointer(slot).pointee.first : Self.missing
  }

  /// Asks for what is needed of slots that come next.
  @inline(__always)  // As above.
  func prefetch(_ slots: UnsafePointer<UInt32>, _ index: Int, _ count: Int) {
    if index &+ 2 &* Self.ahead < count, Int(slots[index &+ 2 &* Self.ahead]) < ends.slotCount {
      platform_prefetch(ends.pointer(slots[index &+ 2 &* Self.ahead]))
    }
    if index &+ Self.ahead < count {
      let number = first(of: slots[index &+ Self.ahead])
      if number != Self.missing { platform_prefetch(entries.values + Int(number)) }
    }
  }

  /// The times of rows.
  public func times(
    of numbers: UnsafePointer<UInt32>, count: Int, into times: UnsafeMutablePointer<Int64>
  ) {
    eachEntry(numbers, count) { times[$0] = $1.pointee.time }
  }

  /// The slots of rows.
  public func slots(
    of numbers: UnsafePointer<UInt32>, count: Int, into slots: UnsafeMutablePointer<UInt32>
  ) {
    eachEntry(numbers, count) { slots[$0] = $1.pointee.slot }
  }

  /// Marks rows, as rows of an outer join that have found a partner. A row that is appended has no mark.
  public func mark(_ numbers: UnsafePointer<UInt32>, count: Int) {
    noteMarks(numbers, count: count, to: Entry.markBit)
    eachEntry(numbers, count) { $1.pointee.state |= Entry.markBit }
  }

  /// Takes the marks of rows away.
  public func unmark(_ numbers: UnsafePointer<UInt32>, count: Int) {
    noteMarks(numbers, count: count, to: 0)
    eachEntry(numbers, count) { $1.pointee.state &= ~Entry.markBit }
  }

  /// Marks rows; a number may come more than once. Those that had no mark go to `first`, which has room for all, each
  /// once and in order.
  ///
  /// - Returns: how many those are.
  public func markFirst(
    _ numbers: UnsafePointer<UInt32>, count: Int, into first: UnsafeMutablePointer<UInt32>
  ) -> Int {
    noteMarks(numbers, count: count, to: Entry.markBit)
    var found = 0
    eachEntry(numbers, count) { index, entry in
      first[found] = numbers[index]
      found &+= entry.pointee.state & Entry.markBit == 0 ? 1 : 0
      entry.pointee.state |= Entry.markBit
    }
    return found
  }

  /// Whether rows are marked.
  public func marks(of numbers: UnsafePointer<UInt32>, count: Int, into marks: UnsafeMutablePointer<Bool>) {
    eachEntry(numbers, count) { marks[$0] = $1.pointee.state & Entry.markBit != 0 }
  }

  @inline(__always)  // Specialises the loop for the closure, which is then no call.
  private func eachEntry(
    _ numbers: UnsafePointer<UInt32>, _ count: Int, _ body: (Int, UnsafeMutablePointer<Entry>) -> Void
  ) {
    let entries = entries.values
    for index in 0..<count {
      if index &+ Self.ahead < count { platform_prefetch(entries + Int(numbers[index &+ Self.ahead])) }
      body(index, entries + Int(numbers[index]))
    }
  }
}
