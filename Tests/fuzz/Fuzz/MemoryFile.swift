import Glibc

/// A file without a name whose content is the input; the sources open it as any other.
struct MemoryFile {
  private let descriptor: Int32

  init() {
    var template = Array("/dev/shm/volley-fuzz-XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    guard descriptor >= 0 else { fatalError("no file in /dev/shm: errno \(errno)") }
    unlink(template)
  }

  var path: String { "/proc/self/fd/\(descriptor)" }

  func write(_ bytes: UnsafeRawBufferPointer) {
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count else {
      fatalError("/dev/shm is full: errno \(errno)")
    }
  }
}
