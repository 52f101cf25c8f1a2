import Base
import VolleyPlan

/// Reads timestamps by a pattern of strftime codes; see `TimestampPattern`.
///
/// Numbers may have fewer digits than they are written with, names any case; white space in the pattern stands for any
/// in the text, and for none. What a pattern does not name is that of 1900-01-01T00:00:00. `%S` takes a fraction if one
/// follows, of which the unit must hold all digits that are not 0, unless the pattern has a point there. A weekday beside
/// a whole date is read and not compared with it.
public struct TimestampParser: Sendable {
  private let pattern: TimestampPattern
  private let unit: TimeUnit

  /// Whether a text tells its offset from UTC, and so a point in time.
  public let hasOffset: Bool

  /// - Parameters:
  ///   - unit: of the timestamps that are made.
  ///   - place: leads the messages.
  public init(_ pattern: String, unit: TimeUnit, place: String) throws(Failure) {
    self.pattern = try TimestampPattern(pattern, place: place)
    self.unit = unit
    hasOffset = self.pattern.items.contains { [.offset, .offsetWithColon, .zone, .epoch].contains($0) }
  }

  /// Reads a timestamp that fills `start`..<`end`: a moment in UTC if the pattern tells an offset, else a reading.
  public func read(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ value: inout Int64
  ) -> ISO8601.Outcome {
    var reader = PatternReader(at: start, end: end)
    guard reader.read(pattern), let seconds = reader.fields.seconds() else { return .malformed }
    let perUnit = 1_000_000_000 / unit.perSecond
    let (units, lost) = reader.fields.nanoseconds.quotientAndRemainder(dividingBy: perUnit)
    guard lost == 0 else { return .malformed }
    guard let sum = Int64(exactly: seconds * Int128(unit.perSecond) + Int128(units)) else { return .outOfRange }
    value = sum
    return hasOffset ? .withOffset : .withoutOffset
  }

  /// Why a text is not read: "byte 5 is '…', expected a month, 01 to 12".
  public func complaint(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> String {
    var reader = PatternReader(at: start, end: end)
    guard reader.read(pattern) else {
      let place = reader.at - start
      if reader.at == end { return "it ends after byte \(place), expected \(reader.expected)" }
      let rest = UnsafeBufferPointer(start: reader.at, count: min(16, end - reader.at))
      return "from byte \(place + 1) it has '\(String(decoding: rest, as: UTF8.self))', expected \(reader.expected)"
    }
    guard reader.fields.seconds() != nil else { return "there is no such day" }
    if reader.fields.nanoseconds % (1_000_000_000 / unit.perSecond) != 0 {
      return "its fraction has more digits than a timestamp[\(unit.rawValue)] holds"
    }
    return "a timestamp[\(unit.rawValue)] does not reach it"
  }
}

/// What the codes of a text have told so far.
struct PatternFields {
  var year: Int64?
  var century: Int64?
  var yearOfCentury: Int64?
  var month: Int64?
  var day: Int64?
  var dayOfYear: Int64?
  var isoYear: Int64?
  var isoWeek: Int64?
  var weekFromSunday: Int64?
  var weekFromMonday: Int64?
  /// 1...7 from Monday.
  var weekday: Int64?
  var hour: Int64 = 0
  var hour12: Int64?
  var isAfternoon = false
  var minute: Int64 = 0
  var second: Int64 = 0
  var nanoseconds: Int64 = 0
  var epoch: Int64?
  /// Seconds east of UTC.
  var offset: Int64 = 0

  /// Seconds since 1970-01-01T00:00:00, of UTC if there was an offset; nil for a day that does not exist.
  func seconds() -> Int128? {
    if let epoch { return Int128(epoch) }
    guard let days = days() else { return nil }
    let hour = hour12.map { $0 % 12 + (isAfternoon ? 12 : 0) } ?? hour
    return Int128(days) * Int128(Civil.secondsPerDay) + Int128(hour * 3600 + minute * 60 + second - offset)
  }

  private func days() -> Int64? {
    let year = wholeYear()
    let (first, leap) = (Civil.days(year: year, month: 1, day: 1), Civil.isLeap(year))
    if month == nil, day == nil {
      if let dayOfYear { return dayOfYear <= (leap ? 366 : 365) ? first + dayOfYear - 1 : nil }
      if let isoWeek {
        // The 4th of January is in week 1.
        let fourth = Civil.days(year: isoYear ?? year, month: 1, day: 4)
        let day = fourth - Civil.weekday(fourth) + (isoWeek - 1) * 7 + (weekday ?? 1)
        return Civil.isoWeek(day).week == isoWeek ? day : nil
      }
      if let week = weekFromMonday, let weekday {
        return within(first, leap, first + (8 - Civil.weekday(first)) % 7 + (week - 1) * 7 + weekday - 1)
      }
      if let week = weekFromSunday, let weekday {
        return within(first, leap, first + (7 - Civil.weekday(first)) % 7 + (week - 1) * 7 + weekday % 7)
      }
    }
    let (month, day) = (month ?? 1, day ?? 1)
    guard day <= Civil.daysIn(month: month, of: year) else { return nil }
    return Civil.days(year: year, month: month, day: day)
  }

  private func wholeYear() -> Int64 {
    if let year { return year }
    if let yearOfCentury {
      return (century ?? (yearOfCentury >= 69 ? 19 : 20)) * 100 + yearOfCentury
    }
    return century.map { $0 * 100 } ?? 1900
  }

  /// The day, if it is one of the year that begins with `first`.
  private func within(_ first: Int64, _ leap: Bool, _ day: Int64) -> Int64? {
    day >= first && day < first + (leap ? 366 : 365) ? day : nil
  }
}
