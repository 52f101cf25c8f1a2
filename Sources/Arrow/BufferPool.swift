import Base
import CPlatform
import Glibc
import Synchronization

/// Where buffers come from: per-thread free lists of power-of-two blocks, a shared store behind them, `malloc` behind that.
///
/// A block is freed by whichever thread drops the last batch that uses it, often not the one that allocates. So a thread
/// that has too many blocks of a size gives half of them to the store, and one that has none takes from there. Large blocks
/// from plain `malloc` would be mapped and unmapped each time, and the page faults cost more than the kernels do.
///
/// Bounds: a thread keeps at most `threadByteLimit` bytes a size class, the store `storeByteLimit` bytes in all; what is
/// beyond goes back to `malloc`. Blocks above `largestBlock` are never kept.
public enum BufferPool {
  static let alignment = 64
  static let smallestShift = 6
  static let largestShift = 26
  static let classCount = largestShift - smallestShift + 1
  static let largestBlock = 1 << largestShift
  static let threadByteLimit = 8 << 20
  static let storeByteLimit = 256 << 20

  /// A free block holds the address of the next one in its first word.
  struct FreeList {
    var first: UnsafeMutableRawPointer?
    var count = 0

    mutating func push(_ block: UnsafeMutableRawPointer) {
      block.storeBytes(of: first, as: UnsafeMutableRawPointer?.self)
      first = block
      count += 1
    }

    mutating func pop() -> UnsafeMutableRawPointer? {
      guard let block = first else { return nil }
      first = block.load(as: UnsafeMutableRawPointer?.self)
      count -= 1
      return block
    }
  }

  /// Blocks that no thread holds.
  private struct Store: @unchecked Sendable {  // Guarded by the mutex that it lives in.
    var lists = [FreeList](repeating: FreeList(), count: classCount)
    var byteCount = 0
  }
  private static let store = Mutex(Store())

  /// Bytes handed out and not yet freed, over all threads.
  private static let outstanding = Atomic<Int>(0)

  /// Bytes in buffers that are alive now.
  public static var bytesInUse: Int { outstanding.load(ordering: .relaxed) }

  static func allocate(atLeast byteCount: Int) -> (UnsafeMutableRawPointer, capacity: Int) {
    precondition(byteCount >= 0, "a buffer has no negative size")
    if byteCount > largestBlock {
      let capacity = (byteCount + alignment - 1) & ~(alignment - 1)
      outstanding.wrappingAdd(capacity, ordering: .relaxed)
      return (fromSystem(capacity), capacity)
    }
    let index = sizeClass(of: byteCount)
    let capacity = 1 << (index + smallestShift)
    outstanding.wrappingAdd(capacity, ordering: .relaxed)
    let lists = threadLists()
    if let block = lists[index].pop() { return (block, capacity) }
    return (refill(lists, index, capacity), capacity)
  }

  static func free(_ address: UnsafeMutableRawPointer, capacity: Int) {
    outstanding.wrappingSubtract(capacity, ordering: .relaxed)
    if capacity > largestBlock {
      Glibc.free(address)
      return
    }
    let index = sizeClass(of: capacity)
    let lists = threadLists()
    lists[index].push(address)
    if lists[index].count > threadLimit(index) { giveBack(lists, index, keep: threadLimit(index) / 2) }
  }

  /// How many blocks of a class a thread keeps.
  private static func threadLimit(_ index: Int) -> Int { max(2, min(64, threadByteLimit >> (index + smallestShift))) }

  private static func sizeClass(of byteCount: Int) -> Int {
    let rounded = max(byteCount, 1 << smallestShift)
    return Int.bitWidth - (rounded - 1).leadingZeroBitCount - smallestShift
  }

  @inline(never)
  private static func refill(
    _ lists: UnsafeMutablePointer<FreeList>, _ index: Int, _ capacity: Int
  ) -> UnsafeMutableRawPointer {
    let wanted = max(1, threadLimit(index) / 2)
    store.withLock { store in
      for _ in 0..<wanted {
        guard let block = store.lists[index].pop() else { break }
        store.byteCount -= capacity
        lists[index].push(block)
      }
    }
    return lists[index].pop() ?? fromSystem(capacity)
  }

  @inline(never)
  fileprivate static func giveBack(_ lists: UnsafeMutablePointer<FreeList>, _ index: Int, keep: Int) {
    let capacity = 1 << (index + smallestShift)
    var surplus = FreeList()
    store.withLock { store in
      while lists[index].count > keep, let block = lists[index].pop() {
        if store.byteCount + capacity <= storeByteLimit {
          store.lists[index].push(block)
          store.byteCount += capacity
        } else {
          surplus.push(block)
        }
      }
    }
    while let block = surplus.pop() { Glibc.free(block) }
  }

  private static func fromSystem(_ capacity: Int) -> UnsafeMutableRawPointer {
    var block: UnsafeMutableRawPointer?
    let status = posix_memalign(&block, alignment, capacity)
    guard status == 0, let block else {
      fatalError("out of memory: \(capacity) bytes for a buffer could not be allocated; lower --memory-limit")
    }
    return block
  }

  /// The calling thread's lists, made at its first allocation and given to the store when it ends.
  private static func threadLists() -> UnsafeMutablePointer<FreeList> {
    if let lists = platform_thread_pool() { return lists.assumingMemoryBound(to: FreeList.self) }
    return makeThreadLists()
  }

  @inline(never)
  private static func makeThreadLists() -> UnsafeMutablePointer<FreeList> {
    let lists = UnsafeMutablePointer<FreeList>.allocate(capacity: classCount)
    lists.initialize(repeating: FreeList(), count: classCount)
    platform_set_thread_pool(lists) { pool in
      let lists = pool!.assumingMemoryBound(to: FreeList.self)
      for index in 0..<BufferPool.classCount { BufferPool.giveBack(lists, index, keep: 0) }
      lists.deallocate()
    }
    return lists
  }
}
