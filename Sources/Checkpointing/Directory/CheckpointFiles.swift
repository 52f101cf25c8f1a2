import Base

/// The files of a checkpoint directory as its owner keeps them: what is there already is not brought again, so that
/// epochs are incremental.
///
/// One thread at a time. A file that is linked into the directory has a second name in the state directory: it must
/// be one that is never written to again.
public struct CheckpointFiles: Sendable {
  private let directory: CheckpointDirectory
  private let generation: Generation
  /// Contents that are there, durable and known to be whole, with their bytes.
  private var present: [ContentName: Int64] = [:]
  private var copies = 0
  private var storage: any Storage { directory.storage }
  /// Names were added that are not durable yet.
  private var isUnsynced = false

  /// Bytes that were brought since the last look: new ones, not those that were there.
  public private(set) var newBytes: Int64 = 0

  public init(_ directory: CheckpointDirectory, generation: Generation) {
    self.directory = directory
    self.generation = generation
  }

  /// The files of an epoch that were found to be whole.
  public mutating func trust(_ manifest: Manifest) {
    for (content, size) in manifest.contents { present[content] = size }
  }

  public mutating func takeNewBytes() -> Int64 {
    defer { newBytes = 0 }
    return newBytes
  }

  /// Brings a file of a database; the publication of the epoch makes it last.
  ///
  /// - Parameters:
  ///   - path: a file that nobody writes to.
  ///   - name: its name in the database.
  ///   - mayLink: nobody will write to it for ever; else it is copied.
  public mutating func add(_ path: String, name: String, mayLink: Bool) throws(Failure) -> Manifest.File {
    try directory.steps { () throws(StorageProblem) in
      let content = try storage.contentName(path)
      guard let size = try storage.size(path) else { throw StorageProblem(.read, path, code: 2) }
      let file = Manifest.File(name: name, content: content, size: size)
      if present[content] != nil { return file }
      try bring(path, to: directory.path(of: content), content, size, mayLink)
      present[content] = size
      newBytes += size
      return file
    }
  }

  /// A file that was brought before, by this process or found by `trust`: nothing has to be read.
  public func has(_ content: ContentName) -> Bool { present[content] != nil }

  private mutating func bring(
    _ path: String, to target: String, _ content: ContentName, _ size: Int64, _ mayLink: Bool
  ) throws(StorageProblem) {
    isUnsynced = true
    if mayLink {
      // A name in the directory always stands for the whole content, after a crash too: the content comes first.
      try storage.syncFile(path)
      do throws(StorageProblem) { return try storage.link(path, to: target) } catch {
        if error.isTaken {
          if try isWhole(target, content, size) { return }
        } else if !error.cannotLink {
          throw error
        }
      }
    } else if try isWhole(target, content, size) {
      return
    }
    copies += 1
    let hidden = "\(directory.filesFolder)/tmp-\(generation.number)-\(copies)"
    try? storage.remove(hidden)
    do throws(StorageProblem) {
      try storage.copy(path, to: hidden)
      try storage.syncFile(hidden)
      // Replaces what is damaged; the same bytes otherwise.
      try storage.rename(hidden, to: target)
    } catch {
      try? storage.remove(hidden)
      throw error
    }
  }

  /// Somebody brought it before, whose word is not enough.
  private func isWhole(_ path: String, _ content: ContentName, _ size: Int64) throws(StorageProblem) -> Bool {
    guard try storage.size(path) == size else { return false }
    return try storage.contentName(path) == content
  }

  /// Keeps a plugin under its digest.
  ///
  /// - Returns: the digest.
  public mutating func keepPlugin(_ path: String, sha256: String? = nil) throws(Failure) -> String {
    try directory.steps { () throws(StorageProblem) in
      let digest = if let sha256 { sha256 } else { try storage.sha256(path) }
      let target = directory.path(ofPlugin: digest)
      if try storage.size(target) != nil, try storage.sha256(target) == digest {
        try storage.syncFolder(directory.pluginsFolder)
        return digest
      }
      let hidden = "\(directory.pluginsFolder)/tmp-\(generation.number)"
      try? storage.remove(hidden)
      do throws(StorageProblem) {
        // Copied always: the author's next build may write into the same file.
        try storage.copy(path, to: hidden)
        try storage.syncFile(hidden)
        try storage.rename(hidden, to: target)
        try storage.syncFolder(directory.pluginsFolder)
      } catch {
        try? storage.remove(hidden)
        throw error
      }
      return digest
    }
  }

  /// Everything that was added is durable when this returns.
  mutating func sync() throws(Failure) {
    guard isUnsynced else { return }
    try directory.steps { () throws(StorageProblem) in try storage.syncFolder(directory.filesFolder) }
    isUnsynced = false
  }

  /// Does what retention has decided, as far as it can be done: what cannot be removed is left for the next time and
  /// told.
  public mutating func remove(_ plan: RetentionPlan) throws(Failure) {
    for epoch in plan.epochs { try remove(epoch) }
    try directory.steps { () throws(StorageProblem) in
      for name in plan.files {
        if let content = ContentName(name) { present[content] = nil }
        try removeIfThere("\(directory.filesFolder)/\(name)")
      }
      for name in plan.plugins { try removeIfThere("\(directory.pluginsFolder)/\(name)") }
    }
  }

  /// The manifest goes first, for good: a crash must not leave one whose files are gone. What says that there was one goes
  /// before it.
  private func remove(_ epoch: Epoch) throws(Failure) {
    try directory.steps { () throws(StorageProblem) in
      let folder = directory.folder(of: epoch)
      let names = try storage.entries(folder)
      let leading = [CheckpointDirectory.markerName, CheckpointDirectory.manifestName]
      for name in leading where names.contains(name) {
        try removeIfThere("\(folder)/\(name)")
        try storage.syncFolder(folder)
      }
      for name in names where !leading.contains(name) { try removeIfThere("\(folder)/\(name)") }
      try storage.removeFolder(folder)
    }
  }

  private func removeIfThere(_ path: String) throws(StorageProblem) {
    do throws(StorageProblem) { try storage.remove(path) } catch { if !error.isMissing { throw error } }
  }

  /// The names of all files and plugins that are there, for `Retention`.
  public func names() throws(Failure) -> (files: [String], plugins: [String]) {
    try directory.steps { () throws(StorageProblem) in
      (try storage.entries(directory.filesFolder), try storage.entries(directory.pluginsFolder))
    }
  }
}
