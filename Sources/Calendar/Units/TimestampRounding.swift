import Base
import VolleyPlan

/// Rounds timestamps down, or up, to a multiple of a unit.
///
/// The multiples are counted from 1970-01-01T00:00:00 on the wall clock; those of weeks from the Monday or Sunday
/// before; those of years from the year 0, so that 10 years are a decade. A value that lies on a multiple stays.
///
/// With a zone the reading of its clocks is rounded. Where clocks were put back, days and longer units begin at the
/// earlier of two moments, and shorter units at the one nearest to the value that is not past it; a reading that was skipped
/// stands for the moment of the change. So the result is never after the value (before it, rounding up), and all values
/// of one calendar day have one result.
public struct TimestampRounding: Sendable {
  public enum Direction: String, Sendable, Hashable { case down, up }
  public enum WeekStart: String, Sendable, Hashable, CaseIterable { case monday, sunday }

  private enum Grid: Sendable {
    /// Multiples of a length, moved by a phase that is less than it.
    case fixed(FloorDivisor, phase: Int64)
    case months(Int64)
    case years(Int64)
  }

  private let grid: Grid
  private let direction: Direction
  private let clock: WallClock
  private let unit: TimeUnit
  private let isOfCalendar: Bool
  private let perDay: FloorDivisor

  /// - Parameters:
  ///   - multiple: 1 to 2^31 - 1.
  ///   - column: the timestamps' unit; a finer unit than it must make a whole number of it.
  ///   - place: leads the messages.
  public init(
    _ direction: Direction, to unit: CalendarUnit, multiple: Int64 = 1, weekStart: WeekStart = .monday,
    column: TimeUnit, clock: WallClock, place: String
  ) throws(Failure) {
    guard multiple >= 1, multiple <= Int64(Int32.max) else {
      throw Failure(
        .usage, "\(place): the multiple is \(multiple), expected 1 to \(Int32.max)")
    }
    perDay = FloorDivisor(column.perSecond * Civil.secondsPerDay)
    switch unit {
    case .year: grid = .years(multiple)
    case .month, .quarter: grid = .months(multiple * (unit == .quarter ? 3 : 1))
    default:
      let perUnit = 1_000_000_000 / column.perSecond
      let nanoseconds = unit.nanoseconds ?? 1
      let length: Int64
      // Of what a unit of the column holds whole, every value is a multiple.
      if nanoseconds < perUnit, perUnit % (nanoseconds * multiple) == 0 {
        length = 1
      } else {
        length = try unit.length(multiple, in: column, place: place)
      }
      // 1970-01-01 was a Thursday.
      let days: Int64 = unit == .week ? (weekStart == .monday ? 3 : 4) : 0
      grid = .fixed(FloorDivisor(length), phase: days * Civil.secondsPerDay * column.perSecond)
    }
    self.direction = direction
    self.clock = clock
    self.unit = column
    isOfCalendar = unit.isOfCalendar
  }

  /// Rounds a column.
  ///
  /// - Parameters:
  ///   - source: timestamps, as `target` at least `count`.
  /// - Returns: whether every value had a result; which had none, `value` tells.
  public func apply(_ source: UnsafePointer<Int64>, _ count: Int, to target: UnsafeMutablePointer<Int64>) -> Bool {
    switch grid {
    case .fixed(let length, phase: 0):
      return run(
        source, count, target, floor: { value, failed in Self.floor(value, length, &failed) },
        next: { value, below, failed in Self.next(value, behind: below, length.divisor, &failed) })
    case .fixed(let length, let phase):
      return run(
        source, count, target,
        floor: { value, failed in
          // Moved towards 0, so that nothing overflows on its way.
          let move = value < 0 ? phase : phase &- length.divisor
          return Self.floor(value &+ move, length, &failed, minus: move)
        },
        next: { value, below, failed in Self.next(value, behind: below, length.divisor, &failed) })
    case .months(let months):
      return run(
        source, count, target, floor: { value, failed in floor(value, months: months, next: false, &failed) },
        next: { value, _, failed in floor(value, months: months, next: true, &failed) })
    case .years(let years):
      return run(
        source, count, target, floor: { value, failed in floor(value, years: years, next: false, &failed) },
        next: { value, _, failed in floor(value, years: years, next: true, &failed) })
    }
  }

  /// One value's result; nil where it does not fit.
  public func value(_ value: Int64) -> Int64? {
    var (value, result) = (value, Int64(0))
    return apply(&value, 1, to: &result) ? result : nil
  }

  /// One loop for every way to round: `floor` rounds a reading down, and `next` gives the multiple above a
  /// reading, given also the one below. A negative `failed` means that a value had no result.
  @inline(__always)  // So that both closures are part of the loop: 1.1 ns a row instead of 4.
  private func run(
    _ source: UnsafePointer<Int64>, _ count: Int, _ target: UnsafeMutablePointer<Int64>,
    floor: (Int64, inout Int64) -> Int64, next: (Int64, Int64, inout Int64) -> Int64
  ) -> Bool {
    var failed: Int64 = 0
    switch (clock, direction) {
    case (.own, .down):
      for row in 0..<count { target[row] = floor(source[row], &failed) }
      return failed >= 0
    case (.own, .up):
      for row in 0..<count {
        let value = source[row]
        var ignored: Int64 = 0
        let below = floor(value, &ignored)
        target[row] = below == value ? value : next(value, below, &failed)
      }
      return failed >= 0
    case (.zone(let zone), _):
      var cursor = ZoneCursor(zone, unit: unit)
      for row in 0..<count {
        let value = source[row]
        let reading = cursor.reading(at: value)
        let below = floor(reading, &failed)
        let result = cursor.moment(ofFloor: below, origin: value, nearest: !isOfCalendar)
        if direction == .down || result == value {
          target[row] = result
        } else {
          target[row] = cursor.moment(ofCeiling: next(reading, below, &failed), origin: value)
        }
      }
      return failed >= 0 && !cursor.failed
    }
  }

  @inline(__always)  // Part of the loop.
  private static func floor(
    _ value: Int64, _ length: FloorDivisor, _ failed: inout Int64, minus move: Int64 = 0
  ) -> Int64 {
    let floor = length.floor(value) &- move
    // Never above the value, unless it wrapped from below the least integer.
    failed |= (value &- move) & ~floor
    return floor
  }

  /// The multiple behind `below`, which may have wrapped as `floor` may, while the one above `value` fits.
  @inline(__always)  // Part of the loop.
  private static func next(_ value: Int64, behind below: Int64, _ length: Int64, _ failed: inout Int64) -> Int64 {
    let next = below &+ length
    failed |= next < value ? -1 : 0
    return next
  }

  @inline(__always)  // Part of the loop.
  private func floor(_ value: Int64, months: Int64, next: Bool, _ failed: inout Int64) -> Int64 {
    let date = Civil.date(perDay.quotient(value))
    let total = (date.year &- 1970) &* 12 &+ (date.month &- 1)
    let floored = (months == 1 ? total : total &- floorDivide(total, months).remainder) &+ (next ? months : 0)
    let (year, month) = floorDivide(floored, 12)
    return start(Civil.days(year: year &+ 1970, month: month &+ 1, day: 1), &failed)
  }

  @inline(__always)  // Part of the loop.
  private func floor(_ value: Int64, years: Int64, next: Bool, _ failed: inout Int64) -> Int64 {
    let year = Civil.date(perDay.quotient(value)).year
    let floored = (years == 1 ? year : year &- floorDivide(year, years).remainder) &+ (next ? years : 0)
    return start(Civil.days(year: floored, month: 1, day: 1), &failed)
  }

  /// A day's first unit.
  @inline(__always)  // Part of the loop.
  private func start(_ days: Int64, _ failed: inout Int64) -> Int64 {
    let (product, overflow) = days.multipliedReportingOverflow(by: perDay.divisor)
    failed |= overflow ? -1 : 0
    return product
  }
}
