import Base
import CPlatform
import Glibc

/// Bytes one after the other, in memory that doubles.
struct ByteArena {
  private(set) var base: UnsafeMutablePointer<UInt8>?
  private(set) var count = 0
  private(set) var capacity = 0

  init() {}

  /// An empty one with room for so many bytes.
  init(capacity: Int) {
    guard capacity > 0, let memory = malloc(capacity) else { return }
    HugeMemory.advise(memory, byteCount: capacity)
    base = memory.bindMemory(to: UInt8.self, capacity: capacity)
    self.capacity = capacity
  }

  func deallocate() { free(base) }

  mutating func removeAll() { count = 0 }

  /// Bytes beyond those of now that appending so many takes at worst.
  func growth(by bytes: Int) -> Int { count + bytes > capacity ? grown(by: bytes) : 0 }

  private func grown(by bytes: Int) -> Int { max(count + bytes, 2 * capacity, 4_096) }

  mutating func append(_ bytes: UnsafePointer<UInt8>, count added: Int) throws(Failure) {
    if count + added > capacity {
      let wanted = grown(by: added)
      guard let grown = realloc(base, wanted) else {
        throw Failure(
          .data, "\(wanted) bytes for the keys of one subtask could not be allocated; raise the parallelism")
      }
      HugeMemory.advise(grown, byteCount: wanted)
      base = grown.bindMemory(to: UInt8.self, capacity: wanted)
      capacity = wanted
    }
    if let base { memcpy(base + count, bytes, added) }
    count += added
  }

  /// Asks for the bytes at `start`.
  @inline(__always)  // An instruction in a loop over keys.
  func prefetch(at start: Int) {
    if let base { platform_prefetch(base + start) }
  }

  func isEqual(at start: Int, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard let base else { return count == 0 }
    return memcmp(base + start, bytes, count) == 0
  }

  /// Copies bytes from `start` on to the memory at `target`.
  func copy(at start: Int, count: Int, to target: UnsafeMutableRawPointer) {
    if let base { target.copyMemory(from: base + start, byteCount: count) }
  }

  /// Appends bytes of another arena, for which there is room, and returns where they begin.
  mutating func append(from other: ByteArena, at start: Int, count added: Int) -> Int {
    precondition(count + added <= capacity, "bytes that are moved have room")
    let place = count
    if let base { other.copy(at: start, count: added, to: base + place) }
    count += added
    return place
  }
}
