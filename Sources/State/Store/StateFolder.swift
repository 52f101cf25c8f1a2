import Base
import CPlatform
import Glibc

/// Files and folders of the state: the calls that the room makes of the file system, with errors as failures.
enum StateFolder {
  /// Makes a folder, and those above it, which is empty then: what an earlier process left in it is removed.
  static func makeEmpty(_ path: String) throws(Failure) {
    guard platform_remove_tree(path) == 0 || errno == ENOENT else { throw failure(path, "cannot be emptied") }
    try make(path)
  }

  /// Makes a folder, and those above it, where there is none.
  static func make(_ path: String) throws(Failure) {
    if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
      throw failure(path, "cannot be made")
    }
    try make(String(path[..<slash]))
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw failure(path, "cannot be made") }
  }

  /// Removes a folder with what is in it; nothing happens where there is none.
  static func remove(_ path: String) { _ = platform_remove_tree(path) }

  /// The names in a folder, in order.
  static func names(in path: String) throws(Failure) -> [String] {
    guard let folder = opendir(path) else { throw failure(path, "cannot be listed") }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func byteCount(_ path: String) throws(Failure) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw failure(path, "cannot be read") }
    return Int(status.st_size)
  }

  /// A second name of a file that nobody writes to, or a copy where there can be none.
  static func link(_ source: String, _ target: String) throws(Failure) {
    if Glibc.link(source, target) == 0 { return }
    try copy(source, target)
  }

  static func copy(_ source: String, _ target: String) throws(Failure) {
    let from = open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw failure(source, "cannot be read") }
    defer { close(from) }
    let to = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard to >= 0 else { throw failure(target, "cannot be written") }
    defer { close(to) }
    let size = 1 << 20
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    defer { bytes.deallocate() }
    while true {
      let count = read(from, bytes, size)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure(source, "cannot be read") }
      if count == 0 { return }
      var done = 0
      while done < count {
        let step = write(to, bytes + done, count - done)
        if step < 0 && errno == EINTR { continue }
        guard step > 0 else { throw failure(target, "cannot be written") }
        done += step
      }
    }
  }

  private static func failure(_ path: String, _ what: String) -> Failure {
    let code = errno
    let remedy =
      switch code {
      case ENOSPC, EDQUOT: "free space there, or name another folder with --state-dir"
      case EACCES, EPERM, EROFS: "give it to the user that runs the job, or name another folder with --state-dir"
      default: "check the disk, or name another folder with --state-dir"
      }
    return Failure(.io, "the state's '\(path)' \(what): \(String(cString: strerror(code))); \(remedy)")
  }
}
