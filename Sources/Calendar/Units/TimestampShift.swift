import Base
import VolleyPlan

/// Adds a number of units to timestamps.
///
/// Hours and less elapse. Days and more go by the calendar: the reading of the clocks moves on by as many days, weeks or
/// months, and the day is the month's last where the month has no such day. With a zone the moment of that reading is
/// found: where it was shown twice, the one that has the same offset as before, else the earlier; where it was skipped, as
/// long behind the gap as it was in it.
public struct TimestampShift: Sendable {
  private enum Step: Sendable {
    case fixed(Int64)
    case months(Int64)
  }

  private let step: Step
  private let unit: TimeUnit
  private let clock: WallClock
  private let perDay: FloorDivisor

  /// - Parameters:
  ///   - column: the timestamps' unit, which must not be coarser than the unit that is added.
  ///   - place: leads the messages.
  public init(_ unit: CalendarUnit, column: TimeUnit, clock: WallClock, place: String) throws(Failure) {
    if let months = unit.months {
      step = .months(months)
    } else {
      step = .fixed(try unit.length(1, in: column, place: place))
    }
    self.unit = column
    self.clock = unit.isOfCalendar ? clock : .own
    perDay = FloorDivisor(column.perSecond * Civil.secondsPerDay)
  }

  /// Adds `amounts[row * amountStride]` to each row.
  ///
  /// - Parameter amountStride: 1, or 0 for one amount for all.
  /// - Returns: whether every row had a result.
  public func apply(
    _ source: UnsafePointer<Int64>, _ count: Int, adding amounts: UnsafePointer<Int64>, amountStride: Int,
    to target: UnsafeMutablePointer<Int64>
  ) -> Bool {
    switch step {
    case .fixed(let length):
      return run(source, count, amounts, amountStride, target) { reading, amount, failed in
        let (product, overflow) = amount.multipliedReportingOverflow(by: length)
        let (sum, carry) = reading.addingReportingOverflow(product)
        guard overflow || carry else { return sum }
        // The product alone may be too large for a sum that fits.
        let exact = Int64(exactly: Int128(reading) + Int128(amount) * Int128(length))
        failed = failed || exact == nil
        return exact ?? 0
      }
    case .months(let months):
      return run(source, count, amounts, amountStride, target) { reading, amount, failed in
        let (total, overflow) = amount.multipliedReportingOverflow(by: months)
        guard !overflow, total.magnitude <= Self.mostMonths else {
          failed = true
          return 0
        }
        return add(months: total, to: reading, &failed)
      }
    }
  }

  /// One value's result; nil where it does not fit.
  public func value(_ value: Int64, adding amount: Int64) -> Int64? {
    var (value, amount, result) = (value, amount, Int64(0))
    return apply(&value, 1, adding: &amount, amountStride: 0, to: &result) ? result : nil
  }

  @inline(__always)  // Part of the loop.
  private func add(months: Int64, to reading: Int64, _ failed: inout Bool) -> Int64 {
    let (days, inDay) = perDay.divide(reading)
    let date = Civil.date(days)
    let (years, month) = floorDivide(date.month &- 1 &+ months, 12)
    let year = date.year &+ years
    guard year.magnitude <= Self.mostYears else {
      failed = true
      return 0
    }
    let day = date.day > 28 ? min(date.day, Civil.daysIn(month: month &+ 1, of: year)) : date.day
    let (start, end) = (Civil.days(year: year, month: month &+ 1, day: day), perDay.divisor)
    // Counted from the midnight that is nearer to 1970, so that nothing overflows on its way to a value that fits.
    let isEarlier = start < 0
    let (midnight, overflow) = (isEarlier ? start &+ 1 : start).multipliedReportingOverflow(by: end)
    let (sum, carry) = midnight.addingReportingOverflow(isEarlier ? inDay &- end : inDay)
    failed = failed || overflow || carry
    return sum
  }

  // The years that seconds in 64 bits span, and a bound that keeps sums of months far from overflow.
  private static let mostYears: UInt64 = 300_000_000_000
  private static let mostMonths: UInt64 = 1 << 60

  @inline(__always)  // One loop a step: the closure is part of it.
  private func run(
    _ source: UnsafePointer<Int64>, _ count: Int, _ amounts: UnsafePointer<Int64>, _ stride: Int,
    _ target: UnsafeMutablePointer<Int64>, _ add: (Int64, Int64, inout Bool) -> Int64
  ) -> Bool {
    var failed = false
    guard case .zone(let zone) = clock else {
      for row in 0..<count { target[row] = add(source[row], amounts[row &* stride], &failed) }
      return !failed
    }
    var cursor = ZoneCursor(zone, unit: unit)
    for row in 0..<count {
      let reading = cursor.reading(at: source[row])
      let offset = reading &- source[row]
      target[row] = cursor.moment(ofShifted: add(reading, amounts[row &* stride], &failed), originOffset: offset)
    }
    return !failed && !cursor.failed
  }
}
