import CPlatform
import Glibc

/// A file, whatever its name: what tells one that was renamed from one that was put in its place.
struct FileIdentity: Hashable {
  private let device: UInt64
  private let inode: UInt64
  /// When the file was made, in nanoseconds: inodes are given again.
  private let birth: Int64

  init(_ status: stat, path: String) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    birth = platform_file_birth(path)
  }

  /// Device, inode and birth, as an epoch keeps them.
  var numbers: [Int64] { [Int64(bitPattern: device), Int64(bitPattern: inode), birth] }

  init(numbers: [Int64]) {
    precondition(numbers.count == 3, "a file's identity is its device, its inode and its birth")
    device = UInt64(bitPattern: numbers[0])
    inode = UInt64(bitPattern: numbers[1])
    birth = numbers[2]
  }

  var text: String { "\(inode)-\(birth)" }

  /// Whether it is the same within a file system: the number of that may change from one start of a machine to the next.
  func hasNumber(of other: FileIdentity) -> Bool { inode == other.inode && birth == other.birth }
}

/// What is known of a file under a name.
struct FoundFile {
  let path: String
  let identity: FileIdentity
  let byteCount: Int64
  /// When it was last written, in nanoseconds since 1970.
  let modified: Int64

  /// Nil when it is gone, or no regular file.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.path = path
    identity = FileIdentity(status, path: path)
    byteCount = Int64(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
  }

  /// Whether its name says that it is not for readers yet: hidden, or of a copy in progress.
  static func isTemporary(_ path: String) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    return name.hasPrefix(".") || name.hasPrefix("_") || temporaryEndings.contains { name.hasSuffix($0) }
  }

  private static let temporaryEndings = [".tmp", ".temp", ".part", ".partial", ".crdownload", ".swp", "~"]

  /// Whether some process has it open for writing; nil where that cannot be known.
  var isBeingWritten: Bool? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    switch platform_is_being_written(descriptor) {
    case 0: return false
    case 1: return true
    default: return nil
    }
  }
}
