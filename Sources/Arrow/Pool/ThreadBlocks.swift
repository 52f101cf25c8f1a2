/// The free blocks of one thread.
struct ThreadBlocks {
  private var lists = [FreeBlocks](repeating: FreeBlocks(), count: BlockSize.count)
  private(set) var byteCount = 0
  private let store: BlockStore

  init(store: BlockStore = .shared) { self.store = store }

  mutating func pop(_ size: BlockSize, _ capacity: Int) -> UnsafeMutableRawPointer? {
    guard let block = lists[size.index].pop() else { return nil }
    byteCount -= capacity
    return block
  }

  mutating func push(_ block: UnsafeMutableRawPointer, _ size: BlockSize, _ capacity: Int) {
    lists[size.index].push(block)
    byteCount += capacity
    let limit = Self.limit(capacity)
    if lists[size.index].count > limit { giveBack(size, keep: limit / 2) }
    if byteCount > BufferPool.threadByteLimit { giveBackHalf() }
  }

  /// Takes a block from the store, and a few more for the next calls.
  @inline(never)
  mutating func refill(_ size: BlockSize, _ capacity: Int) -> UnsafeMutableRawPointer? {
    let taken = store.take(size, max(1, Self.limit(capacity) / 2), into: &lists[size.index])
    byteCount += taken * capacity
    return pop(size, capacity)
  }

  mutating func giveBackAll() {
    for index in lists.indices { giveBack(BlockSize(index: index), keep: 0) }
  }

  /// How many blocks of a size a thread keeps.
  private static func limit(_ capacity: Int) -> Int {
    capacity > BufferPool.threadByteLimit / 2 ? 0 : max(1, min(64, BufferPool.threadSizeByteLimit / capacity))
  }

  /// Halves each list: rare, and the next call is as far away as half of the limit.
  @inline(never)
  private mutating func giveBackHalf() {
    for index in lists.indices { giveBack(BlockSize(index: index), keep: lists[index].count / 2) }
  }

  @inline(never)
  private mutating func giveBack(_ size: BlockSize, keep: Int) {
    let before = lists[size.index].count
    guard before > keep else { return }
    store.give(size, from: &lists[size.index], keep: keep)
    byteCount -= (before - lists[size.index].count) * size.byteCount
  }
}
