/// Free blocks of one size: a list through the blocks themselves, each of which holds the next one's address in its first
/// word.
struct FreeBlocks {
  private var first: UnsafeMutableRawPointer?
  private(set) var count = 0

  mutating func push(_ block: UnsafeMutableRawPointer) {
    block.storeBytes(of: first, as: UnsafeMutableRawPointer?.self)
    first = block
    count += 1
  }

  mutating func pop() -> UnsafeMutableRawPointer? {
    guard let block = first else { return nil }
    first = block.load(as: UnsafeMutableRawPointer?.self)
    count -= 1
    return block
  }
}
