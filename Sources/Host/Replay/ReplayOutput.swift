import Base
import CPlatform
import Glibc

/// Where a replay writes: one file, or a folder with one of each sink.
struct ReplayOutput: Sendable {
  private enum Form: Sendable {
    case file(String)
    /// Without '/' at its end.
    case folder(String)
  }
  private let form: Form
  /// The sinks' names in the plan.
  let sinks: [String]

  /// - Parameter path: of a file or folder; nil: a folder by the epochs.
  /// - Throws: `usage` when there are several sinks for one file; `io` when the folder cannot be made.
  init(_ path: String?, _ range: ReplayRange, sinks: [String]) throws(Failure) {
    self.sinks = sinks
    let given = path ?? "replay-\(range.start?.epoch.number ?? 0)-\(range.end.epoch.number)/"
    var status = stat()
    let isFolder = given.hasSuffix("/") || (stat(given, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR)
    guard isFolder else {
      guard sinks.count == 1 else {
        throw Failure(
          .usage,
          "--output '\(given)' is one file, and the pipeline has \(sinks.count) sinks; give it '/' at its end for a folder with a file of "
            + "each")
      }
      form = .file(given)
      return
    }
    var folder = given
    while folder.utf8.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
      throw Failure(.io, "the folder '\(folder)' for the rows cannot be made: \(systemError(errno))")
    }
    form = .folder(folder)
  }

  /// The file of a sink.
  ///
  /// - Parameter run: 0, or 1 for the second of two.
  func path(ofSink name: String, run: Int) -> String {
    let suffix = run == 0 ? "" : ".again"
    switch form {
    case .file(let path): return path + suffix
    case .folder(let folder): return "\(folder)/\(EpochOrigin.folderName(name)).jsonl\(suffix)"
    }
  }

  /// The folder of the records on which functions throw.
  func quarantine(run: Int) -> String {
    let suffix = run == 0 ? "" : ".again"
    switch form {
    case .file(let path): return "\(path).quarantine\(suffix)"
    case .folder(let folder): return "\(folder)/quarantine\(suffix)"
    }
  }

  /// Removes what the second of two runs wrote.
  func removeSecond(badRecordsOf sources: [String]) {
    for sink in sinks { unlink(path(ofSink: sink, run: 1)) }
    for source in sources { unlink(path(ofBadRecords: source, run: 1)) }
    _ = platform_remove_tree(quarantine(run: 1))
  }

  /// The file of a source's bad records.
  func path(ofBadRecords name: String, run: Int) -> String {
    let suffix = run == 0 ? "" : ".again"
    switch form {
    case .file(let path): return "\(path).\(EpochOrigin.folderName(name)).bad\(suffix)"
    case .folder(let folder): return "\(folder)/\(EpochOrigin.folderName(name)).bad.jsonl\(suffix)"
    }
  }
}
