import Base

/// Approximate quantiles of integer keys (`OrderedKey` makes keys of other values): a KLL sketch with k = 200.
///
/// The rank of an answer differs from the one asked for by at most 1.33 % of the count with 99 % confidence, whatever the
/// values and their order; up to 200 values, and for the least and the greatest, the answer is exact. It takes 32 bytes for
/// four values, growing to 2 KiB for 200, and 8 KiB for any more, up to 2^58.
///
/// Up to 200 values lie in a list; then in levels, an item of level i standing for 2^i values. A level that is full is
/// sorted, and every other item of it, from a random one of the first two on, moves up. The random choices are a function of the values:
/// the same calls make the same sketch, and sketches of different parts choose independently, as merging needs.
///
/// Source: Karnin, Lang, Liberty: "Optimal Quantile Approximation in Streams", 2016, with the level sizes k (2/3)^depth, at
/// least 8, and the single array of levels of Apache DataSketches, whose figure of the error at k = 200 is the one above.
///
/// A handle of 16 bytes to memory of an arena: a copy is the same sketch, and one of them is used further. It is forgotten
/// with its arena or given back with `release`. One thread at a time.
public struct QuantileSketch: BitwiseCopyable {
  /// Items of the top level, and values that are kept one by one.
  public static let k = 200
  static let leastCapacity = 4

  var memory: UnsafeMutableRawPointer?
  /// Values of the list; undefined once there are levels.
  var listCount: UInt32 = 0
  /// Room of the list in values; `UInt32.max` once there are levels.
  var capacity: UInt32 = 0

  /// A sketch of nothing, which takes no memory.
  public init() {}

  var hasLevels: Bool { capacity == .max }

  /// The list's values.
  var list: UnsafeMutableBufferPointer<Int64> {
    UnsafeMutableBufferPointer(start: memory?.assumingMemoryBound(to: Int64.self), count: Int(listCount))
  }

  /// Nil without levels.
  var levels: QuantileLevels? { hasLevels ? memory.map { QuantileLevels($0) } : nil }

  /// Values added so far.
  public var count: UInt64 { levels?.header.pointee.count ?? UInt64(listCount) }

  /// Bytes of the arena that it takes.
  public var byteCount: Int { hasLevels ? QuantileLevels.byteCount : Int(capacity) * 8 }

  /// Adds a value.
  public mutating func insert(_ key: Int64, in arena: BlockArena) throws(Failure) {
    if let levels { return levels.insert(key) }
    if listCount == capacity {
      if Int(listCount) == Self.k {
        try makeLevels(arena)
        levels?.insert(key)
        return
      }
      try growList(arena)
    }
    listCount += 1
    list[Int(listCount) - 1] = key
  }

  private mutating func growList(_ arena: BlockArena) throws(Failure) {
    let wanted = min(Self.k, max(Self.leastCapacity, Int(capacity) * 2))
    if let memory {
      self.memory = try arena.resize(memory, from: Int(capacity) * 8, to: wanted * 8, keeping: Int(listCount) * 8)
    } else {
      memory = try arena.allocate(wanted * 8)
    }
    capacity = UInt32(wanted)
  }

  private mutating func makeLevels(_ arena: BlockArena) throws(Failure) {
    // In their order, so that the sketch is the same whether it was encoded in between or not.
    var values = list
    values.sort()
    let block = try arena.allocate(QuantileLevels.byteCount)
    let levels = QuantileLevels(block)
    levels.initialize(seed: values.reduce(UInt64(values.count)) { QuantileLevels.mix($0 ^ UInt64(bitPattern: $1)) })
    for value in values { levels.insert(value) }
    freeMemory(arena)
    memory = block
    capacity = .max
  }

  /// Adds the values of another sketch, of this or another arena, which stays as it is.
  public mutating func merge(_ other: QuantileSketch, in arena: BlockArena) throws(Failure) {
    guard let otherLevels = other.levels else {
      for value in other.list { try insert(value, in: arena) }
      return
    }
    if let levels { return try levels.merge(otherLevels, arena) }
    let values = list
    let block = try arena.allocate(QuantileLevels.byteCount)
    block.copyMemory(from: otherLevels.memory, byteCount: QuantileLevels.byteCount)
    let levels = QuantileLevels(block)
    for value in values { levels.insert(value) }
    freeMemory(arena)
    memory = block
    capacity = .max
  }

  private func freeMemory(_ arena: BlockArena) {
    if let memory { arena.free(memory, byteCount) }
  }

  /// Gives the memory back; the sketch is then one of nothing.
  public mutating func release(to arena: BlockArena) {
    freeMemory(arena)
    self = QuantileSketch()
  }

  /// The least key of which at least the fraction of all values are not greater; nil of nothing. 0 asks for the least value, 1
  /// for the greatest. Orders items in place.
  ///
  /// - Parameter fraction: 0...1.
  public func quantile(_ fraction: Double) -> Int64? {
    precondition(fraction >= 0 && fraction <= 1, "a quantile's fraction is 0...1, not \(fraction)")
    if let levels { return levels.quantile(rank: Self.rank(fraction, levels.header.pointee.count)) }
    var values = list
    guard !values.isEmpty else { return nil }
    values.sort()
    return values[Int(Self.rank(fraction, UInt64(values.count))) - 1]
  }

  /// 1...count. Written so that it rounds as DuckDB's `quantile_disc` does.
  static func rank(_ fraction: Double, _ count: UInt64) -> UInt64 {
    let behind = (Double(count) - Double(count) * fraction).rounded(.down)
    return max(1, min(count, count - min(count, UInt64(behind))))
  }
}
