import State

/// Hashes → entries: open addressing with linear probing, at most half of the places taken. What an entry's key is, its owner knows.
struct MapIndex {
  private struct Place: BitwiseCopyable {
    var hash: UInt32 = 0
    /// Counted from 1; 0 when the place is empty.
    var entry: UInt32 = 0
  }

  private var places = SlotColumn(initial: Place())
  /// 32 - log2 of the number of places.
  private var shift = MapIndex.firstShift
  private var count = 0

  private static let firstShift: UInt32 = 32 - 6

  init() { places.grow(to: 1 << 6) }

  private var capacity: Int { 1 << (32 - Int(shift)) }
  var byteCount: Int { places.byteCount }

  /// Bytes beyond those that room for so many more takes at worst, while it lasts.
  func growth(by added: Int) -> Int {
    let wanted = enlarged(for: added)
    return wanted == capacity ? 0 : wanted * MemoryLayout<Place>.stride
  }

  /// The entry of a hash for which `isEqual` holds; 0 when there is none.
  @inline(__always)  // The closure is a comparison of a few instructions.
  func find(_ hash: UInt32, _ isEqual: (UInt32) -> Bool) -> UInt32 {
    let (places, mask) = (places.values, capacity &- 1)
    var index = Int(hash &>> shift)
    while true {
      let place = places[index]
      if place.entry == 0 { return 0 }
      if place.hash == hash && isEqual(place.entry) { return place.entry }
      index = (index &+ 1) & mask
    }
  }

  /// Adds an entry that is not there; there must be room.
  mutating func insert(_ hash: UInt32, _ entry: UInt32) {
    Self.insert(Place(hash: hash, entry: entry), places.values, shift, capacity &- 1)
    count += 1
  }

  private static func insert(
    _ place: Place, _ places: UnsafeMutablePointer<Place>, _ shift: UInt32, _ mask: Int
  ) {
    var index = Int(place.hash &>> shift)
    while places[index].entry != 0 { index = (index &+ 1) & mask }
    places[index] = place
  }

  /// Removes an entry that is there.
  mutating func remove(_ hash: UInt32, _ entry: UInt32) {
    let (places, mask) = (places.values, capacity &- 1)
    var hole = Int(hash &>> shift)
    while places[hole].entry != entry {
      precondition(places[hole].entry != 0, "an entry that is removed is there")
      hole = (hole &+ 1) & mask
    }
    // Entries behind the hole that are nearer to their homes in it move up, so that no search ends too early.
    var next = (hole &+ 1) & mask
    while places[next].entry != 0 {
      let home = Int(places[next].hash &>> shift)
      if (next &- home) & mask >= (next &- hole) & mask {
        places[hole] = places[next]
        hole = next
      }
      next = (next &+ 1) & mask
    }
    places[hole] = Place()
    count -= 1
    if capacity > 1 << 12 && count * 16 < capacity { rebuild(max(1 << 6, capacity / 8)) }
  }

  /// Makes room for so many more.
  mutating func reserve(_ added: Int) {
    let wanted = enlarged(for: added)
    if wanted != capacity { rebuild(wanted) }
  }

  private func enlarged(for added: Int) -> Int {
    var wanted = capacity
    while (count + added) * 2 > wanted && wanted < 1 << 32 { wanted *= 2 }
    return wanted
  }

  private mutating func rebuild(_ newCapacity: Int) {
    let (former, formerCapacity) = (places, capacity)
    places = SlotColumn(initial: Place())
    places.grow(to: newCapacity)
    shift = UInt32(32 - newCapacity.trailingZeroBitCount)
    for index in 0..<formerCapacity where former.values[index].entry != 0 {
      Self.insert(former.values[index], places.values, shift, newCapacity - 1)
    }
  }
}
