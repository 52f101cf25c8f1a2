import Arrow
import Base
import VolleyPlan

/// The event times of a batch's rows, in microseconds since 1970: the column's own memory where that has them, else memory made
/// here.
public final class EventTimes {
  /// One a row that counts.
  public let pointer: UnsafePointer<Int64>
  public let count: Int
  /// Keeps the times alive.
  private let owner: Buffer

  /// - Parameters:
  ///   - column: timestamps of any unit, none of them null, without a selection. Finer units are rounded down.
  ///   - shift: microseconds to be added.
  /// - Throws: `data` when a time is beyond what 64 bits of microseconds can hold.
  public init(_ column: Column, shift: Int64 = 0) throws(Failure) {
    guard case .timestamp(let unit, _) = column.type else {
      preconditionFailure("an event time is a timestamp, and this is \(column.type)")
    }
    count = column.length
    let values = column.values(Int64.self)
    if unit == .microsecond, shift == 0 {
      owner = column.buffers[0]
      pointer = values
      return
    }
    owner = Buffer(byteCount: count * 8)
    let times = owner.unsafeMutableValues(Int64.self)
    pointer = UnsafePointer(times)
    let (factor, divisor) = Self.scale(unit)
    var overflows = false
    if divisor > 1 {
      for row in 0..<count {
        let (quotient, rest) = values[row].quotientAndRemainder(dividingBy: divisor)
        let (time, isTooLarge) = (quotient &- (rest < 0 ? 1 : 0)).addingReportingOverflow(shift)
        times[row] = time
        overflows = overflows || isTooLarge
      }
    } else {
      for row in 0..<count {
        let (scaled, isTooLarge) = values[row].multipliedReportingOverflow(by: factor)
        let (time, isShiftedTooFar) = scaled.addingReportingOverflow(shift)
        times[row] = time
        overflows = overflows || isTooLarge || isShiftedTooFar
      }
    }
    guard overflows else { return }
    let row = (0..<count).first { row in
      let (scaled, isTooLarge) = values[row].multipliedReportingOverflow(by: factor)
      return isTooLarge || (scaled / divisor).addingReportingOverflow(shift).overflow
    }
    throw Failure(
      .data,
      "the event time \(row.map { column.text(at: $0) } ?? "of a row") is beyond what microseconds in 64 bits can say, about "
        + "292,000 years around 1970; correct it, or filter such rows out before")
  }

  private static func scale(_ unit: TimeUnit) -> (factor: Int64, divisor: Int64) {
    switch unit {
    case .second: (1_000_000, 1)
    case .millisecond: (1000, 1)
    case .microsecond: (1, 1)
    case .nanosecond: (1, 1000)
    }
  }

  /// The latest; nil when there is no row.
  public var latest: Int64? {
    guard count > 0 else { return nil }
    var latest = pointer[0]
    for row in 1..<max(1, count) where pointer[row] > latest { latest = pointer[row] }
    return latest
  }
}
