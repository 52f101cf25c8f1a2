/// Which slots are there: those that keys were given so far, and of these the ones that were given back and go to the
/// next keys, the last one first.
public struct SlotList {
  /// Every slot so far is below it.
  public private(set) var end = 0
  public private(set) var freeCount = 0
  private var free: UnsafeMutablePointer<UInt32>?
  private var capacity = 0

  public init() {}

  public func deallocate() { free?.deallocate() }

  public var takenCount: Int { end - freeCount }

  public var byteCount: Int { capacity * MemoryLayout<UInt32>.stride }

  /// What `end` is at most after so many more were taken.
  public func end(adding added: Int) -> Int { end + max(0, added - freeCount) }

  /// A slot for a new key.
  @inline(__always)  // Two instructions of the table's insertion.
  public mutating func take() -> UInt32 {
    if freeCount > 0, let free {
      freeCount &-= 1
      return free[freeCount]
    }
    end &+= 1
    return UInt32(truncatingIfNeeded: end &- 1)
  }

  /// Gives slots back that were taken. When none is taken any more they begin at 0 again.
  public mutating func giveBack(_ slots: UnsafePointer<UInt32>, count: Int) {
    if freeCount + count > capacity || free == nil {
      let wanted = max(freeCount + count, 2 * capacity, 64)
      let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: wanted)
      if let free { grown.update(from: free, count: freeCount) }
      free?.deallocate()
      free = grown
      capacity = wanted
    }
    if let free { (free + freeCount).update(from: slots, count: count) }
    freeCount += count
    if freeCount == end { removeAll() }
  }

  public mutating func removeAll() {
    end = 0
    freeCount = 0
  }
}
