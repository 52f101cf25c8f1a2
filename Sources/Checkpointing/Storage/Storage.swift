import Keys

/// What checkpoints need of a file system: each call one step after which a machine may lose power.
///
/// Nothing is durable before it is synced: a file's content by `syncFile`, that a name is in a folder or is gone by
/// `syncFolder`. Paths are those of the system. Any thread.
public protocol Storage: Sendable {
  /// - Throws: `EEXIST` when something has the name.
  func makeFolder(_ path: String) throws(StorageProblem)
  /// Removes a folder that is empty.
  func removeFolder(_ path: String) throws(StorageProblem)
  /// Makes a file of these bytes; one that is there is replaced in place.
  ///
  /// - Parameter onlyNew: throws `EEXIST` when something has the name.
  func write(_ bytes: [UInt8], to path: String, onlyNew: Bool) throws(StorageProblem)
  func syncFile(_ path: String) throws(StorageProblem)
  func syncFolder(_ path: String) throws(StorageProblem)
  /// A second name for a file.
  ///
  /// - Throws: `EEXIST` when something has the name; `EXDEV`, `EPERM`, `EMLINK`, `EOPNOTSUPP` or `ENOSYS` when there
  ///   can be none.
  func link(_ path: String, to new: String) throws(StorageProblem)
  /// A file that has the new name is replaced in one step.
  func rename(_ path: String, to new: String) throws(StorageProblem)
  func remove(_ path: String) throws(StorageProblem)
  /// A new file of the same bytes.
  ///
  /// - Throws: `EEXIST` when something has the name.
  func copy(_ path: String, to new: String) throws(StorageProblem)
  /// The names in a folder, in no order.
  func entries(_ path: String) throws(StorageProblem) -> [String]
  /// Bytes of a file; nil when nothing has the name, or something else than a file.
  func size(_ path: String) throws(StorageProblem) -> Int64?
  /// All of a file, in pieces of at most a megabyte.
  func read(_ path: String, _ piece: (UnsafeRawBufferPointer) -> Void) throws(StorageProblem)
  /// The names that the contents of files give them, in the order of the paths.
  func contentNames(_ paths: [String]) -> [Result<ContentName, StorageProblem>]
}

extension Storage {
  /// Makes a folder where there is none. Its name is durable also when somebody made it who died before it was.
  public func makeFolder(_ path: String, in parent: String) throws(StorageProblem) {
    do throws(StorageProblem) { try makeFolder(path) } catch {
      guard error.isTaken else { throw error }
      // A file of that name is refused.
      _ = try entries(path)
    }
    try syncFolder(parent)
  }

  public func read(_ path: String) throws(StorageProblem) -> [UInt8] {
    var bytes: [UInt8] = []
    try read(path) { bytes += $0 }
    return bytes
  }

  public func contentNames(_ paths: [String]) -> [Result<ContentName, StorageProblem>] {
    paths.map { path in Result { () throws(StorageProblem) in try contentName(path) } }
  }

  /// The name that a file's content gives it.
  public func contentName(_ path: String) throws(StorageProblem) -> ContentName {
    var stream = XXH3Stream()
    try read(path) { stream.add($0) }
    return ContentName(stream.digest)
  }

  public func sha256(_ path: String) throws(StorageProblem) -> String {
    var digest = SHA256()
    try read(path) { digest.add($0) }
    return digest.text
  }
}
