import Base
import Glibc
import Synchronization

/// stdout, shared by every sink that writes there: what is written at once stays together.
public enum StandardOutput {
  private static let written = Mutex<Int64>(0)
  private static let moved = Atomic<Int32>(STDOUT_FILENO)

  /// Where rows and all else that belongs to stdout is written.
  public static var descriptor: Int32 { moved.load(ordering: .relaxed) }

  /// Gives stdout a number of its own and makes descriptor 1 one for stderr: what a plugin prints, or a program that it starts,
  /// comes to stderr and not between the rows of a sink. Once, before a plugin is loaded.
  public static func keepFromPlugins() {
    // Without a descriptor left, all stays as it is.
    let own = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    guard own >= 0 else { return }
    guard dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else {
      close(own)
      return
    }
    moved.store(own, ordering: .relaxed)
  }

  /// A path of stdout as the path of where it is now; any other as it is.
  static func path(_ path: String) -> String {
    ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].contains(path) ? "/proc/self/fd/\(descriptor)" : path
  }

  /// A reader that goes away is an error of `write`, not the end of the process.
  static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  /// Writes whole lines.
  ///
  /// - Throws: `io` when stdout was closed or its disk is full.
  static func write(_ bytes: UnsafePointer<UInt8>, _ count: Int, descriptor: Int32) throws(Failure) {
    let (code, total): (Int32, Int64) = written.withLock { total in
      var done = 0
      while done < count {
        let step = Glibc.write(descriptor, bytes + done, count - done)
        if step >= 0 {
          done += step
          total += Int64(step)
        } else if errno == EAGAIN {
          var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&wait, 1, -1)
        } else if errno != EINTR {
          return (errno, total)
        }
      }
      return (0, total)
    }
    if code == EPIPE {
      throw Failure(
        .io, "stdout was closed by its reader after \(total) bytes; the job ends because its rows have no place to go")
    }
    if code == EBADF {
      throw Failure(.io, "stdout is closed, and the rows have no place to go; open it, if only on /dev/null")
    }
    if code != 0 { throw writeFailure("stdout", code, written: total) }
  }
}
