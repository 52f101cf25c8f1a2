import Glibc

/// Why a path cannot be used and what a person can do about it: the end of a sentence, "No such file or directory; create the
/// folder 'x'".
///
/// - Parameters:
///   - isWritten: whether it was to be made or written, not read.
///   - code: errno.
func pathProblem(_ path: String, isWritten: Bool, code: Int32 = errno) -> String {
  "\(systemError(code)); \(pathRemedy(code, path, isWritten: isWritten))"
}

private func pathRemedy(_ code: Int32, _ path: String, isWritten: Bool) -> String {
  let whole = Array(path.utf8)
  let end = whole.dropLast(whole.last == UInt8(ascii: "/") ? 1 : 0).lastIndex(of: UInt8(ascii: "/"))
  let parent = end.map { $0 == 0 ? "/" : String(decoding: whole[..<$0], as: UTF8.self) } ?? "."
  switch code {
  case ENOENT: return isWritten ? "create the folder '\(parent)'" : "correct the option 'path' or provide the file"
  case ENOTDIR: return "a part of the path is a file: correct the option 'path'"
  case EACCES, EPERM:
    return isWritten
      ? "let the user that runs the job write in '\(parent)', or give another path"
      : "let the user that runs the job read it"
  case EROFS: return "its file system is read-only: give a path elsewhere"
  case ENOSPC, EDQUOT: return "free space there or give another path"
  case EMFILE, ENFILE: return "raise the limit of open files (ulimit -n)"
  case ENAMETOOLONG: return "shorten the path"
  case ELOOP: return "its symbolic links lead in a circle: correct them"
  case ENXIO: return "start the reader of the pipe first"
  default: return isWritten ? "check the disk or give another path" : "check the disk and the option 'path'"
  }
}
