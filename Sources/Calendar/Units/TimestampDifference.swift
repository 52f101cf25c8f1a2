import VolleyPlan

/// Counts the borders of a unit between two timestamps, as their clocks show them: from 23:59 to 0:01 is one day. (For the
/// time that elapses, subtract the timestamps.) Weeks begin on Mondays.
public struct TimestampDifference: Sendable {
  private enum Count: Sendable {
    case fixed(FloorDivisor, phase: Int64)
    /// The unit is finer than the column's, which has as many of it.
    case finer(Int64)
    case months(Int64)
  }

  private let counted: Count
  private let unit: TimeUnit
  private let clock: WallClock
  private let perDay: FloorDivisor

  /// - Parameter column: the unit of both sides.
  public init(_ unit: CalendarUnit, column: TimeUnit, clock: WallClock) {
    perDay = FloorDivisor(column.perSecond * Civil.secondsPerDay)
    let perUnit = 1_000_000_000 / column.perSecond
    if let nanoseconds = unit.nanoseconds {
      counted =
        nanoseconds < perUnit
        ? .finer(perUnit / nanoseconds)
        : .fixed(FloorDivisor(nanoseconds / perUnit), phase: unit == .week ? 3 * perDay.divisor : 0)
    } else {
      counted = .months(unit.months ?? 1)
    }
    self.unit = column
    self.clock = clock
  }

  /// `to` less `from`, row by row. A side with the stride 0 is one value for all rows.
  ///
  /// - Returns: whether every row had a result.
  public func apply(
    from: UnsafePointer<Int64>, fromStride: Int, to: UnsafePointer<Int64>, toStride: Int, _ count: Int,
    into target: UnsafeMutablePointer<Int64>
  ) -> Bool {
    switch counted {
    case .fixed(let length, phase: 0):
      return run(from, fromStride, to, toStride, count, target) { start, end, failed in
        let (difference, overflow) = length.quotient(end).subtractingReportingOverflow(length.quotient(start))
        failed = failed || overflow
        return difference
      }
    case .fixed(let length, let phase):
      return run(from, fromStride, to, toStride, count, target) { start, end, _ in
        Self.index(end, length, phase) &- Self.index(start, length, phase)
      }
    case .finer(let factor):
      return run(from, fromStride, to, toStride, count, target) { start, end, failed in
        let (difference, carry) = end.subtractingReportingOverflow(start)
        let (product, overflow) = difference.multipliedReportingOverflow(by: factor)
        failed = failed || carry || overflow
        return product
      }
    case .months(let months):
      return run(from, fromStride, to, toStride, count, target) { start, end, _ in
        index(end, months) &- index(start, months)
      }
    }
  }

  /// One pair's result; nil where it does not fit.
  public func value(from: Int64, to: Int64) -> Int64? {
    var (from, to, result) = (from, to, Int64(0))
    return apply(from: &from, fromStride: 0, to: &to, toStride: 0, 1, into: &result) ? result : nil
  }

  /// How many lengths begin before or at a value, moved towards 0 so that nothing overflows.
  @inline(__always)  // Part of the loop.
  private static func index(_ value: Int64, _ length: FloorDivisor, _ phase: Int64) -> Int64 {
    value < 0 ? length.quotient(value &+ phase) : length.quotient(value &- (length.divisor &- phase)) &+ 1
  }

  /// How many of that many months begin before or at a value, from the year 0.
  @inline(__always)  // Part of the loop.
  private func index(_ value: Int64, _ months: Int64) -> Int64 {
    let date = Civil.date(perDay.quotient(value))
    switch months {
    case 12: return date.year
    case 3: return date.year &* 4 &+ Civil.quarter(month: date.month)
    default: return date.year &* 12 &+ date.month
    }
  }

  @inline(__always)  // One loop a unit: the closure is part of it.
  private func run(
    _ from: UnsafePointer<Int64>, _ fromStride: Int, _ to: UnsafePointer<Int64>, _ toStride: Int, _ count: Int,
    _ target: UnsafeMutablePointer<Int64>, _ difference: (Int64, Int64, inout Bool) -> Int64
  ) -> Bool {
    var failed = false
    guard case .zone(let zone) = clock else {
      for row in 0..<count { target[row] = difference(from[row &* fromStride], to[row &* toStride], &failed) }
      return !failed
    }
    var starts = ZoneCursor(zone, unit: unit)
    var ends = starts
    for row in 0..<count {
      let start = starts.reading(at: from[row &* fromStride])
      target[row] = difference(start, ends.reading(at: to[row &* toStride]), &failed)
    }
    return !failed && !starts.failed && !ends.failed
  }
}
