/// The order of a slot's entries: each knows the one before it and the one behind.
extension MapStore {
  /// Puts an entry at the end of its slot's chain.
  func chain(_ entry: UInt32, _ place: UnsafeMutableRawPointer, _ slot: UInt32) {
    let chain = chains.values + Int(slot)
    place.storeBytes(of: chain.pointee.last, toByteOffset: Self.previousOffset, as: UInt32.self)
    place.storeBytes(of: 0, toByteOffset: Self.nextOffset, as: UInt32.self)
    if chain.pointee.last == 0 {
      chain.pointee.first = entry
    } else {
      self.place(chain.pointee.last).storeBytes(of: entry, toByteOffset: Self.nextOffset, as: UInt32.self)
    }
    chain.pointee.last = entry
    set(Self.isChained | Self.isMoved, of: place)
    place.storeBytes(of: UInt32(truncatingIfNeeded: moves.count), toByteOffset: Self.movedOffset, as: UInt32.self)
    moves.append(Move(entry: entry, isLeaving: false))
  }

  /// Takes an entry out of its chain; between which others it was.
  @discardableResult
  func unchain(_ place: UnsafeMutableRawPointer) -> (previous: UInt32, next: UInt32) {
    let slot = place.load(fromByteOffset: Self.slotOffset, as: UInt32.self)
    let next = place.load(fromByteOffset: Self.nextOffset, as: UInt32.self)
    let previous = place.load(fromByteOffset: Self.previousOffset, as: UInt32.self)
    let chain = chains.values + Int(slot)
    if previous == 0 {
      chain.pointee.first = next
    } else {
      self.place(previous).storeBytes(of: next, toByteOffset: Self.nextOffset, as: UInt32.self)
    }
    if next == 0 {
      chain.pointee.last = previous
    } else {
      self.place(next).storeBytes(of: previous, toByteOffset: Self.previousOffset, as: UInt32.self)
    }
    set(0, of: place, clearing: Self.isChained)
    return (previous, next)
  }

  /// Undoes what the call did to chains: from the last to the first, so that the neighbours of each are where they were.
  func undoMoves() {
    for move in moves.reversed() {
      let place = place(move.entry)
      guard move.isLeaving else {
        unchain(place)
        continue
      }
      let slot = place.load(fromByteOffset: Self.slotOffset, as: UInt32.self)
      let chain = chains.values + Int(slot)
      place.storeBytes(of: move.previous, toByteOffset: Self.previousOffset, as: UInt32.self)
      place.storeBytes(of: move.next, toByteOffset: Self.nextOffset, as: UInt32.self)
      if move.previous == 0 {
        chain.pointee.first = move.entry
      } else {
        self.place(move.previous).storeBytes(of: move.entry, toByteOffset: Self.nextOffset, as: UInt32.self)
      }
      if move.next == 0 {
        chain.pointee.last = move.entry
      } else {
        self.place(move.next).storeBytes(of: move.entry, toByteOffset: Self.previousOffset, as: UInt32.self)
      }
      set(Self.isChained, of: place)
    }
  }

  /// The call's pages and moves are over.
  func endMoves() {
    for entry in pageStarts { set(0, of: place(entry), clearing: Self.isPageStart) }
    pageStarts.removeAll(keepingCapacity: true)
    for move in moves where !move.isLeaving { set(0, of: place(move.entry), clearing: Self.isMoved) }
    // Memory of an unusually large call is given back.
    moves.removeAll(keepingCapacity: moves.count <= 1 << 16)
  }
}
