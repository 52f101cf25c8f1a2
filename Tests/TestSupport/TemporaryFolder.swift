import Glibc

/// A folder that is gone when the value is.
public final class TemporaryFolder {
  public let path: String

  public init() {
    var template = Array("/tmp/volley-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("no temporary folder: errno \(errno)") }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { _ = TestProcess.run(["/bin/rm", "-rf", path]) }

  /// The path of a file in it.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file in it and returns its path.
  @discardableResult
  public func write(_ name: String, _ content: some Sequence<UInt8>) -> String {
    let path = file(name)
    guard let handle = fopen(path, "w") else { fatalError("cannot write \(path): errno \(errno)") }
    let bytes = Array(content)
    fwrite(bytes, 1, bytes.count, handle)
    fclose(handle)
    return path
  }

  @discardableResult
  public func write(_ name: String, _ content: String) -> String { write(name, content.utf8) }

  /// The content of a file in it, nil if there is none.
  public func read(_ name: String) -> [UInt8]? { TestProcess.contents(of: file(name)) }
}
