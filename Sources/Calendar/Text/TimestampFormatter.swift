import Base
import VolleyPlan

/// Writes timestamps by a pattern of strftime codes; see `TimestampPattern`.
public struct TimestampFormatter: Sendable {
  /// Most bytes of a text.
  public let width: Int
  private let pattern: TimestampPattern
  private let unit: TimeUnit
  private let perDay: FloorDivisor
  private let perSecond: FloorDivisor
  private var cursor: ZoneCursor?
  /// The abbreviations of the zone's types, as bytes.
  private let abbreviations: [[UInt8]]

  /// - Parameters:
  ///   - unit: the timestamps' unit.
  ///   - clock: whose readings are written.
  ///   - isInstant: whether the timestamps have a zone at all; without one there is no offset to write.
  ///   - place: leads the messages.
  public init(
    _ pattern: String, column unit: TimeUnit, clock: WallClock, isInstant: Bool, place: String
  ) throws(Failure) {
    self.pattern = try TimestampPattern(pattern, place: place)
    if !isInstant,
      let item = self.pattern.items.first(where: { [.offset, .offsetWithColon, .zone].contains($0) })
    {
      throw Failure(
        .usage,
        "\(place): the format '\(pattern)' has \(item == .zone ? "%Z" : item == .offset ? "%z" : "%Ez"), but the timestamp has no time zone; leave it out, or give the timestamp a zone first"
      )
    }
    self.unit = unit
    perDay = FloorDivisor(unit.perSecond * Civil.secondsPerDay)
    perSecond = FloorDivisor(unit.perSecond)
    if case .zone(let zone) = clock {
      cursor = ZoneCursor(zone, unit: unit)
      abbreviations = zone.types.map { Array($0.abbreviation.utf8) }
    } else {
      abbreviations = [Array("UTC".utf8)]
    }
    let zoneWidth = abbreviations.map(\.count).max() ?? 0
    // Eight bytes more may be written behind the last.
    width = self.pattern.items.reduce(8) { $0 + Self.width($1, zone: zoneWidth) }
  }

  private static func width(_ item: TimestampPattern.Item, zone: Int) -> Int {
    switch item {
    case .text(_, let count): count
    case .zone: zone
    case .year, .isoYear, .century: 16
    case .epoch: 20
    case .monthName, .weekdayName, .offset, .offsetWithColon: 12
    case .second: 12
    case .fraction: 9
    default: 3
    }
  }

  /// Writes a timestamp into at least `width` bytes and returns where the text ends; nil when its reading does not fit the
  /// unit, within a day of the ends of the range.
  public mutating func write(
    _ value: Int64, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8>? {
    let reading = cursor?.reading(at: value) ?? value
    if cursor?.failed ?? false {
      cursor?.failed = false
      return nil
    }
    let type = cursor?.type ?? 0
    let (days, inDay) = perDay.divide(reading)
    let (second, fraction) = perSecond.divide(inDay)
    let moment = Moment(
      value: value, days: days, date: Civil.date(days), second: second, fraction: fraction,
      offset: perSecond.quotient(reading &- value), type: type)
    var at = out
    for item in pattern.items { at = write(item, moment, to: at) }
    return at
  }

  private struct Moment {
    var value: Int64
    var days: Int64
    var date: Civil.Date
    /// Of the day.
    var second: Int64
    /// Units of the second.
    var fraction: Int64
    /// Seconds east of UTC.
    var offset: Int64
    var type: Int

    /// Weeks that begin on one weekday, of which the first begins in the year.
    ///
    /// - Parameter ahead: days since that weekday.
    func week(ahead: Int64) -> Int64 { (Civil.dayOfYear(date) &+ 6 &- ahead) / 7 }
  }

  private func write(
    _ item: TimestampPattern.Item, _ moment: Moment, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    switch item {
    case .text(let first, let count):
      for index in 0..<count { out[index] = pattern.literals[first + index] }
      return out + count
    case .year: return writeSigned(moment.date.year, to: out)
    case .century:
      return writeSigned(floorDivide(moment.date.year, 100).quotient, digits: 2, to: out)
    case .yearOfCentury: return two(Int64(moment.date.year.magnitude % 100), out)
    case .month: return two(moment.date.month, out)
    case .monthName: return copy(CalendarNames.months[Int(moment.date.month) - 1], to: out)
    case .monthAbbreviation: return copy(CalendarNames.months[Int(moment.date.month) - 1], 3, to: out)
    case .day: return two(moment.date.day, out)
    case .dayBlank:
      writeTwoDigits(moment.date.day, to: out)
      if moment.date.day < 10 { out[0] = UInt8(ascii: " ") }
      return out + 2
    case .dayOfYear:
      writeDigits(UInt64(bitPattern: Civil.dayOfYear(moment.date)), count: 3, to: out)
      return out + 3
    case .hour: return two(moment.second / 3600, out)
    case .hour12: return two((moment.second / 3600 &+ 11) % 12 &+ 1, out)
    case .half: return copy(moment.second < 43_200 ? "AM" : "PM", to: out)
    case .minute: return two(moment.second / 60 % 60, out)
    case .wholeSecond: return two(moment.second % 60, out)
    case .second:
      let end = two(moment.second % 60, out)
      guard unit != .second else { return end }
      end[0] = UInt8(ascii: ".")
      writeDigits(UInt64(bitPattern: moment.fraction), count: unit.fractionDigits, to: end + 1)
      return end + 1 + unit.fractionDigits
    case .fraction:
      let isNanoseconds = unit == .nanosecond
      let scale = isNanoseconds ? 1 : 1_000_000 / unit.perSecond
      writeDigits(UInt64(bitPattern: moment.fraction &* scale), count: isNanoseconds ? 9 : 6, to: out)
      return out + (isNanoseconds ? 9 : 6)
    case .epoch:
      let seconds = perSecond.quotient(moment.value)
      if seconds < 0 { out[0] = UInt8(ascii: "-") }
      return writeNumber(seconds.magnitude, atLeast: 1, to: seconds < 0 ? out + 1 : out)
    case .weekdayName: return copy(CalendarNames.weekdays[Int(Civil.weekday(moment.days)) - 1], to: out)
    case .weekdayAbbreviation: return copy(CalendarNames.weekdays[Int(Civil.weekday(moment.days)) - 1], 3, to: out)
    case .weekday: return one(Civil.weekday(moment.days), out)
    case .weekdayFromSunday: return one(Civil.weekday(moment.days) % 7, out)
    case .isoYear: return writeSigned(Civil.isoWeek(moment.days).year, to: out)
    case .isoYearOfCentury: return two(Int64(Civil.isoWeek(moment.days).year.magnitude % 100), out)
    case .isoWeek: return two(Civil.isoWeek(moment.days).week, out)
    case .weekFromSunday: return two(moment.week(ahead: Civil.weekday(moment.days) % 7), out)
    case .weekFromMonday: return two(moment.week(ahead: Civil.weekday(moment.days) &- 1), out)
    case .offset: return write(offset: moment.offset, separator: nil, to: out)
    case .offsetWithColon: return write(offset: moment.offset, separator: UInt8(ascii: ":"), to: out)
    case .zone: return copy(abbreviations[moment.type], to: out)
    }
  }

  private func one(_ digit: Int64, _ out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    out[0] = 48 &+ UInt8(truncatingIfNeeded: digit)
    return out + 1
  }

  private func two(_ number: Int64, _ out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    writeTwoDigits(number, to: out)
    return out + 2
  }

  /// Minus before the digits of a negative number, and no plus: as strftime writes years.
  private func writeSigned(
    _ number: Int64, digits: Int = 4, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    if number < 0 { out[0] = UInt8(ascii: "-") }
    return writeNumber(number.magnitude, atLeast: digits, to: number < 0 ? out + 1 : out)
  }

  /// Whole minutes: seconds of an offset are cut off.
  private func write(
    offset: Int64, separator: UInt8?, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let minutes = Int64(offset.magnitude) / 60
    out[0] = UInt8(ascii: offset < 0 ? "-" : "+")
    var at = two(minutes / 60, out + 1)
    if let separator {
      at[0] = separator
      at += 1
    }
    return two(minutes % 60, at)
  }

  private func copy(_ bytes: [UInt8], to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    for index in bytes.indices { out[index] = bytes[index] }
    return out + bytes.count
  }

  private func copy(
    _ text: StaticString, _ count: Int? = nil, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let count = count ?? text.utf8CodeUnitCount
    out.update(from: text.utf8Start, count: count)
    return out + count
  }
}
