import Base
import Glibc

/// A step of a file system that failed.
public struct StorageProblem: Error, Sendable, Hashable {
  public enum Step: String, Sendable {
    case makeFolder = "made"
    case remove = "removed"
    case write = "written"
    case sync = "written to the disk"
    case link = "linked"
    case rename = "renamed"
    case read = "read"
  }

  public var step: Step
  public var path: String
  /// As `errno` has it.
  public var code: Int32

  public init(_ step: Step, _ path: String, code: Int32) {
    self.step = step
    self.path = path
    self.code = code
  }

  var isTaken: Bool { code == EEXIST }
  var isMissing: Bool { code == ENOENT }
  /// The file system has no second names, or not for this file.
  var cannotLink: Bool { [EXDEV, EPERM, EMLINK, EOPNOTSUPP, ENOSYS].contains(code) }

  /// - Parameter place: what the file belongs to: "checkpoint directory /data/checkpoints".
  public func failure(_ place: String) -> Failure {
    let remedy =
      switch code {
      case ENOSPC, EDQUOT: "free space there, or keep fewer epochs with --retain"
      case EROFS, EACCES, EPERM: "make it readable and writable for this user, or name another directory"
      case ENOENT: "nobody but volley-host may move or delete what is in it"
      case ENOTDIR: "name a directory"
      default: "check the disk"
      }
    // What no other try will change is not for the supervisor to try.
    let isUseless = [EROFS, EACCES, EPERM, ENOTDIR].contains(code) || (code == ENOENT && step == .makeFolder)
    let kind: Failure.Kind = isUseless ? .usage : code == ENOENT && step == .read ? .noInput : .io
    return Failure(
      kind, retryable: [ENOSPC, EDQUOT, EIO, EAGAIN].contains(code),
      "\(place): \(path) cannot be \(step.rawValue): \(String(cString: strerror(code))); \(remedy)")
  }
}
