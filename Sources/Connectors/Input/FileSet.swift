import Base
import Glibc
import Synchronization

/// The files that a source's patterns stand for, found once, when the first instance is made, so that all instances see the
/// same.
final class FileSet: Sendable {
  private let patterns: [String]
  /// Leads messages: "source 'orders' (csv)".
  private let place: String
  private let isSplittable: Bool
  private let compression: InputCompression
  private let found = Mutex<[FileSplit]?>(nil)

  init(patterns: [String], place: String, isSplittable: Bool, compression: InputCompression = .plain) {
    self.patterns = patterns
    self.place = place
    self.isSplittable = isSplittable
    self.compression = compression
  }

  /// All splits, in the order of their paths.
  ///
  /// - Throws: `noInput`: a missing file, a pattern without files, a directory, a file that may not be read.
  func splits() throws(Failure) -> [FileSplit] {
    if let splits = found.withLock({ $0 }) { return splits }
    var paths: Set<String> = []
    for pattern in patterns { paths.formUnion(try files(pattern)) }
    var splits: [FileSplit] = []
    for path in paths.sorted() {
      var status = stat()
      guard stat(path, &status) == 0 else {
        throw Failure(.noInput, "\(place): \(path): cannot be read: \(pathProblem(path, isWritten: false))")
      }
      guard status.st_mode & S_IFMT != S_IFDIR else { throw isDirectory(path).within(place) }
      guard access(path, R_OK) == 0 else {
        throw Failure(.noInput, "\(place): \(path): cannot be read: \(pathProblem(path, isWritten: false))")
      }
      let isRegular = status.st_mode & S_IFMT == S_IFREG
      splits += FileSplit.splits(
        of: path, byteCount: Int64(status.st_size),
        isSplittable: isSplittable && isRegular && (status.st_size <= FileSplit.size || compression.isPlain(path)))
    }
    return found.withLock { found in
      if let found { return found }
      found = splits
      return splits
    }
  }

  private func files(_ pattern: String) throws(Failure) -> [String] {
    // A path that exists is that file, also when its name has brackets or stars.
    var status = stat()
    if stat(pattern, &status) == 0 { return [pattern] }
    guard Self.isPattern(pattern) else {
      throw Failure(.noInput, "\(place): \(pattern): cannot be read: \(systemError()); correct the option 'path'")
    }
    guard let paths = Self.matches(pattern) else {
      let code = errno
      let problem =
        code == ENOENT
        ? "\(systemError(code)); correct the option 'path' or create the directory"
        : pathProblem(pattern, isWritten: false, code: code)
      throw Failure(.noInput, "\(place): '\(pattern)' leads into a directory that cannot be read: \(problem)")
    }
    guard !paths.isEmpty else {
      throw Failure(.noInput, "\(place): no file matches '\(pattern)'; correct the option 'path' or provide the files")
    }
    return paths
  }

  /// Whether a path has wildcards.
  static func isPattern(_ path: String) -> Bool {
    path.utf8.contains { Array("*?[{".utf8).contains($0) }
  }

  /// The paths that a pattern matches, in no order; nil when a directory on the way cannot be read.
  static func matches(_ pattern: String) -> [String]? {
    var status = stat()
    if stat(pattern, &status) == 0 { return [pattern] }
    var matches = glob_t()
    defer {
      let code = errno
      globfree(&matches)
      errno = code
    }
    switch glob(pattern, GLOB_BRACE | GLOB_ERR | GLOB_NOSORT, nil, &matches) {
    case 0: break
    case GLOB_NOMATCH: return []
    default: return nil
    }
    var paths: [String] = []
    for index in 0..<Int(matches.gl_pathc) {
      if let path = matches.gl_pathv[index] { paths.append(String(cString: path)) }
    }
    return paths
  }
}
