import CPlatform
import Glibc

/// Memory from the system in huge pages, where it is large enough and the system has them: with small ones a row costs a miss in
/// the page tables as well.
public enum HugeMemory {
  /// A power of two.
  public static let page = 2 << 20

  /// Tables below so many bytes lie in the caches of a core.
  public static let cachedBytes = 8 << 20

  /// Bytes with undefined content, freed with `deallocate`. Large ones are aligned for huge pages. Where there are none, the process
  /// ends, with a sentence and in order.
  ///
  /// - Parameter alignment: a power of two, at most two mebibytes.
  public static func allocate(byteCount: Int, alignment: Int = 64) -> UnsafeMutableRawPointer {
    // Freed by `free`, which `deallocate` is on Linux.
    guard let memory = allocateIfPossible(byteCount: byteCount, alignment: alignment) else {
      endWithoutMemory(byteCount, for: "a table")
    }
    return memory
  }

  /// The same, freed with `free`; nil when the system has no more memory.
  public static func allocateIfPossible(byteCount: Int, alignment: Int = 64) -> UnsafeMutableRawPointer? {
    let isLarge = byteCount >= page
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, isLarge ? page : alignment, max(1, byteCount)) == 0, let memory else { return nil }
    if isLarge { madvise(memory, byteCount, MADV_HUGEPAGE) }
    return memory
  }

  /// Freed with `deallocate`.
  @inlinable
  public static func allocate<Element: BitwiseCopyable>(
    _: Element.Type, count: Int, repeating value: Element
  ) -> UnsafeMutablePointer<Element> {
    let memory = allocate(byteCount: count * MemoryLayout<Element>.stride)
    let elements = memory.bindMemory(to: Element.self, capacity: count)
    elements.initialize(repeating: value, count: count)
    return elements
  }

  /// Zero bytes in a mapping of their own, whose pages are the system's again when `unmap` gives them back; nil when there are no
  /// more addresses.
  ///
  /// - Parameters:
  ///   - byteCount: whole pages of the system's.
  ///   - alignment: a power of two of at least such a page.
  public static func map(_ byteCount: Int, alignment: Int = page) -> UnsafeMutableRawPointer? {
    let reserved = byteCount + alignment
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let start = mmap(nil, reserved, PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED else { return nil }
    let before = -Int(bitPattern: start) & (alignment - 1)
    let block = start + before
    if before > 0 { munmap(start, before) }
    if alignment > before { munmap(block + byteCount, alignment - before) }
    // Refused by a kernel without huge pages.
    madvise(block, byteCount, MADV_HUGEPAGE)
    return block
  }

  /// Gives a mapping back.
  public static func unmap(_ block: UnsafeMutableRawPointer, _ byteCount: Int) { munmap(block, byteCount) }

  /// Asks for huge pages in memory that comes from elsewhere, as far as they lie in it.
  public static func advise(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    let start = (Int(bitPattern: memory) + page - 1) & ~(page - 1)
    let end = (Int(bitPattern: memory) + byteCount) & ~(page - 1)
    if start < end { madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, MADV_HUGEPAGE) }
  }
}

/// Ends the process because memory that cannot be done without could not be had, as a shortage and not as a crash: in a worker its
/// supervisor tells what was asked for and what to do. Where a `Failure` can be thrown, throw it instead.
///
/// - Parameter purpose: "a buffer".
@inline(never)
public func endWithoutMemory(_ byteCount: Int, for purpose: StaticString) -> Never {
  purpose.withUTF8Buffer { text in
    text.withMemoryRebound(to: CChar.self) { platform_end_without_memory($0.baseAddress, UInt64(max(0, byteCount))) }
  }
}
