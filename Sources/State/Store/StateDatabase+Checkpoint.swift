import Base
import CRocksDB

extension StateDatabase {
  /// All that was applied, as files in a folder: second names of the immutable ones, which costs no more than they are
  /// many, and copies of the others.
  ///
  /// - Parameter folder: is made, on the file system of the database's; what is there is removed. It is the caller's,
  ///   who removes it when the files are where they are to stay.
  public func checkpoint(into folder: String) throws(Failure) -> [StateFile] {
    StateFolder.remove(folder)
    if let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
      try StateFolder.make(String(folder[..<slash]))
    }
    var checkpoint: OpaquePointer?
    try handle.call("be kept as an epoch") { checkpoint = rocksdb_checkpoint_object_create(handle.pointer, $0) }
    guard let checkpoint else { preconditionFailure("there is a checkpoint, or an error") }
    defer { rocksdb_checkpoint_object_destroy(checkpoint) }
    // What is in memory is written first, whatever its size.
    try handle.call("be kept as an epoch") { rocksdb_checkpoint_create(checkpoint, folder, 0, $0) }
    var files: [StateFile] = []
    for name in try StateFolder.names(in: folder) {
      let path = "\(folder)/\(name)"
      files.append(StateFile(name: name, path: path, byteCount: try StateFolder.byteCount(path)))
    }
    return files
  }

  /// How much there is.
  public struct Sizes: Sendable, Hashable {
    /// About: entries that were put again, and removed ones, may count.
    public var entryCount: Int
    /// Bytes of the files in use.
    public var fileBytes: Int
    /// Bytes of entries that are not written yet.
    public var bufferedBytes: Int
    /// Files are being merged, or wait for it.
    public var isMerging: Bool
  }

  public var sizes: Sizes {
    Sizes(
      entryCount: handle.property("rocksdb.estimate-num-keys"),
      fileBytes: handle.property("rocksdb.live-sst-files-size"),
      bufferedBytes: handle.property("rocksdb.cur-size-all-mem-tables"),
      isMerging: handle.property("rocksdb.num-running-compactions") > 0
        || handle.property("rocksdb.compaction-pending") > 0)
  }

  /// Merges all files into one run, without what is out of date; takes as long as that takes.
  public func mergeAll() { handle.withEntries { rocksdb_compact_range_cf(handle.pointer, $0, nil, 0, nil, 0) } }
}
