/// The files of one source or sink, as far as they are known before the job runs.
public struct FileUse: Sendable {
  var reads: ReadFiles?
  var writes: WrittenFiles?

  /// Of what is no file.
  public init() {}

  init(reads: ReadFiles? = nil, writes: WrittenFiles?) {
    self.reads = reads
    self.writes = writes
  }
}

/// What a source reads.
struct ReadFiles: Sendable {
  /// "source 'orders' (csv)".
  let place: String
  /// Paths and patterns as the plan has them.
  let paths: [String]
  /// Whether files that appear later are read too.
  let isWatched: Bool

  init(place: String, paths: [String], isWatched: Bool) {
    self.place = place
    self.paths = paths
    self.isWatched = isWatched
  }

  /// Standard input.
  init(stdinOf place: String) { self.init(place: place, paths: ["/proc/self/fd/0"], isWatched: false) }

  /// The regular files that are there. What is wrong with a path is told when it is opened.
  var files: [FoundFile] {
    if isWatched { return WatchedFiles.files(of: paths.map(WatchedFiles.pattern)) }
    return paths.flatMap { FileSet.matches($0) ?? [] }.compactMap { FoundFile(path: $0) }
  }

  /// The patterns by which files may be found that are not there yet: also of a path that may become a folder.
  var patterns: [String] {
    paths.flatMap { path in
      if FoundFile(path: path) != nil { return [] as [String] }
      let folder = isWatched ? WatchedFiles.pattern(path) : path
      return isWatched && folder == path && !FileSet.isPattern(path) ? [path, "\(path)/*"] : [folder]
    }
  }
}
