import Base
import Glibc

/// A file's bytes in memory, for reading. They stay as long as somebody holds the object: a column that is a view of
/// them does.
///
/// Nobody may shorten the file meanwhile: the kernel ends a process that reads pages which are gone (SIGBUS).
public final class MappedFile: Sendable {
  public let path: String
  private let byteCount: Int
  private nonisolated(unsafe) let address: UnsafeRawPointer?  // Never written.

  /// - Throws: a `noInput` failure when the file cannot be opened or mapped.
  public init(_ path: String) throws(Failure) {
    func refusal(_ what: String) -> Failure {
      Failure(.noInput, "cannot \(what) '\(path)': \(String(cString: strerror(errno)))")
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw refusal("open") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw refusal("examine") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw Failure(.noInput, "cannot map '\(path)' into memory: it is no regular file; read it as a stream")
    }
    self.path = path
    byteCount = Int(status.st_size)
    // An empty file cannot be mapped.
    guard byteCount > 0 else {
      address = nil
      return
    }
    guard let mapped = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0), mapped != MAP_FAILED else {
      throw refusal("map")
    }
    address = UnsafeRawPointer(mapped)
  }

  deinit {
    if let address { munmap(UnsafeMutableRawPointer(mutating: address), byteCount) }
  }

  /// The whole file.
  public var bytes: SharedBytes {
    guard let address else { return SharedBytes(Buffer(byteCount: 0)) }
    return SharedBytes(address, count: byteCount, owner: self)
  }
}
