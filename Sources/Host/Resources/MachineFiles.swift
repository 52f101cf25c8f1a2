import Base
import Glibc

/// The file system that tells about the machine; a test hands in another root.
struct MachineFiles: Sendable {
  /// What stands before each path; empty for the machine itself.
  var root = ""

  /// The content of a small text file, nil when it cannot be read.
  func text(_ path: String) -> String? {
    readFile(root + path, limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The first word of a file, nil when there is none.
  func word(_ path: String) -> Substring? { text(path)?.split(whereSeparator: \.isWhitespace).first }
}

/// The bytes of a file of at most `limit` bytes; nil when it cannot be read or is longer.
func readFile(_ path: String, limit: Int) -> [UInt8]? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 14)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0, bytes.count + count <= limit else { return nil }
    if count == 0 { return bytes }
    bytes += chunk[..<count]
  }
}
