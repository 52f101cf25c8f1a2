import Glibc

/// Memory of tables. A large one is aligned for huge pages and asks for them: with small ones a row costs a miss in the page
/// tables as well.
@usableFromInline
enum HugeMemory {
  private static let page = 2 << 20

  /// Bytes with undefined content, freed with `deallocate`.
  ///
  /// - Parameter alignment: a power of two, at most two mebibytes.
  @usableFromInline
  static func allocate(byteCount: Int, alignment: Int = 64) -> UnsafeMutableRawPointer {
    let isLarge = byteCount >= page
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: isLarge ? page : alignment)
    if isLarge { madvise(memory, byteCount, MADV_HUGEPAGE) }
    return memory
  }

  /// Freed with `deallocate`.
  @inlinable
  static func allocate<Element: BitwiseCopyable>(
    _: Element.Type, count: Int, repeating value: Element
  ) -> UnsafeMutablePointer<Element> {
    let memory = allocate(byteCount: count * MemoryLayout<Element>.stride)
    let elements = memory.bindMemory(to: Element.self, capacity: count)
    elements.initialize(repeating: value, count: count)
    return elements
  }
}
