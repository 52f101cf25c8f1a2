import Base
import Glibc
import Synchronization

/// stdout, shared by every sink that writes there: what is written at once stays together.
enum StandardOutput {
  private static let written = Mutex<Int64>(0)

  /// A reader that goes away is an error of `write`, not the end of the process.
  static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  /// Writes whole lines.
  ///
  /// - Throws: `io` when stdout was closed or its disk is full.
  static func write(_ bytes: UnsafePointer<UInt8>, _ count: Int, descriptor: Int32 = 1) throws(Failure) {
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
    if code != 0 { throw writeFailure("stdout", code, written: total) }
  }
}
