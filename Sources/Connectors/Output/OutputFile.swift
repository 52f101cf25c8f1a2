import Base
import Glibc

/// A file that is written under a hidden name beside its own and gets its own name when it is complete, so that nothing
/// half-written looks whole and a former file is replaced in one step.
///
/// The hidden name is fixed, so that what a killed process left is used again, and locked, so that two writers of one file
/// are refused. A device or a pipe cannot be replaced and is written as it is.
final class OutputFile {
  /// write(2), or what a test puts in its place.
  typealias WriteCall = (Int32, UnsafeRawPointer, Int) -> Int

  private let path: String
  /// Nil for a device or a pipe.
  let hiddenPath: String?
  private let descriptor: Int32
  private let writeCall: WriteCall
  /// Bytes that it has.
  private(set) var written: Int64 = 0
  private var isOpen = true

  /// - Parameters:
  ///   - path: where the file will be; a symbolic link is followed.
  ///   - place: leads messages: "sink 'out' (csv)".
  ///   - hiding: what its hidden name says.
  /// - Throws: `io` when it cannot be written there.
  init(
    path given: String, place: String, hiding: HiddenName = .untilDone,
    writeCall: @escaping WriteCall = { Glibc.write($0, $1, $2) }
  ) throws(Failure) {
    self.writeCall = writeCall
    let target = StandardOutput.path(given)
    var status = stat()
    let exists = stat(target, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR {
      throw Failure(
        .io, "\(place): \(given): is a directory; name a file, or end the path with '/' for one file a subtask in it")
    }
    path = exists ? resolved(target) ?? target : target
    if exists, status.st_mode & S_IFMT != S_IFREG {
      hiddenPath = nil
      descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else {
        throw Failure(.io, "\(place): \(given): cannot be opened: \(pathProblem(given, isWritten: true))")
      }
      return
    }
    let hidden = hiding.name(of: path)
    hiddenPath = hidden
    descriptor = try openLocked(hidden, for: given, place, keeping: 0)
    if exists { fchmod(descriptor, status.st_mode & 0o7777) }
  }

  /// Goes on behind the first `length` bytes of a hidden file; what it has beyond them is forgotten.
  ///
  /// - Parameter path: the name that it is to get.
  init(continuing hidden: String, of path: String, at length: Int64, place: String) throws(Failure) {
    writeCall = { Glibc.write($0, $1, $2) }
    self.path = path
    hiddenPath = hidden
    descriptor = try openLocked(hidden, for: path, place, keeping: length)
    written = length
  }

  /// Whether somebody may read what is written before the file is complete: a pipe or a device.
  var isSeen: Bool { hiddenPath == nil }

  /// Discards what was not committed.
  deinit { discard() }

  /// - Throws: `io`: a full disk, a broken one, a closed pipe.
  func write(_ bytes: UnsafePointer<UInt8>, _ count: Int) throws(Failure) {
    var done = 0
    while done < count {
      let step = writeCall(descriptor, bytes + done, count - done)
      if step < 0 {
        if errno == EINTR { continue }
        throw writeFailure(path, errno, written: written)
      }
      done += step
      written += Int64(step)
    }
  }

  /// The file is complete: on the disk, under its own name.
  func commit() throws(Failure) {
    guard isOpen else { return }
    if let hiddenPath {
      try sync()
      guard rename(hiddenPath, path) == 0 else {
        throw Failure(
          .io,
          "\(path): cannot be given its name after \(written) bytes were written: \(pathProblem(path, isWritten: true))"
        )
      }
      try secureFolder(of: path)
    } else {
      // Devices and pipes that cannot be synced say EINVAL or EROFS.
      guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
        throw writeFailure(path, errno, written: written)
      }
    }
    leave()
  }

  /// What was written is on the disk; the file's entry in its folder need not be.
  func sync() throws(Failure) {
    guard fsync(descriptor) == 0 else { throw writeFailure(path, errno, written: written) }
  }

  /// Closes the file and leaves it under its hidden name.
  func leave() {
    guard isOpen else { return }
    isOpen = false
    close(descriptor)
  }

  /// The file is not to be: removes what was written.
  func discard() {
    guard isOpen else { return }
    isOpen = false
    if let hiddenPath { unlink(hiddenPath) }
    close(descriptor)
  }
}

extension OutputFile {
  /// Removes the hidden file of `path`, unless somebody writes it; its bytes, nil when it was not removed.
  static func removeAbandoned(_ path: String, _ hiding: HiddenName = .untilDone) -> Int64? {
    removeAbandoned(hidden: hiding.name(of: path))
  }

  static func removeAbandoned(hidden: String) -> Int64? {
    let descriptor = open(hidden, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var opened = stat()
    var named = stat()
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &opened) == 0, stat(hidden, &named) == 0,
      opened.st_ino == named.st_ino, opened.st_dev == named.st_dev, unlink(hidden) == 0
    else { return nil }
    return Int64(opened.st_size)
  }
}

/// One sentence for a failed write, with a remedy.
func writeFailure(_ path: String, _ code: Int32, written: Int64) -> Failure {
  let remedy =
    switch code {
    case ENOSPC, EDQUOT: "free space there or give the sink another path"
    case EFBIG: "raise the file size limit or write several files"
    case EPIPE: "keep its reader running"
    default: "check the disk or give the sink another path"
    }
  return Failure(.io, "\(path): writing failed after \(written) bytes: \(systemError(code)); \(remedy)")
}

/// The path of what is there without symbolic links, from the root; nil when nothing is.
func resolved(_ path: String) -> String? {
  guard let real = realpath(path, nil) else { return nil }
  defer { free(real) }
  return String(cString: real)
}

/// The rename survives a crash of the machine once the folder is on the disk. Not every file system can sync one; those that
/// cannot have nothing better.
func syncFolder(of path: String) {
  let descriptor = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  fsync(descriptor)
  close(descriptor)
}

/// As `syncFolder`, for what a job relies on: a disk that fails is told.
func secureFolder(of path: String) throws(Failure) {
  let folder = folder(of: path)
  let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else {
    throw Failure(.io, "\(folder): the folder cannot be synced: \(pathProblem(folder, isWritten: true))")
  }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP else {
    throw Failure(.io, "\(folder): the folder cannot be synced: \(systemError()); check the disk")
  }
}

/// Opens the hidden file, of which the first `length` bytes stay, and locks it as long as it is open.
private func openLocked(
  _ hidden: String, for path: String, _ place: String, keeping length: Int64
) throws(Failure) -> Int32 {
  // One that was killed keeps its lock until its memory was given back, and so does for a moment a child that it made.
  let deadline = MonotonicTime.now + 1_000_000_000
  while true {
    let descriptor = open(hidden, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else {
      let code = errno
      throw Failure(.io, "\(place): \(path): cannot be created: \(pathProblem(path, isWritten: true, code: code))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      if code == EWOULDBLOCK && MonotonicTime.now < deadline {
        usleep(10_000)
        continue
      }
      guard code == EWOULDBLOCK else {
        throw Failure(
          .io,
          "\(place): \(path): the file \(hidden) cannot be locked: \(systemError(code)); give a path on a file system with "
            + "locks")
      }
      throw Failure(
        .io, "\(place): \(path): is being written by another sink or process; give this sink a path of its own")
    }
    // The one who held the lock before may have renamed or removed the file that was opened.
    var opened = stat()
    var named = stat()
    if fstat(descriptor, &opened) == 0, stat(hidden, &named) == 0, opened.st_ino == named.st_ino,
      opened.st_dev == named.st_dev
    {
      guard ftruncate(descriptor, Int(length)) == 0, lseek(descriptor, Int(length), SEEK_SET) == Int(length) else {
        let code = errno
        close(descriptor)
        throw writeFailure(path, code, written: length)
      }
      return descriptor
    }
    close(descriptor)
  }
}

/// Makes a folder and those above it.
func makeFolder(_ path: String, place: String) throws(Failure) {
  var status = stat()
  if stat(path, &status) == 0 {
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw Failure(.io, "\(place): \(path): is a file, expected a directory; remove it or name another")
    }
    return
  }
  let parent = folder(of: path.hasSuffix("/") ? String(path.dropLast()) : path)
  if parent != path, parent != "." { try makeFolder(parent, place: place) }
  guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
    throw Failure(.io, "\(place): \(path): the directory cannot be made: \(pathProblem(path, isWritten: true))")
  }
  // Its entry must survive a crash of the machine as the files in it do.
  syncFolder(of: path.hasSuffix("/") ? String(path.dropLast()) : path)
}
