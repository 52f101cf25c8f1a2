import CRocksDB
import CRocksMemory

/// The memory of all databases of a process: one cache of blocks, and one bound for what is not written yet, which is
/// taken out of the cache.
///
/// From any thread. It lives as long as a database does that was opened with it.
// RocksDB's objects lock themselves; the pointers never change.
public final class StateMemoryShares: @unchecked Sendable {
  let cache: OpaquePointer
  let writeBuffers: UnsafeMutableRawPointer
  /// Bytes that the databases' caches and buffers take together, about. What a call needs while it lasts comes on top,
  /// as do two mebibytes for each merge of files that is under way.
  public let byteCount: Int
  /// Bytes of one database's buffer at which it is written out.
  let writeBufferBytes: Int

  /// There is more than a bit above the buffers' part, half of all, that is not written yet.
  var areBuffersFull: Bool { bufferedBytes > byteCount / 8 * 5 }

  /// Entries that are encoded together when many are written, which takes memory of its own, some 130 bytes for each.
  var entriesAtOnce: Int { max(1 << 16, byteCount >> 9) }

  /// No less than this makes a cache that is worth its work.
  public static let leastBytes = 8 << 20

  /// - Parameter byteCount: `leastBytes` at least.
  public init(byteCount: Int) {
    let bytes = max(byteCount, Self.leastBytes)
    self.byteCount = bytes
    // The cache gives room to what lies in the buffers in pieces of 256 KiB, and to blocks whole: a shard holds many of
    // both.
    var shardBits: Int32 = 0
    while shardBits < 6 && bytes >> (Int(shardBits) + 1) >= 16 << 20 { shardBits += 1 }
    let options = rocksdb_lru_cache_options_create()
    rocksdb_lru_cache_options_set_capacity(options, bytes)
    rocksdb_lru_cache_options_set_num_shard_bits(options, shardBits)
    cache = rocksdb_cache_create_lru_opts(options)
    rocksdb_lru_cache_options_destroy(options)
    writeBufferBytes = min(64 << 20, bytes / 4)
    writeBuffers = rocks_write_buffers_make(bytes / 2, UnsafeMutableRawPointer(cache))
  }

  deinit {
    rocks_write_buffers_free(writeBuffers)
    rocksdb_cache_destroy(cache)
  }

  /// Bytes in use: blocks, indexes, filters and what is not written yet.
  public var usedBytes: Int { rocksdb_cache_get_usage(cache) }
  /// Bytes of entries that are not written yet.
  public var bufferedBytes: Int { rocks_write_buffers_bytes(writeBuffers) }
}
