import Glibc

/// A point on the machine's monotonic clock: for delays and durations, never for event time.
public struct MonotonicTime: Sendable, Hashable, Comparable {
  /// Since an unspecified start, the same for all threads.
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The clock's reading.
  public static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
  }

  public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Later by `nanoseconds`.
  public static func + (time: MonotonicTime, nanoseconds: Int64) -> MonotonicTime {
    MonotonicTime(nanoseconds: time.nanoseconds &+ nanoseconds)
  }

  /// Nanoseconds from `right` to `left`.
  public static func - (left: MonotonicTime, right: MonotonicTime) -> Int64 { left.nanoseconds &- right.nanoseconds }
}

extension Duration {
  /// Whole nanoseconds, at most 146 years' worth.
  public var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let bounded = min(max(seconds, -4_611_686_018), 4_611_686_018)
    return bounded * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
