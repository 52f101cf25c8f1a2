import Glibc

/// Memory of tables. A large one is aligned for huge pages and asks for them: with small ones a row costs a miss in the page
/// tables as well.
public enum HugeMemory {
  private static let page = 2 << 20

  /// Bytes with undefined content, freed with `deallocate`.
  ///
  /// - Parameter alignment: a power of two, at most two mebibytes.
  public static func allocate(byteCount: Int, alignment: Int = 64) -> UnsafeMutableRawPointer {
    let isLarge = byteCount >= page
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: isLarge ? page : alignment)
    if isLarge { madvise(memory, byteCount, MADV_HUGEPAGE) }
    return memory
  }

  /// The same, freed with `free`; nil when the system has no more memory.
  public static func allocateIfPossible(byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= page else { return malloc(byteCount) }
    guard let memory = aligned_alloc(page, byteCount) else { return nil }
    madvise(memory, byteCount, MADV_HUGEPAGE)
    return memory
  }

  /// Asks for huge pages in memory that comes from elsewhere, as far as they lie in it.
  public static func advise(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    let start = Int(bitPattern: memory) + page - 1 & ~(page - 1)
    let end = Int(bitPattern: memory) + byteCount & ~(page - 1)
    if start < end { madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, MADV_HUGEPAGE) }
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
}
