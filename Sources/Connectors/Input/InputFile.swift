import Base
import Glibc
import Synchronization

/// An open input: a file, a pipe or a terminal.
final class InputFile {
  enum Fill {
    case bytes(Int)
    /// Nothing came in the time given.
    case nothing
    case end
  }

  /// The path, or "stdin".
  let name: String
  private let descriptor: Int32
  private let ownsDescriptor: Bool
  /// Whether reading never waits for a peer.
  let isRegular: Bool
  private var position: Int64 = 0

  /// - Throws: `noInput` when there is no such file or it may not be read, or is a directory.
  init(path: String) throws(Failure) {
    name = path
    // A pipe without a writer would keep `open` waiting; `poll` does the waiting for pipes.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw Failure(.noInput, "\(path): cannot be opened: \(pathProblem(path, isWritten: false))")
    }
    ownsDescriptor = true
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let reason = systemError()
      close(descriptor)
      throw Failure(.io, "\(path): cannot be examined: \(reason)")
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      close(descriptor)
      throw isDirectory(path)
    }
    isRegular = status.st_mode & S_IFMT == S_IFREG
    if isRegular { posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL) }
  }

  /// A descriptor that stays open: stdin.
  init(descriptor: Int32, name: String) {
    self.name = name
    self.descriptor = descriptor
    ownsDescriptor = false
    var status = stat()
    isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  deinit { if ownsDescriptor { close(descriptor) } }

  /// What is known of it; nil of what is no regular file.
  var found: FoundFile? { isRegular ? FoundFile(path: name) : nil }

  /// As the function of that name.
  func tailHash(before offset: Int64) -> Int64? {
    isRegular ? Connectors.tailHash(of: descriptor, before: offset) : nil
  }

  /// Descriptors that a source reads, of those that it did not open.
  private static let claimed = Mutex<Set<Int32>>([])

  /// Two readers of one stdin would each get a part of it: the second is refused.
  func claim(for place: String) throws(Failure) {
    guard Self.claimed.withLock({ $0.insert(descriptor).inserted }) else {
      throw Failure(.usage, "\(place): \(name) is read by another source already; read it once and use its rows twice")
    }
  }

  func releaseClaim() { _ = Self.claimed.withLock { $0.remove(descriptor) } }

  /// The next read begins there.
  func seek(to offset: Int64) throws(Failure) {
    guard lseek(descriptor, Int(offset), SEEK_SET) == Int(offset) else {
      throw Failure(.io, "\(name): byte \(offset) cannot be reached: \(systemError())")
    }
    position = offset
  }

  /// Reads at most `count` bytes behind the window's content; waits at most `duration` for the first one.
  func fill(_ window: ByteWindow, count: Int, waiting duration: Duration, wake: WakePipe) throws(Failure) -> Fill {
    let room = UnsafeMutableRawBufferPointer(start: window.room(count), count: count)
    let fill = try read(into: room, waiting: duration, wake: wake)
    if case .bytes(let got) = fill { window.append(got) }
    return fill
  }

  /// The same, into memory with room for at least a byte.
  func read(
    into room: UnsafeMutableRawBufferPointer, waiting duration: Duration, wake: WakePipe
  ) throws(Failure) -> Fill {
    if !isRegular, !waitForInput(descriptor, wake: wake, duration) { return .nothing }
    let got = Glibc.read(descriptor, room.baseAddress, room.count)
    if got < 0 {
      if errno == EINTR || errno == EAGAIN { return .nothing }
      throw Failure(
        .io, "\(name): reading failed at byte \(position): \(systemError()); the rows before it are processed already")
    }
    if got == 0 { return .end }
    position += Int64(got)
    return .bytes(got)
  }
}

func isDirectory(_ path: String) -> Failure {
  let pattern = path.hasSuffix("/") ? "\(path)*" : "\(path)/*"
  return Failure(
    .noInput, "\(path): is a directory, expected a file; name its files with a pattern such as '\(pattern)'")
}
