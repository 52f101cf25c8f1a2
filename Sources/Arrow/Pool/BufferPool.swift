import Base
import CPlatform
import Glibc
import Synchronization

/// Where buffers come from: per-thread lists of free blocks, a shared store behind them, the system's memory behind
/// that.
///
/// A block is freed by whichever thread drops the last batch that uses it, often not the one that allocates. So a
/// thread that has too many blocks of a size gives half of them to the store, and one that has none takes from there.
/// Large blocks from the system would be mapped and unmapped each time, and the page faults cost more than the kernels
/// do.
///
/// Bounds on what is kept free: `threadByteLimit` a thread, and in the store, what `limitIdleBytes` says; beyond that,
/// blocks go back to the system (`BlockMemory`). Blocks above `BlockSize.largest` are never kept, those above half of a
/// thread's limit only by the store.
public enum BufferPool {
  static let alignment = 64
  /// Bytes of free blocks that a thread keeps.
  static var threadByteLimit: Int { threadLimit.load(ordering: .relaxed) }
  /// Blocks of one size that a thread keeps take at most this.
  static var threadSizeByteLimit: Int { threadByteLimit / 4 }
  private static let threadLimit = Atomic<Int>(largestThreadLimit)
  private static let largestThreadLimit = 32 << 20
  private static let smallestThreadLimit = 2 << 20

  #if UNPOOLED_BUFFERS
    /// The address sanitizer knows only the blocks of `malloc`: builds with it define this, and every buffer is one.
    private static let largestPooled = -1
  #else
    private static let largestPooled = BlockSize.largest
  #endif

  /// Bytes handed out and not yet freed, over all threads.
  private static let outstanding = Atomic<Int>(0)

  /// Bytes of blocks that are in use now: those of buffers that are alive, and of exports.
  public static var bytesInUse: Int { outstanding.load(ordering: .relaxed) }

  /// Bytes of free blocks that the store keeps.
  public static var idleBytes: Int { BlockStore.shared.byteCount }

  /// Sets how many bytes of free blocks the store keeps, and frees what is beyond. The default is 256 MiB. A thread keeps a quarter
  /// of it from its next free block on, within bounds.
  public static func limitIdleBytes(to limit: Int) {
    threadLimit.store(min(max(limit / 4, smallestThreadLimit), largestThreadLimit), ordering: .relaxed)
    BlockStore.shared.setLimit(max(0, limit))
  }

  static func allocate(atLeast byteCount: Int) -> (UnsafeMutableRawPointer, capacity: Int) {
    precondition(byteCount >= 0, "a buffer has no negative size")
    if byteCount > largestPooled {
      let capacity = max(alignment, (byteCount + alignment - 1) & ~(alignment - 1))
      outstanding.wrappingAdd(capacity, ordering: .relaxed)
      return (fromSystem(capacity), capacity)
    }
    let size = BlockSize(atLeast: byteCount)
    let capacity = size.byteCount
    outstanding.wrappingAdd(capacity, ordering: .relaxed)
    let blocks = threadBlocks()
    if let block = blocks.pointee.pop(size, capacity) { return (block, capacity) }
    return (blocks.pointee.refill(size, capacity) ?? fromSystem(capacity), capacity)
  }

  static func free(_ address: UnsafeMutableRawPointer, capacity: Int) {
    outstanding.wrappingSubtract(capacity, ordering: .relaxed)
    if capacity > largestPooled {
      toSystem(address, capacity)
      return
    }
    #if DEBUG
      // A reader of freed memory sees at once that something is wrong.
      address.initializeMemory(as: UInt8.self, repeating: 0xDB, count: capacity)
    #endif
    threadBlocks().pointee.push(address, BlockSize(atLeast: capacity), capacity)
  }

  private static func fromSystem(_ capacity: Int) -> UnsafeMutableRawPointer {
    #if UNPOOLED_BUFFERS
      var block: UnsafeMutableRawPointer?
      posix_memalign(&block, alignment, capacity)
    #else
      // What is kept free in other sizes may make room.
      let block =
        BlockMemory.shared.take(capacity) ?? (BlockStore.shared.empty() ? BlockMemory.shared.take(capacity) : nil)
    #endif
    // The builders and kernels above cannot fail for each value that they write.
    guard let block else { endWithoutMemory(capacity, for: "a buffer") }
    return block
  }

  private static func toSystem(_ address: UnsafeMutableRawPointer, _ capacity: Int) {
    #if UNPOOLED_BUFFERS
      Glibc.free(address)
    #else
      BlockMemory.shared.give(address, capacity)
    #endif
  }

  /// The calling thread's blocks, made at its first allocation and given to the store when it ends.
  private static func threadBlocks() -> UnsafeMutablePointer<ThreadBlocks> {
    if let blocks = platform_thread_pool() { return blocks.assumingMemoryBound(to: ThreadBlocks.self) }
    return makeThreadBlocks()
  }

  @inline(never)
  private static func makeThreadBlocks() -> UnsafeMutablePointer<ThreadBlocks> {
    let blocks = UnsafeMutablePointer<ThreadBlocks>.allocate(capacity: 1)
    blocks.initialize(to: ThreadBlocks())
    platform_set_thread_pool(blocks) { pool in
      guard let blocks = pool?.assumingMemoryBound(to: ThreadBlocks.self) else { return }
      blocks.pointee.giveBackAll()
      blocks.deinitialize(count: 1)
      blocks.deallocate()
    }
    return blocks
  }
}
