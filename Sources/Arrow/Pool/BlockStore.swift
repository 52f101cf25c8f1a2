import Base

/// The free blocks that no thread holds, up to a number of bytes.
final class BlockStore: Sendable {
  static let shared = BlockStore(limit: 256 << 20)

  /// A block for which there is no room.
  private struct Surplus {
    let block: UnsafeMutableRawPointer
    let byteCount: Int
  }

  private struct Content: @unchecked Sendable {  // Guarded by the monitor that it lives in.
    var lists = [FreeBlocks](repeating: FreeBlocks(), count: BlockSize.count)
    var byteCount = 0
    var limit: Int

    /// Takes blocks out of the sizes that hold the most bytes until `bytes` more fit.
    mutating func evict(for bytes: Int, into surplus: inout [Surplus]) {
      while byteCount + bytes > limit, byteCount > 0 {
        let size = largestShare()
        while byteCount + bytes > limit, let block = lists[size.index].pop() {
          byteCount -= size.byteCount
          surplus.append(Surplus(block: block, byteCount: size.byteCount))
        }
      }
    }

    private func largestShare() -> BlockSize {
      func bytes(_ index: Int) -> Int { lists[index].count * BlockSize(index: index).byteCount }
      return BlockSize(index: lists.indices.reduce(0) { bytes($1) > bytes($0) ? $1 : $0 })
    }
  }
  private let content: Monitor<Content>

  init(limit: Int) { content = Monitor(Content(limit: limit)) }

  var byteCount: Int { content.withLock { $0.byteCount } }

  func setLimit(_ limit: Int) {
    var surplus: [Surplus] = []
    content.withLock { content in
      content.limit = limit
      content.evict(for: 0, into: &surplus)
    }
    Self.free(surplus)
  }

  /// Frees all blocks; whether there were any.
  func empty() -> Bool {
    var surplus: [Surplus] = []
    content.withLock { $0.evict(for: $0.limit, into: &surplus) }
    Self.free(surplus)
    return !surplus.isEmpty
  }

  /// Moves up to `wanted` blocks of a size to `list`; returns how many.
  func take(_ size: BlockSize, _ wanted: Int, into list: inout FreeBlocks) -> Int {
    content.withLock { content in
      var taken = 0
      while taken < wanted, let block = content.lists[size.index].pop() {
        list.push(block)
        taken += 1
      }
      content.byteCount -= taken * size.byteCount
      return taken
    }
  }

  /// Moves blocks of a size here until `list` has `keep`, and frees the bytes beyond the limit, of whatever size there
  /// are most: what is given now is what is used now.
  func give(_ size: BlockSize, from list: inout FreeBlocks, keep: Int) {
    let byteCount = size.byteCount
    var surplus: [Surplus] = []
    content.withLock { content in
      while list.count > keep, let block = list.pop() {
        if byteCount > content.limit {
          surplus.append(Surplus(block: block, byteCount: size.byteCount))
          continue
        }
        content.evict(for: byteCount, into: &surplus)
        content.lists[size.index].push(block)
        content.byteCount += byteCount
      }
    }
    Self.free(surplus)
  }

  private static func free(_ surplus: [Surplus]) {
    for surplus in surplus { BlockMemory.shared.give(surplus.block, surplus.byteCount) }
  }
}
