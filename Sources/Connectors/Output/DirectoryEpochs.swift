import Base
import Dataflow
import Glibc
import VolleyPlan

/// The files of a folder that belong to epochs: complete and hidden until they are committed.
///
/// A transaction lists an epoch's files by their names in the folder, which tells by itself whether they are committed: a file that
/// has its own name is, and one that has none at all was, and somebody has taken it since.
struct DirectoryEpochs {
  private let target: DirectoryTarget
  /// From the root, ends with "/".
  private let folder: String
  /// Those since the last epoch, by their names in the folder.
  private(set) var completed: [String] = []
  /// No file of this subtask has had this sequence or a higher one.
  private(set) var firstSequence = 0

  init(_ target: DirectoryTarget) {
    self.target = target
    let path = canonicalPath(target.path)
    folder = path.hasSuffix("/") ? path : "\(path)/"
  }

  /// A file is complete and on the disk.
  ///
  /// - Parameter hidden: its hidden path.
  mutating func complete(_ hidden: String) {
    precondition(hidden.utf8.starts(with: target.path.utf8), "a sink's files are in its folder")
    let below = hidden.dropFirst(target.path.count)
    let start = below.lastIndex(of: "/").map { below.index(after: $0) } ?? below.startIndex
    guard let name = HiddenName.untilCommitted.shown(String(below[start...])) else {
      preconditionFailure("a file of an epoch has a hidden name")
    }
    completed.append("\(below[..<start])\(name)")
  }

  /// What is complete since the last call is an epoch's.
  ///
  /// - Parameter next: the next file's sequence.
  mutating func prepare(next: Int) throws(Failure) -> SinkTransaction {
    try secureFolders(of: completed.map { folder + $0 })
    defer { completed = [] }
    let content = JSONValue.object([
      .init("folder", .string(folder)), .init("files", .array(completed.map { .string($0) })),
      .init("subtask", .int(Int64(target.subtask))), .init("next", .int(Int64(next))),
    ])
    return SinkTransaction(content.text)
  }

  func commit(_ transactions: [SinkTransaction]) throws(Failure) {
    for transaction in transactions {
      let parts = try content(transaction)
      for name in parts.files {
        let path = parts.folder + name
        if rename(HiddenName.untilCommitted.name(of: path), path) == 0 { continue }
        // Committed before; or the disk is not there at all.
        guard errno == ENOENT, access(parts.folder, F_OK) == 0 else {
          throw Failure(
            .io,
            "\(target.place): \(path): a file of a complete checkpoint cannot be given its name: "
              + "\(pathProblem(path, isWritten: true))")
        }
      }
      try secureFolders(of: parts.files.map { parts.folder + $0 })
    }
  }

  /// Removes the files that transactions list, also those that were shown, and gives their names to no other. What lies in
  /// another folder stays: a job that was given another one, perhaps with a copy of its checkpoints, has nothing to say there.
  ///
  /// - Returns: how many there were; the first subtask removes those of all.
  mutating func takeBack(_ transactions: [SinkTransaction]) throws(Failure) -> TakeBack {
    var paths: [String] = []
    var removed = 0
    var stays = false
    for transaction in transactions {
      // Of another connector that had the uid: nothing in a folder.
      guard let parts = try? content(transaction) else { continue }
      goBehind(parts)
      guard parts.folder == folder else {
        stays = stays || !parts.files.isEmpty
        continue
      }
      guard target.subtask == 0 else { continue }
      for path in parts.files.map({ parts.folder + $0 }) {
        paths.append(path)
        if unlink(path) == 0 {
          removed += 1
          continue
        }
        // Taken back before, never shown, or taken by a reader; or the disk is not there at all.
        guard errno == ENOENT, access(parts.folder, F_OK) == 0 else {
          throw Failure(
            .io,
            "\(target.place): \(path): a file of a damaged checkpoint, whose rows come again, cannot be removed: "
              + "\(pathProblem(path, isWritten: true))")
        }
      }
    }
    // Also of those that were gone: whoever removed them may have died before it was for good.
    try secureFolders(of: paths)
    return stays ? .stays : .done(files: removed)
  }

  /// Shows what these transactions list and was hidden still; the first subtask does it for all. What lies in another folder stays as
  /// it is.
  mutating func keep(_ transactions: [SinkTransaction]) throws(Failure) {
    for transaction in transactions {
      guard let parts = try? content(transaction) else { continue }
      goBehind(parts)
      if parts.folder == folder, target.subtask == 0 { try commit([transaction]) }
    }
  }

  mutating func recover(own: [SinkTransaction], all: [SinkTransaction]) throws(Failure) {
    try commit(own)
    var spared: Set<String> = []
    for transaction in all {
      let parts = try content(transaction)
      goBehind(parts)
      spared.formUnion(parts.files.map { parts.folder + $0 })
    }
    guard target.subtask == 0 else { return }
    var abandoned: [String] = []
    target.names.forEachFile(in: folder) { file in
      if file.hiding == .untilCommitted, !spared.contains(file.path) { abandoned.append(file.path) }
    }
    for path in abandoned { _ = OutputFile.removeAbandoned(path, .untilCommitted) }
  }

  /// No file gets a name that a transaction lists, whether the file is there or not.
  private mutating func goBehind(_ parts: Content) {
    if parts.subtask == target.subtask { firstSequence = max(firstSequence, parts.next) }
    for name in parts.files {
      // Others commit it, and it is theirs at no time that it is looked for.
      let last = name.split(separator: "/").last.map { String($0) } ?? name
      if let numbers = target.names.numbers(of: last), numbers.subtask == target.subtask,
        let sequence = numbers.sequence
      {
        firstSequence = max(firstSequence, sequence + 1)
      }
    }
  }

  /// What is of no epoch is not to be.
  mutating func discard() {
    for name in completed { unlink(HiddenName.untilCommitted.name(of: folder + name)) }
    completed = []
  }

  private func secureFolders(of paths: [String]) throws(Failure) {
    for folder in Set(paths.map { Connectors.folder(of: $0) }).sorted() where access(folder, F_OK) == 0 {
      try secureFolder(of: "\(folder)/x")
    }
  }

  /// What a transaction says.
  private typealias Content = (folder: String, files: [String], subtask: Int, next: Int)

  private func content(_ transaction: SinkTransaction) throws(Failure) -> Content {
    let json = try? JSONValue.parse(transaction.content)
    guard let folder = json?["folder"]?.text(), folder.hasSuffix("/"), case .array(let files)? = json?["files"],
      let subtask = json?["subtask"]?.integer, let next = json?["next"]?.integer
    else {
      throw Failure(
        .data,
        "\(target.place): the checkpoint's '\(transaction.content.prefix(200))' is nothing that this sink has written; was it another "
          + "connector? Give its uid to none but the same sink")
    }
    return (folder, files.compactMap { $0.text() }, Int(subtask), Int(next))
  }
}
