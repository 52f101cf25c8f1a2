import Glibc

/// Memory of tables. A large one is aligned for huge pages and asks for them: with small ones a row costs a miss in the page
/// tables as well.
enum HugeMemory {
  private static let page = 2 << 20

  /// Freed with `deallocate`.
  static func allocate<Element: BitwiseCopyable>(
    _: Element.Type, count: Int, repeating value: Element
  ) -> UnsafeMutablePointer<Element> {
    let byteCount = count * MemoryLayout<Element>.stride
    let isLarge = byteCount >= page
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: isLarge ? page : 64)
    if isLarge { madvise(memory, byteCount, MADV_HUGEPAGE) }
    let elements = memory.bindMemory(to: Element.self, capacity: count)
    elements.initialize(repeating: value, count: count)
    return elements
  }
}
