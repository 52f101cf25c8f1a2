import Glibc

/// A folder for the files of one run.
struct ScratchFolder {
  let path: String

  init() throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/volley-testing-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw PipelineTestFailure("no folder can be made in \(parent): \(String(cString: strerror(errno)))")
    }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress.unsafelyUnwrapped) }  // Not empty.
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Removes the files and the folder. A sink may have written a folder; what is left of one is the system's to clean.
  func remove() {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != "." && name != ".." { unlink(file(name)) }
      }
      closedir(folder)
    }
    rmdir(path)
  }

  static func write(_ text: String, to path: String) throws {
    guard let handle = fopen(path, "we") else { throw failure("written", path) }
    var text = text
    let count = text.utf8.count
    let written = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, handle) }
    guard fclose(handle) == 0, written == count else { throw failure("written", path) }
  }

  static func read(_ path: String) throws -> [UInt8] {
    guard let handle = fopen(path, "re") else { throw failure("read", path) }
    defer { fclose(handle) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&chunk, 1, chunk.count, handle)
      if count == 0 { return bytes }
      bytes += chunk[0..<count]
    }
  }

  private static func failure(_ verb: String, _ path: String) -> PipelineTestFailure {
    PipelineTestFailure("\(path) cannot be \(verb): \(String(cString: strerror(errno)))")
  }
}
