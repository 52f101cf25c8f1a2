import CPlatform
import Glibc

/// Which keys may be in a set of keys, by their hashes (`KeyHasher`): a key that was inserted always may; another one seldom, as long
/// as there is room. For a database that need not be asked for keys that it cannot have.
///
/// A Bloom filter whose bits of a key lie in one block of 64 bytes, a line of the cache, so that a question costs one miss: F. Putze,
/// P. Sanders, J. Singler: "Cache-, hash- and space-efficient Bloom filters" (2007). The upper half of a hash chooses the block, as D. Lemire:
/// "Fast random integer generation in an interval" (2019); the lower half is multiplied again and again, and the upper bits of each
/// product choose a bit, as RocksDB's `FastLocalBloomImpl` (`util/bloom_impl.h`) does. Six bits a key: with 10 bits of the filter
/// a key about 1 of 100 others is said to be there, with 6 about 7, with 20 about 1 of 2,000.
///
/// Hashes of one subtask may have few values of their lowest bits, which choose the key group; they may not of the upper ones.
/// The filter is in no file, and may change. One thread at a time.
public final class KeyFilter {
  /// Bytes that it holds: those that it was made with, down to whole blocks. The system gives them when they are first written to.
  public let byteCount: Int
  private let blockCount: UInt64
  private let memory: UnsafeMutableRawPointer
  private let blocks: UnsafeMutablePointer<UInt64>
  private var setBits = 0

  private static let blockBytes = 64
  private static let blockWords = 8
  private static let bitsOfKey = 6
  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40

  /// nil when the system has no memory for it: whoever asks goes on without, and looks for every key.
  ///
  /// - Parameter byteCount: at least 64, below 256 GiB.
  public init?(byteCount: Int) {
    let count = byteCount / Self.blockBytes
    precondition(count > 0 && count <= Int(UInt32.max), "a filter has a block, and not more than 32 bits can name")
    guard let memory = calloc(count + 1, Self.blockBytes) else { return nil }
    self.byteCount = count * Self.blockBytes
    blockCount = UInt64(count)
    self.memory = memory
    blocks = memory.alignedUp(toMultipleOf: Self.blockBytes)
      .bindMemory(to: UInt64.self, capacity: count * Self.blockWords)
  }

  deinit { free(memory) }

  /// From 0, empty, to 1, all bits set: half of them with 8.7 bits of the filter a key.
  public var fullness: Double { Double(setBits) / Double(byteCount * 8) }

  /// How often a key is said to be there that was not inserted, about: somewhat more, as some blocks have more keys than others.
  public var falsePositiveRate: Double {
    let fullness = fullness
    return (0..<Self.bitsOfKey).reduce(1) { rate, _ in rate * fullness }
  }

  @inline(__always)  // A multiplication, in every loop over keys.
  private func block(_ hash: UInt64) -> UnsafeMutablePointer<UInt64> {
    // Both factors have 32 bits.
    blocks + Int(truncatingIfNeeded: ((hash &>> 32) &* blockCount) &>> 32) &* Self.blockWords
  }

  /// Inserts keys. One that is there already changes nothing.
  public func insert(_ hashes: UnsafePointer<UInt64>, count: Int) {
    for index in 0..<min(Self.ahead, count) { platform_prefetch(block(hashes[index])) }
    var added = 0
    for index in 0..<count {
      if index &+ Self.ahead < count { platform_prefetch(block(hashes[index &+ Self.ahead])) }
      let block = block(hashes[index])
      var bits = UInt32(truncatingIfNeeded: hashes[index])
      for _ in 0..<Self.bitsOfKey {
        bits = bits &* Self.factor
        let bit = Int(truncatingIfNeeded: bits &>> 23)
        let (word, mask) = (block[bit &>> 6], UInt64(1) &<< UInt64(bit & 63))
        added &+= word & mask == 0 ? 1 : 0
        block[bit &>> 6] = word | mask
      }
    }
    setBits += added
  }

  /// Whether the key may have been inserted: false says that it was not.
  public func mayContain(_ hash: UInt64) -> Bool {
    let block = block(hash)
    var bits = UInt32(truncatingIfNeeded: hash)
    for _ in 0..<Self.bitsOfKey {
      bits = bits &* Self.factor
      let bit = Int(truncatingIfNeeded: bits &>> 23)
      if block[bit &>> 6] &>> UInt64(bit & 63) & 1 == 0 { return false }
    }
    return true
  }

  /// Asks the processor for what a question about the key will need.
  public func prefetch(_ hash: UInt64) { platform_prefetch(block(hash)) }

  /// 2^32 divided by the golden ratio, as in Knuth's multiplicative hashing.
  private static let factor: UInt32 = 0x9E37_79B9
}
