import ArrowTestSupport
import Glibc
import Synchronization
import TestSupport
import Testing
import VolleyPlan

@testable import Arrow

@Suite("Buffer pool")
struct BufferPoolTests {
  @Test("has sizes that waste a fifth at most above 256 bytes")
  func sizes() {
    var former = 0
    for index in 0..<BlockSize.count {
      let size = BlockSize(index: index).byteCount
      #expect(size % 64 == 0 && size > former)
      #expect(BlockSize(atLeast: size).index == index)
      #expect(BlockSize(atLeast: former + 1).index == index, "every size from one block's to the next")
      if size > 256 { #expect(Double(size - former) / Double(size) <= 0.2) }
      former = size
    }
    #expect(former == BlockSize.largest)
    #expect(BlockSize(atLeast: 0).byteCount == 64)
  }

  @Test("hands out aligned memory that overlaps nothing, of every size")
  func aligned() {
    var buffers: [Buffer] = []
    for size in [0, 1, 63, 64, 65, 255, 257, 1000, 4096, 100_000, 1 << 20, (64 << 20) + 1] {
      for _ in 0..<3 {
        let buffer = Buffer(byteCount: size)
        #expect(UInt(bitPattern: buffer.address) % 64 == 0)
        #expect(buffer.capacity >= max(size, 64) && buffer.capacity % 64 == 0)
        buffers.append(buffer)
      }
    }
    let ranges = buffers.map { (UInt(bitPattern: $0.address), $0.capacity) }.sorted { $0.0 < $1.0 }
    for (left, right) in zip(ranges, ranges.dropFirst()) { #expect(left.0 + UInt(left.1) <= right.0) }
  }

  @Test("gives back every byte: builders, kernels, exports and imports, freed on whichever thread")
  func accounting() async {
    // In a process of its own, because the count is over all threads.
    await #expect(processExitsWith: .success) {
      let start = BufferPool.bytesInUse
      for seed in UInt64(0)..<20 {
        var generator = SeededGenerator(seed: seed)
        for type in RandomColumns.types {
          let column = RandomColumns.column(
            type, RandomColumns.values(type, 500, nulls: 5, &generator), offset: Int(seed))
          let gathered = column.gather(Selection((0..<500).filter { $0 % 3 == 0 }))
          guard let joined = try? Column.concatenate([column, gathered]) else { exit(2) }
          OtherThread.run { _ = joined.gather(Selection([1, 2, 3])) }
          var array = ArrowArrayBox()
          joined.export(into: &array.array)
          guard (try? Column.importing(&array.array, field: Field("a", type))) == joined else { exit(3) }
        }
      }
      // Buffers made here and freed there, and the other way round.
      let box = Mutex<[Buffer]>([])
      for _ in 0..<50 {
        box.withLock { $0 = (0..<200).map { Buffer(byteCount: $0 * 100) } }
        OtherThread.run {
          box.withLock { $0 = (0..<200).map { Buffer(byteCount: $0 * 77) } }
        }
        box.withLock { $0 = [] }
      }
      exit(BufferPool.bytesInUse == start ? EXIT_SUCCESS : EXIT_FAILURE)
    }
  }

  @Test("keeps the blocks of a thread that ended, within the limit")
  func threadEnd() async {
    await #expect(processExitsWith: .success) {
      let idle = BufferPool.idleBytes
      OtherThread.run { for size in 1...100 { _ = Buffer(byteCount: size * 1000) } }
      guard BufferPool.idleBytes > idle else { exit(2) }
      BufferPool.limitIdleBytes(to: 50_000)
      guard BufferPool.idleBytes <= 50_000 else { exit(3) }
      OtherThread.run { for size in 1...100 { _ = Buffer(byteCount: size * 1000) } }
      guard BufferPool.idleBytes <= 50_000 else { exit(4) }
      BufferPool.limitIdleBytes(to: 0)
      OtherThread.run { _ = Buffer(byteCount: 100) }
      guard BufferPool.idleBytes == 0 else { exit(5) }
      exit(EXIT_SUCCESS)
    }
  }

  @Test("a buffer that nobody has memory for ends the process with a sentence")
  func shortage() async throws {
    let ended = await #expect(processExitsWith: .exitCode(71), observing: [\.standardErrorContent]) {
      _ = Buffer(byteCount: 1 << 47)
    }
    let errors = String(decoding: try #require(ended).standardErrorContent, as: UTF8.self)
    #expect(
      errors.hasPrefix("out of memory: 140737488355328 bytes for a buffer could not be had when the process held "))
  }

  @Test("gives back what is kept free before a buffer is refused")
  func makesRoom() async {
    await #expect(processExitsWith: .success) {
      // The store keeps forty blocks of five megabytes, with the system's addresses all but used up.
      BufferPool.limitIdleBytes(to: 256 << 20)
      do {
        let buffers = (0..<40).map { _ in Buffer(byteCount: 5 << 20) }
        withExtendedLifetime(buffers) {}
      }
      guard BufferPool.idleBytes > 100 << 20 else { exit(2) }
      let bytes = UInt(ProcessMemory.mappedBytes + (32 << 20))
      var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
      guard setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { exit(3) }
      let buffer = Buffer(byteCount: 64 << 20)
      memset(UnsafeMutableRawPointer(mutating: buffer.address), 1, 64 << 20)
      exit(BufferPool.idleBytes < 40 << 20 ? EXIT_SUCCESS : EXIT_FAILURE)
    }
  }

  @Test("bounds what a thread and the store keep, and evicts what there is most of")
  func bounds() {
    let store = BlockStore(limit: 10 << 20)
    var thread = ThreadBlocks(store: store)
    func fill(_ byteCount: Int, _ blocks: Int) {
      let size = BlockSize(atLeast: byteCount)
      for _ in 0..<blocks {
        thread.push(BlockMemory.shared.take(size.byteCount)!, size, size.byteCount)
        #expect(thread.byteCount <= BufferPool.threadByteLimit)
        #expect(store.byteCount <= 10 << 20)
      }
    }
    fill(1 << 20, 200)
    #expect(store.byteCount == 10 << 20, "the store is full of one size")
    fill(64 << 10, 1000)
    let small = BlockSize(atLeast: 64 << 10)
    var list = FreeBlocks()
    #expect(store.take(small, 1000, into: &list) > 10, "another size found room")
    while let block = list.pop() { BlockMemory.shared.give(block, small.byteCount) }
    for power in 6...25 { fill(1 << power, 40) }
    fill(BlockSize.largest, 2)
    thread.giveBackAll()
    #expect(thread.byteCount == 0)
    store.setLimit(0)
    #expect(store.byteCount == 0)
  }

  @Test("takes back from the store what another thread gave")
  func reuse() {
    let store = BlockStore(limit: 1 << 20)
    var giver = ThreadBlocks(store: store)
    var taker = ThreadBlocks(store: store)
    let size = BlockSize(atLeast: 4096)
    var given: Set<UnsafeMutableRawPointer> = []
    for _ in 0..<8 {
      let block = BlockMemory.shared.take(4096)!
      given.insert(block)
      giver.push(block, size, 4096)
    }
    giver.giveBackAll()
    #expect(store.byteCount == 8 * 4096)
    for count in 1...8 {
      let block = taker.pop(size, 4096) ?? taker.refill(size, 4096)
      #expect(block.map { given.remove($0) != nil } == true, "block \(count)")
      if let block { BlockMemory.shared.give(block, 4096) }
    }
    #expect(taker.refill(size, 4096) == nil)
    #expect(taker.byteCount == 0 && store.byteCount == 0)
  }
}
