/// Days and dates of the proleptic Gregorian calendar, without a branch.
///
/// Algorithm: Neri and Schneider, "Euclidean affine functions and their application to calendar algorithms", 2022,
/// https://doi.org/10.1002/spe.3172, with the century taken from 64 bits instead of 32, so that every day that seconds
/// in an `Int64` reach has a date.
public enum Civil {
  /// A day's place in the calendar. The year 0 is the year before the year 1.
  public struct Date: Hashable, Sendable {
    public var year: Int64
    /// 1...12
    public var month: Int64
    /// 1...31
    public var day: Int64

    public init(year: Int64, month: Int64, day: Int64) {
      (self.year, self.month, self.day) = (year, month, day)
    }
  }

  public static let secondsPerDay: Int64 = 86_400

  /// The days, since 1970-01-01, of which `date` and everything built on it knows: all that seconds in an `Int64` reach,
  /// and as many again.
  public static let days: ClosedRange<Int64> = -150_000_000_000_000...150_000_000_000_000

  // Eras of 400 years that are added so that every day counted is positive: 2^30 of them are 1.57e14 days.
  @usableFromInline static let eraDays: Int64 = 146_097 * 1_073_741_824 + 719_468
  @usableFromInline static let eraYears: Int64 = 400 * 1_073_741_824

  /// The date that is `days` after 1970-01-01.
  ///
  /// - Parameter days: in `Civil.days`.
  @inlinable
  @inline(__always)  // 3 ns a row in line, 5 as a call.
  public static func date(_ days: Int64) -> Date {
    let shifted = UInt64(bitPattern: days &+ eraDays)
    let quarters = shifted &* 4 &+ 3
    let century = quarters / 146_097
    let dayOfCentury = UInt32(truncatingIfNeeded: (quarters &- century &* 146_097) / 4)
    let product = UInt64(dayOfCentury &* 4 &+ 3) &* 2_939_745
    let yearOfCentury = product &>> 32
    // Days since the first of March.
    let dayOfYear = UInt32(truncatingIfNeeded: product) / 2_939_745 / 4
    let parts = dayOfYear &* 2141 &+ 197_913
    let isAfterDecember = dayOfYear >= 306
    let month = Int64(parts &>> 16) &- (isAfterDecember ? 12 : 0)
    let day = Int64((parts & 0xFFFF) / 2141) &+ 1
    let year = Int64(bitPattern: century &* 100 &+ yearOfCentury) &- eraYears &+ (isAfterDecember ? 1 : 0)
    return Date(year: year, month: month, day: day)
  }

  /// Days since 1970-01-01.
  ///
  /// - Parameter year: within 4e11 of 0; `month` 1...12; `day` may be any of its month, and any other in the range of
  ///   16 bits: it counts on from the month's first.
  @inlinable
  @inline(__always)  // As `date`.
  public static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let isBeforeMarch = month <= 2
    let shifted = UInt64(bitPattern: year &+ eraYears &- (isBeforeMarch ? 1 : 0))
    let century = shifted / 100
    let yearDays = Int64(bitPattern: shifted &* 1461 / 4 &- century &+ century / 4)
    let monthDays = (979 &* (month &+ (isBeforeMarch ? 12 : 0)) &- 2919) &>> 5
    return yearDays &+ monthDays &+ (day &- 1) &- eraDays
  }

  /// Days since 1970-01-01.
  @inlinable
  public static func days(_ date: Date) -> Int64 { days(year: date.year, month: date.month, day: date.day) }

  @inlinable
  @inline(__always)  // Part of the loops that add months.
  public static func isLeap(_ year: Int64) -> Bool {
    // A year that 25 divides is a century year if 4 divides it: then 16 must. Source: Neri and Schneider.
    year % 25 == 0 ? year & 15 == 0 : year & 3 == 0
  }

  /// How many days a month has.
  @inlinable
  @inline(__always)  // Part of the loops that add months and read text.
  public static func daysIn(month: Int64, of year: Int64) -> Int64 {
    month == 2 ? (isLeap(year) ? 29 : 28) : 30 | (month ^ month &>> 3)
  }

  /// 1 for the first of January, to 366.
  @inlinable
  @inline(__always)  // Part of the loops that extract fields.
  public static func dayOfYear(_ date: Date) -> Int64 {
    days(date) &- days(year: date.year, month: 1, day: 1) &+ 1
  }

  /// 1 for Monday to 7 for Sunday, as ISO 8601 counts.
  ///
  /// - Parameter days: since 1970-01-01, a Thursday.
  @inlinable
  @inline(__always)  // Part of the loops that extract fields.
  public static func weekday(_ days: Int64) -> Int64 {
    Int64(bitPattern: UInt64(bitPattern: days &+ weekdayShift) % 7) &+ 1
  }

  // 7 divides it but for the 3 days from a Monday to 1970-01-01.
  @usableFromInline static let weekdayShift: Int64 = 7 * 100_000_000_000_000 + 3

  /// The week of ISO 8601: weeks begin on Mondays and belong to the year that has their Thursday.
  ///
  /// - Returns: `week` is 1...53.
  @inlinable
  public static func isoWeek(_ days: Int64) -> (year: Int64, week: Int64) {
    let thursday = days &- weekday(days) &+ 4
    let date = date(thursday)
    return (date.year, (thursday &- self.days(year: date.year, month: 1, day: 1)) / 7 &+ 1)
  }

  /// 1...4
  @inlinable
  @inline(__always)  // Part of the loops that extract fields.
  public static func quarter(month: Int64) -> Int64 { (month &+ 2) / 3 }
}
