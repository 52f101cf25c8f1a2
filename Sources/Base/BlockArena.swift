import Glibc

/// Memory for many small things of one owner that grow one by one: sets, lists and sketches of an aggregate's groups.
///
/// Blocks of power-of-two sizes are cut from slabs and reused by size; large ones come from the system each. Everything
/// is given back when the arena goes, so that forgetting a block cannot outlive its owner. One thread at a time.
public final class BlockArena {
  /// Bytes held from the system, used or not.
  public private(set) var byteCount = 0
  /// Bytes of the blocks that are allocated.
  public private(set) var usedByteCount = 0

  /// The free blocks of each size class below `largeByteCount`; a free block's first word points to the next one.
  private var free = [UnsafeMutableRawPointer?](repeating: nil, count: BlockArena.classCount)
  private var slabs: [UnsafeMutableRawBufferPointer] = []
  /// The slab that blocks are cut from, and how much of it is cut.
  private var current = -1
  private var cut = 0
  /// Large blocks by address: their bytes.
  private var large: [UnsafeMutableRawPointer: Int] = [:]

  private static let leastByteCount = 16
  private static let classCount = 12
  /// Blocks of so many bytes and more are the system's: a slab holds at least eight of the others.
  private static let largeByteCount = 64 << 10
  private static let firstSlab = 2 << 10
  private static let largestSlab = 512 << 10

  public init() {}

  deinit {
    for slab in slabs { Glibc.free(slab.baseAddress) }
    for block in large.keys { Glibc.free(block) }
  }

  /// The bytes that a block for `byteCount` bytes has: the next power of two, at least 16.
  public static func roundedByteCount(_ byteCount: Int) -> Int {
    if byteCount <= leastByteCount { return leastByteCount }
    return 1 << (Int.bitWidth - (byteCount - 1).leadingZeroBitCount)
  }

  /// A block of `roundedByteCount(byteCount)` bytes, 16-byte aligned, with undefined content.
  ///
  /// Throws a `memory` failure when the system has no more memory.
  public func allocate(_ byteCount: Int) throws(Failure) -> UnsafeMutableRawPointer {
    guard byteCount <= 1 << 46 else { throw Self.exhausted(byteCount) }
    let size = Self.roundedByteCount(byteCount)
    if size >= Self.largeByteCount {
      guard let block = malloc(size) else { throw Self.exhausted(size) }
      large[block] = size
      self.byteCount += size
      usedByteCount += size
      return block
    }
    let index = Self.sizeClass(size)
    if let block = free[index] {
      free[index] = block.load(as: UnsafeMutableRawPointer?.self)
      usedByteCount += size
      return block
    }
    if current < 0 || cut + size > slabs[current].count { try nextSlab(atLeast: size) }
    guard let start = slabs[current].baseAddress else { preconditionFailure("a slab has memory") }
    let block = start + cut
    cut += size
    usedByteCount += size
    return block
  }

  /// Gives back a block that was allocated with as many bytes.
  public func free(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
    let size = Self.roundedByteCount(byteCount)
    usedByteCount -= size
    if size >= Self.largeByteCount {
      precondition(large.removeValue(forKey: block) == size, "a large block is freed once, with its own size")
      self.byteCount -= size
      Glibc.free(block)
      return
    }
    let index = Self.sizeClass(size)
    block.storeBytes(of: free[index], as: UnsafeMutableRawPointer?.self)
    free[index] = block
  }

  /// A block of `newCount` bytes with the first `kept` bytes of one of `oldCount`, which is given back.
  public func resize(
    _ block: UnsafeMutableRawPointer, from oldCount: Int, to newCount: Int, keeping kept: Int
  ) throws(Failure) -> UnsafeMutableRawPointer {
    if Self.roundedByteCount(oldCount) == Self.roundedByteCount(newCount) { return block }
    let new = try allocate(newCount)
    new.copyMemory(from: block, byteCount: kept)
    free(block, oldCount)
    return new
  }

  /// Forgets all blocks. Slabs are kept for new ones, large blocks go back to the system.
  public func removeAll() {
    for (block, size) in large {
      Glibc.free(block)
      byteCount -= size
    }
    large.removeAll(keepingCapacity: true)
    for index in free.indices { free[index] = nil }
    current = slabs.isEmpty ? -1 : 0
    cut = 0
    usedByteCount = 0
  }

  private static func sizeClass(_ size: Int) -> Int { size.trailingZeroBitCount - leastByteCount.trailingZeroBitCount }

  /// Slabs grow with the arena, so that one of a few blocks stays small.
  private func nextSlab(atLeast size: Int) throws(Failure) {
    while current + 1 < slabs.count {
      current += 1
      cut = 0
      if slabs[current].count >= size { return }
    }
    let wanted = min(Self.largestSlab, max(Self.firstSlab << min(slabs.count, 20), size * 8))
    guard let memory = malloc(wanted) else { throw Self.exhausted(wanted) }
    slabs.append(UnsafeMutableRawBufferPointer(start: memory, count: wanted))
    byteCount += wanted
    current = slabs.count - 1
    cut = 0
  }

  private static func exhausted(_ byteCount: Int) -> Failure {
    Failure(
      .memory, retryable: true,
      "out of memory: \(byteCount) bytes for the groups of an aggregate could not be had; give the worker more memory, "
        + "raise the parallelism over more workers, or group by fewer keys")
  }
}
