import Base
import CRocksDB
import Glibc
import Synchronization

/// An open database of RocksDB's, its calls with errors as failures. From any thread.
///
/// The list of its tables is in RocksDB's column family "default", the entries are in one named "entries-" and a number: when all
/// entries are other ones they become those of a new family, and the files of the former go without being merged. In a database
/// of the first format all is in "default".
final class RocksHandle: @unchecked Sendable {  // RocksDB locks what it has; the rest never changes or has a monitor.
  let pointer: OpaquePointer
  let path: String
  let options: RocksOptions
  let writing: OpaquePointer
  let reading: OpaquePointer
  private let passing: OpaquePointer
  private let lookups = Atomic<Int>(0)
  let memory: StateMemoryShares
  private let families: Monitor<RocksFamilies>

  enum Mode {
    case create, write, read
  }

  /// - Parameter path: its folder; to create one, an empty folder.
  init(_ path: String, _ mode: Mode, _ memory: StateMemoryShares) throws(Failure) {
    let options = RocksOptions(memory, creating: mode == .create)
    let (pointer, families) = try RocksFamilies.open(path, mode, options)
    self.pointer = pointer
    self.families = Monitor(families)
    self.path = path
    self.options = options
    self.memory = memory
    writing = rocksdb_writeoptions_create()
    rocksdb_writeoptions_disable_WAL(writing, 1)
    reading = rocksdb_readoptions_create()
    passing = rocksdb_readoptions_create()
    rocksdb_readoptions_set_fill_cache(passing, 0)
  }

  deinit {
    rocksdb_writeoptions_destroy(writing)
    rocksdb_readoptions_destroy(reading)
    rocksdb_readoptions_destroy(passing)
    families.withLock { $0.close() }
    rocksdb_close(pointer)
  }

  /// How many lookups there are to one that leaves what it has read in the cache.
  private static let lookupsToOneCached = 16

  /// How to look for many keys that lie anywhere: their blocks are hardly asked for again before others have taken their place in the
  /// cache, and would put filters and indexes out of it, which are. Those of the indexes that are missing come into it only with
  /// a lookup that caches all it reads, as one now and then does.
  var lookingUp: OpaquePointer {
    let number = lookups.wrappingAdd(1, ordering: .relaxed).oldValue
    return number % Self.lookupsToOneCached == 0 ? reading : passing
  }

  /// Calls `body` with the family that has the entries. It stays while that runs.
  func withEntries<Result>(_ body: (OpaquePointer) -> Result) -> Result {
    families.withLock { body($0.entries) }
  }

  /// Whether other entries can take the place of all that there are.
  var canReplaceEntries: Bool { families.withLock { $0.number != nil } }

  /// Other entries take the place of all that there are. By the thread that writes.
  ///
  /// - Parameter fill: is given the family that is to have them, which is empty.
  func replaceEntries(_ fill: (OpaquePointer) throws(Failure) -> Void) throws(Failure) {
    guard let number = families.withLock({ $0.number }) else {
      preconditionFailure("entries of the first format stay where they are")
    }
    let new = try RocksFamilies.create(pointer, path, options, number: number + 1)
    do throws(Failure) { try fill(new) } catch {
      rocksdb_column_family_handle_destroy(new)
      throw error
    }
    let former = families.withLock { $0.replace(new) }
    defer { rocksdb_column_family_handle_destroy(former) }
    try call("be written") { rocksdb_drop_column_family(pointer, former, $0) }
  }

  /// Makes a call that may set an error.
  ///
  /// - Parameter action: "be opened".
  static func call(
    _ path: String, _ action: String, _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Void
  ) throws(Failure) {
    var error: UnsafeMutablePointer<CChar>?
    body(&error)
    if let error { throw failure(path, action, error) }
  }

  func call(
    _ action: String, _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Void
  ) throws(Failure) {
    try Self.call(path, action, body)
  }

  /// - Parameter error: what RocksDB says, which is freed.
  static func failure(_ path: String, _ action: String, _ error: UnsafeMutablePointer<CChar>) -> Failure {
    let text = String(cString: error)
    rocksdb_free(error)
    let isDamaged = text.hasPrefix("Corruption")
    let remedy: String
    if isDamaged {
      remedy = "its files are damaged; go on from an earlier epoch"
    } else if text.contains("No space left") {
      remedy = "free space there, or name another folder with --state-dir"
    } else {
      remedy = "check the disk, or name another folder with --state-dir"
    }
    return Failure(isDamaged ? .data : .io, "the state in '\(path)' cannot \(action): \(text); \(remedy)")
  }

  /// A number that RocksDB knows of itself; 0 when it knows none.
  func property(_ name: String) -> Int {
    var value: UInt64 = 0
    let isMissing = withEntries { rocksdb_property_int_cf(pointer, $0, name, &value) }
    return isMissing == 0 ? Int(clamping: value) : 0
  }

  // MARK: The list of tables

  func value(_ key: [UInt8]) throws(Failure) -> [UInt8]? {
    var length = 0
    var found: UnsafeMutablePointer<CChar>?
    try call("be read") { error in
      found = key.withUnsafeBytes {
        rocksdb_get(pointer, reading, $0.baseAddress?.assumingMemoryBound(to: CChar.self), key.count, &length, error)
      }
    }
    guard let found else { return nil }
    defer { rocksdb_free(found) }
    return Array(UnsafeRawBufferPointer(start: found, count: length))
  }

  func put(_ key: [UInt8], _ value: [UInt8]) throws(Failure) {
    try call("be written") { error in
      key.withUnsafeBytes { key in
        value.withUnsafeBytes { value in
          rocksdb_put(pointer, writing, key.characters, key.count, value.characters, value.count, error)
        }
      }
    }
  }

  // MARK: Entries

  /// Writes to be made together, of entries.
  func makeBatch() -> WriteBatch { withEntries { WriteBatch($0) } }

  func write(_ batch: WriteBatch) throws(Failure) {
    if batch.count == 0 { return }
    try call("be written") { rocksdb_write(pointer, writing, batch.pointer, $0) }
  }

  /// Removes all entries from one key on and before another.
  func removeRange(from start: [UInt8], to end: [UInt8]) throws(Failure) {
    let batch = makeBatch()
    batch.removeRange(start, end)
    try write(batch)
  }

  /// Writes what is in this database's buffers into a file, and waits for it.
  func flush() throws(Failure) {
    let options = rocksdb_flushoptions_create()
    defer { rocksdb_flushoptions_destroy(options) }
    rocksdb_flushoptions_set_wait(options, 1)
    let family = withEntries { $0 }
    try call("be written") { rocksdb_flush_cf(pointer, options, family, $0) }
  }

  /// Files above the lowest level are merged soon, by RocksDB's threads.
  func mergeSoon() throws(Failure) {
    try call("be merged") { error in
      withEntries { rocksdb_suggest_compact_range_cf(pointer, $0, nil, 0, nil, 0, error) }
    }
  }

  /// Takes files in that were just written, moving them; each has keys of its own.
  ///
  /// - Parameter family: nil: the one that has the entries.
  func ingest(_ files: [String], into family: OpaquePointer? = nil) throws(Failure) {
    if files.isEmpty { return }
    let options = rocksdb_ingestexternalfileoptions_create()
    defer { rocksdb_ingestexternalfileoptions_destroy(options) }
    rocksdb_ingestexternalfileoptions_set_move_files(options, 1)
    let names: [UnsafeMutablePointer<CChar>?] = files.map { strdup($0) }
    defer { for name in names { free(name) } }
    let pointers: [UnsafePointer<CChar>?] = names.map { UnsafePointer($0) }
    let family = family ?? withEntries { $0 }
    try call("be written") { rocksdb_ingest_external_file_cf(pointer, family, pointers, files.count, options, $0) }
  }
}

/// Writes that are made together.
final class WriteBatch {
  let pointer: OpaquePointer = rocksdb_writebatch_create()
  private let family: OpaquePointer
  private(set) var count = 0

  /// - Parameter family: what is written to; there until the batch is written.
  init(_ family: OpaquePointer) { self.family = family }

  deinit { rocksdb_writebatch_destroy(pointer) }

  func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    rocksdb_writebatch_put_cf(pointer, family, key.characters, key.count, value.characters, value.count)
    count += 1
  }

  func remove(_ key: UnsafeRawBufferPointer) {
    rocksdb_writebatch_delete_cf(pointer, family, key.characters, key.count)
    count += 1
  }

  func removeRange(_ start: [UInt8], _ end: [UInt8]) {
    start.withUnsafeBytes { start in
      end.withUnsafeBytes { end in
        rocksdb_writebatch_delete_range_cf(
          pointer, family, start.characters, start.count, end.characters, end.count)
      }
    }
    count += 1
  }
}

extension UnsafeRawBufferPointer {
  /// As RocksDB takes bytes.
  var characters: UnsafePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }
}
