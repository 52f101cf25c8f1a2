import Base
import Glibc

/// Where the pool's blocks come from: `malloc` for the small ones, huge pages for the others.
///
/// A kernel that streams over columns in pages of 4 KiB comes to a new page after 512 words, in each column that it
/// reads or writes, and the processor walks the page tables each time, in a virtual machine both the guest's and the
/// host's. In pages of 2 MiB the product of two columns of doubles in memory takes two thirds of the time. So blocks of
/// 16 KiB to 2 MiB lie side by side in arenas of 16 MiB for which huge pages are asked, larger ones have a mapping of
/// their own. Where the system has no huge pages, all is the same in small ones.
final class BlockMemory: Sendable {
  static let shared = BlockMemory()

  /// Smaller blocks are `malloc`'s: a column of a small batch should not make two megabytes resident.
  static let smallest = 16 << 10
  /// A power of two, and what arenas are aligned to, so that a block's address says which it is in.
  static let arenaByteCount = 16 << 20
  private static let pageByteCount = sysconf(Int32(_SC_PAGESIZE))

  private struct Arenas: @unchecked Sendable {  // Guarded by the monitor that it lives in.
    /// How many blocks of each arena, by its address, are taken.
    var taken: [UInt: Int] = [:]
    /// The arena that blocks are cut from, and how much of it has been. What was given back is cut again only when all
    /// of the arena was.
    var current: UInt?
    var cut = 0
  }
  private let arenas = Monitor(Arenas())

  /// How many arenas there are.
  var arenaCount: Int { arenas.withLock { $0.taken.count } }

  /// A block aligned to 64 bytes, or nil without memory. Its bytes are undefined.
  ///
  /// - Parameter byteCount: a size of `BlockSize`, or any multiple of 64 above its largest.
  func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    if byteCount < Self.smallest {
      var block: UnsafeMutableRawPointer?
      return posix_memalign(&block, BufferPool.alignment, byteCount) == 0 ? block : nil
    }
    if byteCount >= HugeMemory.page { return HugeMemory.map(Self.wholePages(byteCount)) }
    return arenas.withLock { arenas in
      if arenas.current == nil || arenas.cut + byteCount > Self.arenaByteCount {
        guard let arena = HugeMemory.map(Self.arenaByteCount, alignment: Self.arenaByteCount) else { return nil }
        arenas.current = UInt(bitPattern: arena)
        arenas.taken[UInt(bitPattern: arena)] = 0
        arenas.cut = 0
      }
      guard let arena = arenas.current else { return nil }
      arenas.taken[arena, default: 0] += 1
      defer { arenas.cut += byteCount }
      return UnsafeMutableRawPointer(bitPattern: arena + UInt(arenas.cut))
    }
  }

  /// Gives back a block of `take`, with the same number of bytes.
  func give(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
    if byteCount < Self.smallest {
      free(block)
      return
    }
    if byteCount >= HugeMemory.page {
      HugeMemory.unmap(block, Self.wholePages(byteCount))
      return
    }
    let arena = UInt(bitPattern: block) & ~UInt(Self.arenaByteCount - 1)
    arenas.withLock { arenas in
      let left = arenas.taken[arena, default: 1] - 1
      arenas.taken[arena] = left
      if left > 0 {
        Self.empty(block, byteCount)
      } else if arenas.current == arena {
        arenas.cut = 0
        // Also where `empty` took them away.
        if let start = UnsafeMutableRawPointer(bitPattern: arena) {
          HugeMemory.advise(start, byteCount: Self.arenaByteCount)
        }
      } else {
        if let start = UnsafeMutableRawPointer(bitPattern: arena) { HugeMemory.unmap(start, Self.arenaByteCount) }
        arenas.taken[arena] = nil
      }
    }
  }

  /// Makes a block's pages the system's again, as far as nothing else lies in them; its addresses wait for the arena's other
  /// blocks.
  private static func empty(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
    let address = Int(bitPattern: block)
    // In the background the system would fill a huge page of which one small page is in use.
    let hugeStart = address & ~(HugeMemory.page - 1)
    let hugeEnd = (address + byteCount + HugeMemory.page - 1) & ~(HugeMemory.page - 1)
    madvise(UnsafeMutableRawPointer(bitPattern: hugeStart), hugeEnd - hugeStart, MADV_NOHUGEPAGE)
    let start = (address + pageByteCount - 1) & ~(pageByteCount - 1)
    let end = (address + byteCount) & ~(pageByteCount - 1)
    if start < end { madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, MADV_DONTNEED) }
  }

  private static func wholePages(_ byteCount: Int) -> Int { (byteCount + pageByteCount - 1) & ~(pageByteCount - 1) }
}
