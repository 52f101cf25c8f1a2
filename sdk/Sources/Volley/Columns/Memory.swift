import Glibc
import Synchronization

/// Blocks for the columns that a plugin makes: 64-byte aligned, in powers of two, kept for the next batch.
///
/// Large blocks from plain `malloc` are mapped and unmapped each time, and the page faults then cost more than the
/// loops do. The host frees a column on any thread, so one lock guards the lists; it is taken once a column and batch.
enum Memory {
  static let alignment = 64
  /// Free blocks beyond this many bytes go back to the system.
  static let keptByteLimit = 64 << 20

  private struct Store: @unchecked Sendable {  // Guarded by the mutex that it lives in.
    /// Free blocks by the power of two of their size.
    var free = [[UnsafeMutableRawPointer]](repeating: [], count: 64)
    var keptByteCount = 0
  }

  private static let store = Mutex(Store())

  /// A block of at least `byteCount` bytes with undefined content.
  static func allocate(_ byteCount: Int) -> (UnsafeMutableRawPointer, capacity: Int) {
    precondition(byteCount >= 0 && byteCount <= 1 << 40, "no column is that large")
    let power = max(6, Int.bitWidth - (max(byteCount, 1) - 1).leadingZeroBitCount)
    let capacity = 1 << power
    // The address crosses the lock as a number: the closure's result must be sendable.
    let kept = store.withLock { store -> UInt in
      guard let block = store.free[power].popLast() else { return 0 }
      store.keptByteCount -= capacity
      return UInt(bitPattern: block)
    }
    if let block = UnsafeMutableRawPointer(bitPattern: kept) { return (block, capacity) }
    if let block = fromSystem(capacity) { return (block, capacity) }
    giveBackAll()
    guard let block = fromSystem(capacity) else { endWithoutMemory(capacity) }
    return (block, capacity)
  }

  private static func fromSystem(_ capacity: Int) -> UnsafeMutableRawPointer? {
    var block: UnsafeMutableRawPointer?
    return posix_memalign(&block, alignment, capacity) == 0 ? block : nil
  }

  /// What is kept free in other sizes may make room.
  private static func giveBackAll() {
    store.withLock { store in
      for power in store.free.indices {
        for block in store.free[power] { Glibc.free(block) }
        store.free[power] = []
      }
      store.keptByteCount = 0
    }
  }

  /// A builder cannot fail for each value that it appends. To abort with ENOMEM tells the host that memory is short and
  /// not that the plugin is wrong: the job ends with a sentence that says so.
  @inline(never)
  private static func endWithoutMemory(_ byteCount: Int) -> Never {
    let line = "out of memory: \(byteCount) bytes for a column could not be had\n"
    _ = line.utf8.withContiguousStorageIfAvailable { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    errno = ENOMEM
    abort()
  }

  static func free(_ block: UnsafeMutableRawPointer, capacity: Int) {
    let power = capacity.trailingZeroBitCount
    let address = UInt(bitPattern: block)
    let kept = store.withLock { store in
      guard store.keptByteCount + capacity <= keptByteLimit, let block = UnsafeMutableRawPointer(bitPattern: address)
      else { return false }
      store.free[power].append(block)
      store.keptByteCount += capacity
      return true
    }
    if !kept { Glibc.free(block) }
  }
}

/// Memory that grows.
struct Block {
  private(set) var address: UnsafeMutableRawPointer
  private(set) var capacity: Int

  init(byteCount: Int) { (address, capacity) = Memory.allocate(byteCount) }

  func free() { Memory.free(address, capacity: capacity) }

  /// Makes room for `byteCount` bytes, of which the first `used` are kept.
  mutating func grow(to byteCount: Int, keeping used: Int) {
    guard byteCount > capacity else { return }
    let larger = Block(byteCount: byteCount)
    larger.address.copyMemory(from: address, byteCount: used)
    free()
    self = larger
  }
}
