import VolleyPlan

/// A part of a timestamp's reading, as an integer.
public enum TimestampField: String, Sendable, Hashable, CaseIterable {
  /// The year before the year 1 is 0.
  case year
  /// 1...4
  case quarter
  /// 1...12
  case month
  /// The week of ISO 8601, 1...53.
  case week
  /// The year that the week of ISO 8601 belongs to.
  case isoYear = "iso_year"
  /// 1...31
  case day
  /// 1 for Monday to 7 for Sunday.
  case dayOfWeek = "day_of_week"
  /// 1...366
  case dayOfYear = "day_of_year"
  /// 0...23
  case hour
  /// 0...59
  case minute
  /// 0...59
  case second
  /// 0...999, since the last full second.
  case millisecond
  /// 0...999, since the last full millisecond.
  case microsecond
  /// 0...999, since the last full microsecond.
  case nanosecond
  /// Whole seconds since 1970-01-01T00:00:00 UTC, whatever the zone; a timestamp without one is taken as UTC.
  case epoch
}

/// Takes one field out of a column of timestamps.
public struct TimestampExtraction: Sendable {
  private let field: TimestampField
  private let unit: TimeUnit
  private let clock: WallClock
  private let perDay: FloorDivisor

  public init(_ field: TimestampField, column unit: TimeUnit, clock: WallClock) {
    self.field = field
    self.unit = unit
    self.clock = field == .epoch ? .own : clock
    perDay = FloorDivisor(unit.perSecond * Civil.secondsPerDay)
  }

  /// - Returns: whether every value had a result. One has none when its reading does not fit the unit, within a day of
  ///   the ends of the range.
  public func apply(_ source: UnsafePointer<Int64>, _ count: Int, to target: UnsafeMutablePointer<Int64>) -> Bool {
    let perSecond = unit.perSecond
    switch field {
    case .year: return dates(source, count, target) { $1.year }
    case .quarter: return dates(source, count, target) { Civil.quarter(month: $1.month) }
    case .month: return dates(source, count, target) { $1.month }
    case .day: return dates(source, count, target) { $1.day }
    case .dayOfYear: return dates(source, count, target) { $0 &- Civil.days(year: $1.year, month: 1, day: 1) &+ 1 }
    case .week: return days(source, count, target) { Civil.isoWeek($0).week }
    case .isoYear: return days(source, count, target) { Civil.isoWeek($0).year }
    case .dayOfWeek: return days(source, count, target) { Civil.weekday($0) }
    case .hour: return part(source, count, target, of: perDay.divisor, 3600 * perSecond)
    case .minute: return part(source, count, target, of: 3600 * perSecond, 60 * perSecond)
    case .second: return part(source, count, target, of: 60 * perSecond, perSecond)
    case .millisecond: return part(source, count, target, of: perSecond, perSecond / 1000)
    case .microsecond: return part(source, count, target, of: perSecond / 1000, perSecond / 1_000_000)
    case .nanosecond: return part(source, count, target, of: perSecond / 1_000_000, perSecond / 1_000_000_000)
    case .epoch:
      let second = FloorDivisor(perSecond)
      return each(source, count, target) { second.quotient($0) }
    }
  }

  /// One value's result.
  public func value(_ value: Int64) -> Int64? {
    var (value, result) = (value, Int64(0))
    return apply(&value, 1, to: &result) ? result : nil
  }

  /// How many `inner` there are since the last full `outer`; 0 of what is finer than the column's unit.
  private func part(
    _ source: UnsafePointer<Int64>, _ count: Int, _ target: UnsafeMutablePointer<Int64>, of outer: Int64, _ inner: Int64
  ) -> Bool {
    guard inner > 0 else {
      target.update(repeating: 0, count: count)
      return true
    }
    let (outer, inner) = (FloorDivisor(outer), FloorDivisor(inner))
    return each(source, count, target) { inner.quotient(ofNatural: $0 &- outer.floor($0)) }
  }

  @inline(__always)  // One loop a field, as `each`.
  private func days(
    _ source: UnsafePointer<Int64>, _ count: Int, _ target: UnsafeMutablePointer<Int64>, _ take: (Int64) -> Int64
  ) -> Bool {
    each(source, count, target) { take(perDay.quotient($0)) }
  }

  @inline(__always)  // One loop a field, as `each`.
  private func dates(
    _ source: UnsafePointer<Int64>, _ count: Int, _ target: UnsafeMutablePointer<Int64>,
    _ take: (Int64, Civil.Date) -> Int64
  ) -> Bool {
    each(source, count, target) {
      let days = perDay.quotient($0)
      return take(days, Civil.date(days))
    }
  }

  @inline(__always)  // So that the closure is part of the loop.
  private func each(
    _ source: UnsafePointer<Int64>, _ count: Int, _ target: UnsafeMutablePointer<Int64>, _ take: (Int64) -> Int64
  ) -> Bool {
    guard case .zone(let zone) = clock else {
      for row in 0..<count { target[row] = take(source[row]) }
      return true
    }
    var cursor = ZoneCursor(zone, unit: unit)
    for row in 0..<count { target[row] = take(cursor.reading(at: source[row])) }
    return !cursor.failed
  }
}
