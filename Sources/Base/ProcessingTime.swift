import Glibc

/// A point in processing time: microseconds since 1970-01-01T00:00:00Z on the clock of those who process, whatever rows say.
public struct ProcessingTime: Sendable, Hashable, Comparable {
  public var microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }

  /// The reading of the machine's wall clock, which may be set back and forth.
  public static var wallClock: ProcessingTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return ProcessingTime(microseconds: Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1000)
  }

  public static func < (left: ProcessingTime, right: ProcessingTime) -> Bool { left.microseconds < right.microseconds }

  /// Later by `microseconds`, at the most the last point that there is.
  public static func + (time: ProcessingTime, microseconds: Int64) -> ProcessingTime {
    let (sum, overflow) = time.microseconds.addingReportingOverflow(microseconds)
    return ProcessingTime(microseconds: overflow ? (microseconds < 0 ? .min : .max) : sum)
  }

  /// Microseconds from `right` to `left`, as many as a number holds.
  public static func - (left: ProcessingTime, right: ProcessingTime) -> Int64 {
    let (difference, overflow) = left.microseconds.subtractingReportingOverflow(right.microseconds)
    return overflow ? (left < right ? .min : .max) : difference
  }
}
