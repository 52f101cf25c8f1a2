import Base
import Glibc
import Synchronization

/// Wakes a thread that waits in `poll`, from any thread, once and for all.
final class WakePipe: Sendable {
  /// To be waited for; readable once woken.
  let readEnd: Int32
  private let writeEnd: Int32
  private let woken = Atomic<Bool>(false)

  init() throws(Failure) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw Failure(.io, "no pipe could be made to wake a source: \(systemError()); raise the limit of open files")
    }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    readEnd = ends[0]
    writeEnd = ends[1]
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  var isWoken: Bool { woken.load(ordering: .acquiring) }

  func wake() {
    guard !woken.exchange(true, ordering: .acquiringAndReleasing) else { return }
    var byte: UInt8 = 1
    // A pipe that nobody reads takes one byte.
    _ = write(writeEnd, &byte, 1)
  }

  /// Waits until woken, or for that long.
  func wait(_ duration: Duration) { _ = waitForInput(-1, wake: self, duration) }
}

/// Waits until `descriptor` (-1: none) has something to read or has ended, `wake` is woken, or the time is over. Whether
/// there is something to read.
func waitForInput(_ descriptor: Int32, wake: WakePipe, _ duration: Duration) -> Bool {
  var waits = [
    pollfd(fd: wake.readEnd, events: Int16(POLLIN), revents: 0),
    pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
  ]
  // Rounded up to whole milliseconds; an interrupted wait counts as one that is over: the caller comes again.
  let milliseconds = (max(.zero, duration) / .milliseconds(1)).rounded(.up)
  let count = poll(&waits, 2, Int32(min(milliseconds, 3_600_000)))
  return count > 0 && waits[0].revents == 0 && waits[1].revents != 0
}

/// What errno says, in words.
func systemError(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
