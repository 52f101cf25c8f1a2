import Base

/// The levels of a `QuantileSketch` that holds more than k values, in one block: a header, where each level starts, the items.
///
/// Level i is `items[starts[i]..<starts[i + 1]]`, an item of it stands for 2^i values. The top level ends where the block does,
/// level 0 grows downwards, unsorted; the others are sorted.
struct QuantileLevels {
  struct Header: BitwiseCopyable {
    var count: UInt64
    var least: Int64
    var greatest: Int64
    /// The state of the random choices.
    var random: UInt64
    var levelCount: Int
    /// `totalCapacity(levelCount)`.
    var limit: Int
  }

  static let byteCount = 8192
  /// Levels. The top one would not be full before there are more values than `mostValues`.
  static let most = 59
  static let mostValues: UInt64 = 1 << 58
  private static let startsOffset = MemoryLayout<Header>.stride
  private static let itemsOffset = 288
  private static let room = (byteCount - itemsOffset) / 8

  /// Items that level `level` of `levels` holds before it is compacted.
  static func capacity(_ level: Int, of levels: Int) -> Int {
    let depth = levels - 1 - level
    return depth < sizes.count ? sizes[depth] : leastSize
  }

  private static let leastSize = 8
  /// By distance from the top: k (2/3)^depth, rounded up, while above the least.
  private static let sizes = [200, 134, 89, 60, 40, 27, 18, 12]

  /// Items that so many levels hold.
  static func totalCapacity(_ levels: Int) -> Int {
    var total = 0
    for level in 0..<levels { total += capacity(level, of: levels) }
    return total
  }

  let memory: UnsafeMutableRawPointer
  let header: UnsafeMutablePointer<Header>
  let starts: UnsafeMutablePointer<UInt32>
  let items: UnsafeMutablePointer<Int64>
  /// Where the top level ends.
  let end: Int

  init(_ memory: UnsafeMutableRawPointer) { self.init(memory, room: Self.room) }

  /// - Parameter room: how many items fit the block behind `itemsOffset`.
  private init(_ memory: UnsafeMutableRawPointer, room: Int) {
    self.memory = memory
    header = memory.assumingMemoryBound(to: Header.self)
    starts = (memory + Self.startsOffset).assumingMemoryBound(to: UInt32.self)
    items = (memory + Self.itemsOffset).assumingMemoryBound(to: Int64.self)
    end = room
  }

  /// One empty level.
  func initialize(seed: UInt64) {
    header.initialize(
      to: Header(
        count: 0, least: .max, greatest: .min, random: seed, levelCount: 1, limit: Self.totalCapacity(1)))
    starts[0] = UInt32(end)
    starts[1] = UInt32(end)
  }

  var itemCount: Int { end - Int(starts[0]) }
  func size(_ level: Int) -> Int { Int(starts[level + 1] - starts[level]) }
  func items(of level: Int) -> UnsafeMutableBufferPointer<Int64> {
    UnsafeMutableBufferPointer(start: items + Int(starts[level]), count: size(level))
  }

  func sortLevel(_ level: Int) {
    var items = items(of: level)
    items.sort()
  }

  /// The finalizer of SplitMix64: every bit of the result depends on every bit of the value.
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  func insert(_ key: Int64) {
    if itemCount >= header.pointee.limit { compact() }
    starts[0] -= 1
    items[Int(starts[0])] = key
    header.pointee.count += 1
    header.pointee.least = min(header.pointee.least, key)
    header.pointee.greatest = max(header.pointee.greatest, key)
  }

  /// Compacts the lowest level that is full. There is one whenever all together are.
  private func compact() {
    var level = 0
    while size(level) < Self.capacity(level, of: header.pointee.levelCount) { level += 1 }
    if level == header.pointee.levelCount - 1 {
      precondition(header.pointee.levelCount < Self.most, "a quantile sketch holds fewer than 2^58 values")
      header.pointee.levelCount += 1
      header.pointee.limit = Self.totalCapacity(header.pointee.levelCount)
      starts[header.pointee.levelCount] = UInt32(end)
    }
    let first = Int(starts[level])
    let behind = Int(starts[level + 1])
    let above = size(level + 1)
    let odd = (behind - first) & 1
    if level == 0 { sortLevel(0) }
    let begin = first + odd  // Of an odd number the first one stays.
    let half = (behind - begin) / 2
    header.pointee.random = Self.mix(header.pointee.random)
    let chosen = Int(header.pointee.random & 1)
    for index in 0..<half { items[begin + index] = items[begin + index * 2 + chosen] }
    // The survivors and the level above become one sorted run that ends where that level did. It is written behind what is
    // still to be read of the survivors and never past what is still to be read of the level.
    var (low, high, target) = (begin, behind, begin + half)
    let (lowEnd, highEnd) = (begin + half, behind + above)
    while low < lowEnd {
      if high < highEnd, items[high] < items[low] {
        items[target] = items[high]
        high += 1
      } else {
        items[target] = items[low]
        low += 1
      }
      target += 1
    }
    starts[level + 1] = UInt32(begin + half)
    if odd == 1 { items[begin + half - 1] = items[first] }
    starts[level] = UInt32(begin + half - odd)
    // The levels below move up to it.
    let moved = first - Int(starts[0])
    if moved > 0 { (items + Int(starts[0]) + half).update(from: items + Int(starts[0]), count: moved) }
    for lower in 0..<level { starts[lower] += UInt32(half) }
  }

  /// Adds the values of another one.
  func merge(_ other: QuantileLevels, _ arena: BlockArena) throws(Failure) {
    let (own, others) = (header.pointee, other.header.pointee)
    guard own.count + others.count <= Self.mostValues else {
      throw Failure(
        .data,
        "a quantile sketch of \(own.count) values and one of \(others.count) cannot be merged: 2^58 fit; "
          + "group by more keys")
    }
    let room = Self.room * 2
    let byteCount = Self.itemsOffset + room * 8
    let block = try arena.allocate(byteCount)
    defer { arena.free(block, byteCount) }
    let both = QuantileLevels(block, room: room)
    both.header.initialize(
      to: Header(
        count: own.count + others.count, least: min(own.least, others.least),
        greatest: max(own.greatest, others.greatest), random: Self.mix(own.random) ^ others.random,
        levelCount: max(own.levelCount, others.levelCount), limit: max(own.limit, others.limit)))
    var start = room
    both.starts[both.header.pointee.levelCount] = UInt32(room)
    for level in stride(from: both.header.pointee.levelCount - 1, through: 0, by: -1) {
      for part in [self, other] where level < part.header.pointee.levelCount {
        start -= part.size(level)
        for (index, item) in part.items(of: level).enumerated() { both.items[start + index] = item }
      }
      both.starts[level] = UInt32(start)
      if level > 0 { both.sortLevel(level) }
    }
    while both.itemCount > both.header.pointee.limit { both.compact() }
    copy(from: both)
  }

  private func copy(from other: QuantileLevels) {
    header.pointee = other.header.pointee
    let shift = other.end - end
    for level in 0...header.pointee.levelCount { starts[level] = UInt32(Int(other.starts[level]) - shift) }
    (items + Int(starts[0])).update(from: other.items + Int(other.starts[0]), count: itemCount)
  }

  /// The least key whose rank is at least `rank`, by bisection over the keys: no memory is needed for it.
  func quantile(rank: UInt64) -> Int64 {
    if rank <= 1 { return header.pointee.least }
    if rank >= header.pointee.count { return header.pointee.greatest }
    sortLevel(0)
    var (low, high) = (header.pointee.least, header.pointee.greatest)
    while low < high {
      // Halfway, without overflow.
      let middle = (low & high) &+ ((low ^ high) >> 1)
      if self.rank(of: middle) >= rank { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// How many values the items that are not greater stand for.
  private func rank(of key: Int64) -> UInt64 {
    var rank: UInt64 = 0
    for level in 0..<header.pointee.levelCount {
      let items = items(of: level)
      var (low, high) = (0, items.count)
      while low < high {
        let middle = (low + high) / 2
        if items[middle] <= key { low = middle + 1 } else { high = middle }
      }
      rank += UInt64(low) << UInt64(level)
    }
    return rank
  }
}
