import Base
import CPlatform

/// Memory for timers in pieces of one size, which lists of timers are made of, so that none is ever copied to grow.
///
/// Pieces are cut from slabs that grow with their number, and are reused; slabs are freed when no piece is in use, or
/// with the owner, who calls `deallocate`.
struct TimerChunks {
  /// A piece: the next one of its list, and timers.
  struct Chunk {
    private let memory: UnsafeMutableRawPointer

    static let byteCount = 512
    static let headerBytes = 16
    /// Timers that fit one.
    static let capacity = (byteCount - headerBytes) / MemoryLayout<Timer>.stride

    init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }

    var next: UnsafeMutableRawPointer? {
      get { memory.load(as: UnsafeMutableRawPointer?.self) }
      nonmutating set { memory.storeBytes(of: newValue, as: UnsafeMutableRawPointer?.self) }
    }

    var timers: UnsafeMutablePointer<Timer> {
      (memory + Self.headerBytes).assumingMemoryBound(to: Timer.self)
    }

    var address: UnsafeMutableRawPointer { memory }

    /// Asks for all of it: a piece is written or read soon after, and its lines are of no stream that the processor
    /// would see.
    func prefetch() { for line in stride(from: 0, to: Self.byteCount, by: 64) { platform_prefetch(memory + line) } }
  }

  private(set) var byteCount = 0
  private var free: UnsafeMutableRawPointer?
  private var slabs: [UnsafeMutableRawPointer] = []
  /// What is not yet cut of the last slab.
  private var uncut: UnsafeMutableRawPointer?
  private var uncutCount = 0

  private static let firstSlab = 32
  /// Two mebibytes: a huge page.
  private static let largestSlab = 4_096

  func deallocate() { for slab in slabs { slab.deallocate() } }

  /// Bytes beyond those of now that taking so many pieces needs at worst.
  func growth(taking number: Int) -> Int {
    // A slab is not larger than all before it and one more.
    (number + min(Self.largestSlab, byteCount / Chunk.byteCount + number + Self.firstSlab)) * Chunk.byteCount
  }

  /// A piece without a next one.
  mutating func take() -> Chunk {
    let chunk: Chunk
    if let free {
      chunk = Chunk(free)
      self.free = chunk.next
      // The next one to be taken.
      if let next = self.free { Chunk(next).prefetch() }
    } else {
      if uncutCount == 0 { addSlab() }
      guard let start = uncut else { preconditionFailure("a slab has memory") }
      chunk = Chunk(start)
      uncut = start + Chunk.byteCount
      uncutCount -= 1
    }
    chunk.next = nil
    return chunk
  }

  mutating func giveBack(_ chunk: Chunk) {
    chunk.next = free
    free = chunk.address
  }

  /// All pieces are free again.
  mutating func removeAll() {
    deallocate()
    slabs = []
    byteCount = 0
    free = nil
    uncut = nil
    uncutCount = 0
  }

  private mutating func addSlab() {
    uncutCount = min(Self.largestSlab, Self.firstSlab << min(slabs.count, 20))
    let slab = HugeMemory.allocate(byteCount: uncutCount * Chunk.byteCount)
    slabs.append(slab)
    uncut = slab
    byteCount += uncutCount * Chunk.byteCount
  }
}
