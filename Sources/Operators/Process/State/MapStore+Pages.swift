import Base

extension MapStore {
  /// Lends the next entries of a slot.
  ///
  /// - Parameter cursor: 0 for the first page; becomes 0 when no page follows.
  func page(_ slot: UInt32, limit: Int, cursor: inout UInt64) throws(Failure) {
    var entry = chains.values[Int(slot)].first
    // What is put while pages go on comes behind them, or they might never end.
    var moveCount = UInt32(truncatingIfNeeded: moves.count)
    if cursor != 0 {
      entry = UInt32(truncatingIfNeeded: cursor)
      moveCount = UInt32(truncatingIfNeeded: cursor >> 32)
      guard entry > 0, entry <= used, flags(place(entry)) & Self.isPageStart != 0,
        place(entry).load(fromByteOffset: Self.slotOffset, as: UInt32.self) == slot
      else {
        throw Failure(
          .plugin,
          "a page of the map '\(declaration.name)' was asked for with the cursor \(cursor), which no page of this call gave; begin "
            + "with 0")
      }
    }
    let limit = max(1, min(limit, used))
    let records = addresses(limit)
    var count = 0
    var start: UInt32 = 0
    while entry != 0 {
      let place = place(entry)
      let flags = flags(place)
      if flags & Self.isMoved != 0,
        place.load(fromByteOffset: Self.movedOffset, as: UInt32.self) >= moveCount
      {
        break
      }
      if flags & Self.isPresent != 0 {
        if count == limit {
          start = entry
          break
        }
        records[count] = place
        count += 1
      }
      entry = place.load(fromByteOffset: Self.nextOffset, as: UInt32.self)
    }
    cursor = start == 0 ? 0 : UInt64(start) | UInt64(moveCount) << 32
    if start != 0, flags(place(start)) & Self.isPageStart == 0 {
      set(Self.isPageStart, of: place(start))
      pageStarts.append(start)
    }
    try keyRecord.read(records, count, into: keyLending)
    try record.read(records, count, into: lending)
  }
}
