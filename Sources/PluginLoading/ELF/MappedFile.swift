import Base
import Glibc

/// A file's bytes, mapped for reading, so that of a large plugin only the pages that are looked at are read.
final class MappedFile {
  let bytes: UnsafeRawBufferPointer
  /// Absolute, without links.
  let resolvedPath: String

  init(_ path: String) throws(Failure) {
    guard !path.utf8.contains(0) else { throw Failure(.usage, "the path of a plugin holds a NUL; remove it") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.unreadable(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.unreadable(path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "no regular file"
      throw Failure(.plugin, "'\(path)' is not a plugin: it is \(kind); name the plugin's .so file")
    }
    guard let resolved = realpath(path, nil) else { throw Self.unreadable(path, errno) }
    resolvedPath = String(cString: resolved)
    free(resolved)
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw Self.unreadable(path, errno) }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
  }

  private static func unreadable(_ path: String, _ code: Int32) -> Failure {
    if code == ENOENT || code == ENOTDIR {
      return Failure(.noInput, "there is no plugin '\(path)'; check the path")
    }
    return Failure(
      .noInput,
      "plugin '\(path)' cannot be read: \(String(cString: strerror(code))); check the path and its permissions")
  }
}
