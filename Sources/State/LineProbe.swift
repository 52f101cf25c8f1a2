/// Open addressing where a search stays in one line of the cache for as long as it can.
///
/// A key's home is an entry; after it come the other entries of its line, round it, then the entry in the same place of the next line, and
/// so on. A search ends at the key or at an empty entry. In plain linear probing every third search or so of a half full table runs
/// into the next line, which nobody has asked for ahead: at ten million keys those misses cost more than all the rest.
///
/// Entries are a power of two in size, tables are aligned to 64 bytes and have a power of two of entries.
struct LineProbe {
  /// Entries less one.
  let mask: Int
  /// Entries of a line, less one.
  let lineMask: Int

  @inline(__always)  // What it is made of are constants where it is used.
  init<Entry>(_: Entry.Type, capacity: Int) {
    mask = capacity &- 1
    lineMask = 64 / MemoryLayout<Entry>.stride &- 1
  }

  /// The entry after `index` in the search of a key that has its home at `home`.
  @inline(__always)  // The step of every search.
  func next(_ index: Int, home: Int) -> Int {
    let stepped = (index & ~lineMask) | ((index &+ 1) & lineMask)
    return (stepped ^ home) & lineMask == 0 ? (stepped &+ lineMask &+ 1) & mask : stepped
  }

  /// After an entry was taken out: moves others up so that no search ends too early at the hole, and returns where the hole is in the end.
  ///
  /// - Parameters:
  ///   - home: of the key in an entry; nil when the entry is empty. The hole itself is not asked for.
  ///   - move: an entry (from, to).
  @inline(__always)  // Specialises it for the closures, which are then no calls.
  func close(_ hole: Int, home: (Int) -> Int?, move: (Int, Int) -> Void) -> Int {
    var hole = hole
    while true {
      let line = hole & ~lineMask
      let start = hole
      var sawEmpty = false
      for step in 1...lineMask {
        let index = line | ((start &+ step) & lineMask)
        guard let home = home(index) else {
          sawEmpty = true
          break
        }
        // Whether the search of the key in this line comes by the hole.
        if (hole &- home) & lineMask < (index &- home) & lineMask {
          move(index, hole)
          hole = index
        }
      }
      // Only keys that have found a line full go on to the next.
      if sawEmpty { return hole }
      guard let index = overflowed(line, home) else { return hole }
      move(index, hole)
      hole = index
    }
  }

  /// An entry behind `line` whose key's search comes by that line, which was full.
  @inline(never)
  private func overflowed(_ line: Int, _ home: (Int) -> Int?) -> Int? {
    var next = line
    while true {
      next = (next &+ lineMask &+ 1) & mask
      var sawEmpty = false
      for index in next...next &+ lineMask {
        guard let home = home(index) else {
          sawEmpty = true
          continue
        }
        if (next &- (home & ~lineMask)) & mask >= (next &- line) & mask { return index }
      }
      if sawEmpty { return nil }
    }
  }
}
