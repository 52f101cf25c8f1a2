import Base
import Glibc

enum Eventually {
  /// Waits until something is so; false after a minute.
  static func so(_ condition: () -> Bool) -> Bool {
    let end = MonotonicTime.now + 60_000_000_000
    while !condition() {
      if MonotonicTime.now > end { return false }
      sched_yield()
    }
    return true
  }
}
