/// The rule for local time that the last line of a TZif file gives for the time behind its table: "CET-1CEST,M3.5.0,M10.5.0/3".
///
/// Format: POSIX.1-2017, "Environment Variables", TZ, with the hours -167...167 of RFC 8536, section 3.3.1.
struct PosixRule: Sendable {
  /// Local time that lasts, or the half of the year that is not summer time.
  var standard: LocalTimeType
  /// Nil where local time never changes.
  var summer: Summer?

  struct Summer: Sendable {
    var type: LocalTimeType
    /// When summer time begins, on the clock of standard time, and ends, on its own clock.
    var start: YearlyMoment
    var end: YearlyMoment
  }

  /// A moment that each year has once.
  struct YearlyMoment: Sendable {
    enum Day: Sendable {
      /// `Jn`: 1...365, which never counts the 29th of February.
      case dayWithoutLeap(Int64)
      /// `n`: 0...365.
      case dayOfYear(Int64)
      /// `Mm.w.d`: month 1...12, week 1...5 (5 is the last), weekday 0...6 from Sunday.
      case weekday(month: Int64, week: Int64, weekday: Int64)
    }
    var day: Day
    /// Seconds since that day's midnight.
    var time: Int64

    /// Seconds of local time since 1970-01-01T00:00:00 in that year, at most as far as an `Int64` goes.
    func seconds(year: Int64) -> Int64 {
      let first = Civil.days(year: year, month: 1, day: 1)
      let days: Int64
      switch day {
      case .dayWithoutLeap(let day): days = first + day - 1 + (day >= 60 && Civil.isLeap(year) ? 1 : 0)
      case .dayOfYear(let day): days = first + day
      case .weekday(let month, let week, let weekday):
        let monthStart = Civil.days(year: year, month: month, day: 1)
        // ISO's Sunday is 7, this one's 0.
        let ahead = (weekday - Civil.weekday(monthStart) % 7 + 7) % 7
        var inMonth = ahead + (week - 1) * 7
        if inMonth >= Civil.daysIn(month: month, of: year) { inMonth -= 7 }
        days = monthStart + inMonth
      }
      let (midnight, overflow) = days.multipliedReportingOverflow(by: Civil.secondsPerDay)
      return overflow ? (days < 0 ? .min : .max) : midnight.saturatingAdd(time)
    }
  }

  /// What holds at a point in time, from its first until its last second of UTC; `.min` and `.max` without an end.
  ///
  /// - Parameter seconds: of UTC, since 1970-01-01T00:00:00.
  func span(at seconds: Int64) -> (first: Int64, last: Int64, isSummer: Bool) {
    guard let summer else { return (.min, .max, false) }
    let year = Civil.date(floorDivide(seconds, Civil.secondsPerDay).quotient).year
    // The years beside it have the changes around its ends.
    var changes: [(at: Int64, isSummer: Bool)] = []
    for year in (year - 1)...(year + 1) {
      changes.append((summer.start.seconds(year: year).saturatingSubtract(standard.offset), true))
      changes.append((summer.end.seconds(year: year).saturatingSubtract(summer.type.offset), false))
    }
    // Summer time that lasts all the year (RFC 8536: "XXX3EDT4,0/0,J365/23") ends in the second in which it begins.
    changes.sort { ($0.at, $0.isSummer ? 1 : 0) < ($1.at, $1.isSummer ? 1 : 0) }
    var span = (first: Int64.min, last: Int64.max, isSummer: false)
    for change in changes {
      if change.at <= seconds {
        span.first = change.at
        span.isSummer = change.isSummer
      } else {
        span.last = change.at - 1
        break
      }
    }
    return span
  }
}

extension PosixRule {
  /// Nil for a text that is no such rule.
  init?(_ text: some Collection<UInt8>) {
    var scanner = Scanner(text: Array(text))
    guard let name = scanner.name(), let west = scanner.time(hours: 24) else { return nil }
    standard = LocalTimeType(offset: -west, isSummer: false, abbreviation: name)
    guard !scanner.isAtEnd else { return }
    guard let summerName = scanner.name() else { return nil }
    var summerOffset = standard.offset + 3600
    if scanner.next != UInt8(ascii: ",") {
      guard let west = scanner.time(hours: 24) else { return nil }
      summerOffset = -west
    }
    guard scanner.take(","), let start = scanner.moment(), scanner.take(","), let end = scanner.moment(),
      scanner.isAtEnd
    else { return nil }
    summer = Summer(
      type: LocalTimeType(offset: summerOffset, isSummer: true, abbreviation: summerName), start: start, end: end)
  }

  private struct Scanner {
    let text: [UInt8]
    var index = 0

    var isAtEnd: Bool { index == text.count }
    var next: UInt8? { index < text.count ? text[index] : nil }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard next == UInt8(ascii: character) else { return false }
      index += 1
      return true
    }

    /// At least three letters, or `<…>` around letters, digits and signs.
    mutating func name() -> String? {
      let isQuoted = take("<")
      let first = index
      while let byte = next {
        let isLetter = (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
        let isOther = byte &- 48 < 10 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
        guard isLetter || isQuoted && isOther else { break }
        index += 1
      }
      let name = text[first..<index]
      guard name.count >= 3, name.count <= 16, !isQuoted || take(">") else { return nil }
      return String(decoding: name, as: UTF8.self)
    }

    mutating func number(_ range: ClosedRange<Int64>) -> Int64? {
      var value: Int64 = 0
      let first = index
      while let byte = next, byte &- 48 < 10, index - first < 3 {
        value = value * 10 + Int64(byte &- 48)
        index += 1
      }
      return index > first && range.contains(value) ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` as seconds.
    mutating func time(hours limit: Int64) -> Int64? {
      let isNegative = take("-")
      if !isNegative { _ = take("+") }
      guard let hours = number(0...limit) else { return nil }
      var seconds = hours * 3600
      if take(":") {
        guard let minutes = number(0...59) else { return nil }
        seconds += minutes * 60
        if take(":") {
          guard let rest = number(0...59) else { return nil }
          seconds += rest
        }
      }
      return isNegative ? -seconds : seconds
    }

    mutating func moment() -> YearlyMoment? {
      let day: YearlyMoment.Day
      if take("J") {
        guard let number = number(1...365) else { return nil }
        day = .dayWithoutLeap(number)
      } else if take("M") {
        guard let month = number(1...12), take("."), let week = number(1...5), take("."), let weekday = number(0...6)
        else { return nil }
        day = .weekday(month: month, week: week, weekday: weekday)
      } else {
        guard let number = number(0...365) else { return nil }
        day = .dayOfYear(number)
      }
      guard take("/") else { return YearlyMoment(day: day, time: 7200) }
      guard let time = time(hours: 167) else { return nil }
      return YearlyMoment(day: day, time: time)
    }
  }
}
