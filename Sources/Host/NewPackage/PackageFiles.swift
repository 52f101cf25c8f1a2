import Base
import CPlatform
import Glibc

/// Writes trees of files so that nothing half-written looks whole: a tree is made beside its place and moved there at once.
enum PackageFiles {
  /// Makes the folder `path`, which must not be there or be empty, with these files in it.
  static func create(_ files: [SDKArchive.File], at path: String) throws(Failure) {
    try inFreshFolder(beside: path) { fresh throws(Failure) in
      try write(files, in: fresh)
      // rename replaces an empty folder, and nothing else.
      guard rename(fresh, path) == 0 else { throw ioFailure("cannot make the folder \(path)") }
    }
  }

  /// Puts a folder with these files in the place of `path`, whatever that is.
  static func replace(_ files: [SDKArchive.File], at path: String) throws(Failure) {
    try inFreshFolder(beside: path) { fresh throws(Failure) in
      try write(files, in: fresh)
      if rename(fresh, path) == 0 { return }
      // The exchange is one step; what stood there is then in `fresh` and goes with it.
      guard platform_exchange_paths(fresh, path) == 0 else {
        throw ioFailure("cannot put the new \(path) in place")
      }
    }
  }

  /// Whether something is there, and is not an empty folder.
  static func isOccupied(_ path: String) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else { return false }
    guard let folder = opendir(path) else { return true }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { return true }
    }
    return false
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private static func inFreshFolder(
    beside path: String, _ body: (String) throws(Failure) -> Void
  ) throws(Failure) {
    var template = Array("\(path).new-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ioFailure("cannot make a folder beside \(path)") }
    let fresh = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { _ = platform_remove_tree(fresh) }
    guard chmod(fresh, 0o777 & ~mask()) == 0 else { throw ioFailure("cannot set the permissions of \(fresh)") }
    try body(fresh)
  }

  private static func write(_ files: [SDKArchive.File], in folder: String) throws(Failure) {
    for file in files {
      let path = "\(folder)/\(file.path)"
      try makeFolders(above: path)
      let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file.isExecutable ? 0o777 : 0o666)
      guard descriptor >= 0 else { throw ioFailure("cannot make the file \(path)") }
      let written = writeAll(file.bytes, to: descriptor)
      let reason = errno
      guard close(descriptor) == 0, written else {
        errno = written ? errno : reason
        throw ioFailure("cannot write the file \(path)")
      }
    }
  }

  private static func makeFolders(above path: String) throws(Failure) {
    for (index, character) in zip(path.indices, path) where character == "/" && index > path.startIndex {
      let folder = String(path[..<index])
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else { throw ioFailure("cannot make the folder \(folder)") }
    }
  }

  private static func mask() -> mode_t {
    let mask = umask(0o022)
    umask(mask)
    return mask
  }

  private static func ioFailure(_ what: String) -> Failure { Failure(.io, "\(what): \(systemError(errno))") }
}

/// Writes all bytes; false with errno when that fails.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  bytes.withUnsafeBytes { bytes in
    var done = 0
    while done < bytes.count {
      let count = write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }
}
