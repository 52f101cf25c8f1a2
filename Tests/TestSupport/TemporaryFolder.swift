import Glibc

/// A folder that is gone when the value is.
public final class TemporaryFolder {
  public let path: String

  /// - Parameter inMemory: for what many small files are synced in, where nothing is said about disks.
  public init(inMemory: Bool = false) {
    let parent = inMemory && Self.hasMemory ? "/dev/shm" : "/tmp"
    var template = Array("\(parent)/volley-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("no temporary folder: errno \(errno)") }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  /// Whether there is room for files in memory: containers may have little.
  private static let hasMemory: Bool = {
    var info = statvfs()
    return statvfs("/dev/shm", &info) == 0 && UInt64(info.f_bavail) * UInt64(info.f_frsize) > 2 << 30
  }()

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
    Self.waitForWriters(of: path)
    return path
  }

  /// Returns when no process has a file open for writing: one that was forked while it was written here, as calls that may trap are
  /// tried in a copy of the process, has it for a while too, and sources take such a file for one that is not complete.
  public static func waitForWriters(of path: String) {
    let handle = open(path, O_RDONLY | O_CLOEXEC)
    guard handle >= 0 else { return }
    defer { close(handle) }
    // F_SETLEASE of fcntl(2): a read lease is refused with EAGAIN while the file is open for writing.
    while fcntl(handle, 1024, F_RDLCK) != 0, errno == EAGAIN { usleep(500) }
    _ = fcntl(handle, 1024, F_UNLCK)
  }

  @discardableResult
  public func write(_ name: String, _ content: String) -> String { write(name, content.utf8) }

  /// The content of a file in it, nil if there is none.
  public func read(_ name: String) -> [UInt8]? { TestProcess.contents(of: file(name)) }
}
