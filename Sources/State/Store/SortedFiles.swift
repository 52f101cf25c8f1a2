import Base
import CRocksDB
import CRocksMemory

/// Writes entries, in the order of their keys, into files that a database takes in whole: what goes through its buffers
/// is sorted and copied once more.
///
/// Files that were not taken in are removed.
final class SortedFiles {
  private let handle: RocksHandle
  private let writer: OpaquePointer
  private var files: [String] = []
  /// Bytes in the file in hand, about.
  private var written = 0
  private var isOpen = false

  /// At which a file is ended and the next begun.
  private static let fileBytes = 128 << 20

  init(_ handle: RocksHandle) {
    self.handle = handle
    guard let writer = rocks_writer_make(UnsafeMutableRawPointer(handle.options.pointer)) else {
      preconditionFailure("a writer is made, or the process has ended without memory")
    }
    self.writer = OpaquePointer(writer)
  }

  deinit {
    rocksdb_sstfilewriter_destroy(writer)
    for file in files { StateFolder.remove(file) }
  }

  /// - Parameter value: nil: the key is removed.
  func add(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws(Failure) {
    if !isOpen { try open() }
    try handle.call("be written") { error in
      if let value {
        rocksdb_sstfilewriter_put(writer, key.characters, key.count, value.characters, value.count, error)
      } else {
        rocksdb_sstfilewriter_delete(writer, key.characters, key.count, error)
      }
    }
    written += key.count + (value?.count ?? 0) + 8
    if written >= Self.fileBytes { try finish() }
  }

  /// Adds many at once.
  func add(_ sorted: SortedEntries) throws(Failure) {
    let (places, entries) = (sorted.places, sorted.entries)
    var next = 0
    while next < places.count {
      if !isOpen { try open() }
      try handle.call("be written") { error in
        next = entries.withUnsafeBufferPointer {
          rocks_writer_put(
            UnsafeMutableRawPointer(writer), $0.baseAddress, places.baseAddress, next, places.count, Self.fileBytes,
            error)
        }
      }
      if next < places.count { try finish() }
    }
    withExtendedLifetime(sorted) {}
  }

  private func open() throws(Failure) {
    // In the database's own folder, under a name that is none of the database's.
    let path = "\(handle.path)/incoming-\(files.count)"
    files.append(path)
    try handle.call("be written") { rocksdb_sstfilewriter_open(writer, path, $0) }
    isOpen = true
    written = 0
  }

  private func finish() throws(Failure) {
    guard isOpen else { return }
    isOpen = false
    try handle.call("be written") { rocksdb_sstfilewriter_finish(writer, $0) }
  }

  /// The database takes what was added in.
  ///
  /// - Parameter family: nil: the one that has the entries.
  func ingest(into family: OpaquePointer? = nil) throws(Failure) {
    try finish()
    try handle.ingest(files, into: family)
    files = []
  }
}
