import Base
import CRocksDB

/// Goes through entries in the order of their keys, as they were when it was made.
final class RocksIterator {
  private let handle: RocksHandle
  private let options: OpaquePointer = rocksdb_readoptions_create()
  private let pointer: OpaquePointer

  /// - Parameter isSeeking: few entries are read at each of many places; else many, one behind the other.
  init(_ handle: RocksHandle, isSeeking: Bool = false) {
    self.handle = handle
    if !isSeeking {
      // What is read once and in order is no reason to forget what is read often.
      rocksdb_readoptions_set_fill_cache(options, 0)
      rocksdb_readoptions_set_readahead_size(options, 1 << 20)
    }
    let options = options
    pointer = handle.withEntries { rocksdb_create_iterator_cf(handle.pointer, options, $0) }
  }

  deinit {
    rocksdb_iter_destroy(pointer)
    rocksdb_readoptions_destroy(options)
  }

  /// Goes to the first entry at the key or behind it.
  func seek(_ key: [UInt8]) {
    key.withUnsafeBytes { rocksdb_iter_seek(pointer, $0.characters, $0.count) }
  }

  func seek(_ key: UnsafeRawBufferPointer) { rocksdb_iter_seek(pointer, key.characters, key.count) }

  func next() { rocksdb_iter_next(pointer) }

  /// Whether it is at an entry.
  ///
  /// - Throws: when the database cannot be read.
  func isValid() throws(Failure) -> Bool {
    if rocksdb_iter_valid(pointer) != 0 { return true }
    try handle.call("be read") { rocksdb_iter_get_error(pointer, $0) }
    return false
  }

  /// Of the entry that it is at; valid until it goes on.
  var key: UnsafeRawBufferPointer {
    var count = 0
    let start = rocksdb_iter_key(pointer, &count)
    return UnsafeRawBufferPointer(start: start, count: count)
  }

  /// As `key`.
  var value: UnsafeRawBufferPointer {
    var count = 0
    let start = rocksdb_iter_value(pointer, &count)
    return UnsafeRawBufferPointer(start: start, count: count)
  }
}
