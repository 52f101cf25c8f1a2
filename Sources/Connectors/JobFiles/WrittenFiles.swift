import Base
import Glibc
import Observability

/// What a sink writes, or a source for its bad records.
struct WrittenFiles: Sendable {
  enum Form: Sendable {
    /// Replaced when the job ends.
    case file
    /// Several sources may share it: what is bad is added.
    case deadLetters
    case parts(PartNames)
    case standardOutput
  }

  /// "sink 'out' (csv)".
  let place: String
  let uid: String
  /// As the plan has it; a folder's ends with "/".
  let path: String
  let form: Form

  /// "sink 'out' (csv) writes 'out.csv'".
  var sentence: String {
    switch form {
    case .file, .parts: "\(place) writes '\(path)'"
    case .deadLetters: "\(place) writes its bad records to '\(path)'"
    case .standardOutput: "\(place) writes to standard output"
    }
  }

  /// Why it cannot be written.
  ///
  /// - Parameters:
  ///   - use: "which source 'in' (csv) reads".
  ///   - other: the path or pattern of that use.
  func refusal(_ use: String, as other: String) -> Failure {
    let isNamed = other == path || other.hasPrefix("/proc/")
    return Failure(.usage, "\(sentence), \(use)\(isNamed ? "" : " as '\(other)'"); give one of them another path")
  }

  /// The regular files that are there already.
  var files: [FoundFile] {
    switch form {
    case .file, .deadLetters: return FoundFile(path: StandardOutput.path(path)).map { [$0] } ?? []
    case .standardOutput: return FoundFile(path: StandardOutput.path("/dev/stdout")).map { [$0] } ?? []
    case .parts(let names):
      var files: [FoundFile] = []
      names.forEachFile(in: path) { part in
        if part.hiding == nil, let file = FoundFile(path: part.path) { files.append(file) }
      }
      return files
    }
  }

  /// Where it is, whatever name it was given; nil for what has no name, and for a device or pipe, of which nothing is replaced.
  var location: String? {
    if case .standardOutput = form { return nil }
    var status = stat()
    let isThere = stat(StandardOutput.path(path), &status) == 0
    if case .parts = form { return canonicalPath(path) }
    return isThere && status.st_mode & S_IFMT != S_IFREG ? nil : canonicalPath(path)
  }

  /// Whether it may write what the other writes.
  func meets(_ other: WrittenFiles) -> Bool {
    switch (form, other.form) {
    case (.standardOutput, .standardOutput), (.deadLetters, .deadLetters): return false
    case (.parts(let names), .parts(let others)):
      guard let location, let there = other.location else { return false }
      return names.isFolder(there, below: location, of: others) || others.isFolder(location, below: there, of: names)
    case (.parts(let names), _):
      guard let location, let there = other.location else { return false }
      return names.isFile(there, below: location)
    case (_, .parts): return other.meets(self)
    default:
      if let location, location == other.location { return true }
      return !Set(files.map(\.identity)).isDisjoint(with: other.files.map(\.identity))
    }
  }

  /// Whether a file that it will make may be found by a pattern.
  func isReached(by pattern: String, hidesTemporaries: Bool) -> Bool {
    guard let location else { return false }
    if case .parts(let names) = form { return names.areReached(by: pattern, in: location) }
    return !(hidesTemporaries && FoundFile.isTemporary(location)) && leads(pattern, to: location)
  }

  // MARK: Before the job runs

  /// Removes what a killed job left of these files, tells of what stays, and sees that bad records can be written.
  func prepare(_ log: EventLog?) throws(Failure) {
    switch form {
    case .standardOutput: break
    case .deadLetters: try refuseUnwritable()
    case .file:
      if let location { removeAbandoned(location, log) }
    case .parts(let names):
      var kept = 0
      var hidden: [String] = []
      names.forEachFile(in: path) { part in
        switch part.hiding {
        case .untilDone: hidden.append(part.path)
        // Of an epoch that may be gone on from.
        case .untilCommitted: break
        case nil: kept += 1
        }
      }
      for path in hidden { removeAbandoned(path, log) }
      if names.isRolled, kept > 0 {
        log?.info(
          "sink.files-kept",
          "\(place) finds \(kept) file\(kept == 1 ? "" : "s") of earlier runs in '\(path)'; they stay, and the rows of this run are "
            + "added in others",
          ["uid": .string(uid), "path": .string(path), "files": .int(kept)])
      }
    }
  }

  private func removeAbandoned(_ path: String, _ log: EventLog?) {
    guard let bytes = OutputFile.removeAbandoned(path) else { return }
    log?.warning(
      "sink.leftover-removed",
      "\(place) removed \(bytes) byte\(bytes == 1 ? "" : "s") that a job which was killed had written for '\(path)'",
      ["uid": .string(uid), "file": .string(path), "bytes": .int(Int(bytes))])
  }

  /// - Throws: `io` when the dead-letter file cannot be written: else that would be told when all before the first bad record was
  ///   done.
  private func refuseUnwritable() throws(Failure) {
    var status = stat()
    let code: Int32
    if stat(path, &status) == 0 {
      code = status.st_mode & S_IFMT == S_IFDIR ? EISDIR : access(path, W_OK) == 0 ? 0 : errno
    } else if errno == ENOENT {
      let folder = folder(of: path)
      code = path.hasSuffix("/") ? EISDIR : access(folder, W_OK | X_OK) == 0 ? 0 : errno
    } else {
      code = errno
    }
    guard code != 0 else { return }
    throw Failure(
      .io,
      "\(place): the dead-letter file \(path) cannot be written: \(pathProblem(path, isWritten: true, code: code))")
  }
}
