/// Reads a text along a pattern.
struct PatternReader {
  var at: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>
  var fields = PatternFields()
  /// What was expected where it stopped.
  private(set) var expected: StaticString = ""

  init(at start: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
    (at, self.end) = (start, end)
  }

  /// False when the text is another; `at` is where.
  mutating func read(_ pattern: borrowing TimestampPattern) -> Bool {
    for index in pattern.items.indices {
      let pointFollows = index + 1 < pattern.items.count && pattern.beginsWithPoint(pattern.items[index + 1])
      guard read(pattern.items[index], pattern.literals, pointFollows: pointFollows) else { return false }
    }
    return at == end || fail("the end of the text")
  }

  private mutating func fail(_ expected: StaticString) -> Bool {
    self.expected = expected
    return false
  }

  private mutating func read(_ item: TimestampPattern.Item, _ literals: [UInt8], pointFollows: Bool) -> Bool {
    switch item {
    case .text(let first, let count): return skip(literals[first..<first + count])
    case .year:
      fields.year = year()
      return fields.year != nil || fail("a year, such as 2024")
    case .isoYear:
      fields.isoYear = year()
      return fields.isoYear != nil || fail("a year, such as 2024")
    case .century:
      fields.century = number(2, 0...99)
      return fields.century != nil || fail("a century, 00 to 99")
    case .yearOfCentury:
      fields.yearOfCentury = number(2, 0...99)
      return fields.yearOfCentury != nil || fail("a year of the century, 00 to 99")
    case .isoYearOfCentury:
      fields.isoYear = number(2, 0...99).map { $0 + ($0 >= 69 ? 1900 : 2000) }
      return fields.isoYear != nil || fail("a year of the century, 00 to 99")
    case .month:
      fields.month = number(2, 1...12)
      return fields.month != nil || fail("a month, 01 to 12")
    case .monthName, .monthAbbreviation:
      fields.month = name(CalendarNames.months)
      return fields.month != nil || fail("the name of a month, such as January or Jan")
    case .day, .dayBlank:
      if item == .dayBlank, at < end, at.pointee == UInt8(ascii: " ") { at += 1 }
      fields.day = number(2, 1...31)
      return fields.day != nil || fail("a day, 01 to 31")
    case .dayOfYear:
      fields.dayOfYear = number(3, 1...366)
      return fields.dayOfYear != nil || fail("a day of the year, 001 to 366")
    case .hour:
      guard let hour = number(2, 0...23) else { return fail("an hour, 00 to 23") }
      fields.hour = hour
      return true
    case .hour12:
      fields.hour12 = number(2, 1...12)
      return fields.hour12 != nil || fail("an hour, 01 to 12")
    case .half:
      if skip("AM") { return true }
      fields.isAfternoon = skip("PM")
      return fields.isAfternoon || fail("AM or PM")
    case .minute:
      guard let minute = number(2, 0...59) else { return fail("a minute, 00 to 59") }
      fields.minute = minute
      return true
    case .second, .wholeSecond:
      guard let second = number(2, 0...59) else { return fail("a second, 00 to 59") }
      fields.second = second
      guard item == .second, !pointFollows, at < end, at.pointee == UInt8(ascii: ".") else { return true }
      at += 1
      return fraction()
    case .fraction: return fraction()
    case .epoch: return epoch() || fail("a count of seconds")
    case .weekdayName, .weekdayAbbreviation:
      fields.weekday = name(CalendarNames.weekdays)
      return fields.weekday != nil || fail("the name of a weekday, such as Monday or Mon")
    case .weekday:
      fields.weekday = number(1, 1...7)
      return fields.weekday != nil || fail("a weekday, 1 to 7")
    case .weekdayFromSunday:
      fields.weekday = number(1, 0...6).map { $0 == 0 ? 7 : $0 }
      return fields.weekday != nil || fail("a weekday, 0 to 6")
    case .isoWeek:
      fields.isoWeek = number(2, 1...53)
      return fields.isoWeek != nil || fail("a week, 01 to 53")
    case .weekFromSunday:
      fields.weekFromSunday = number(2, 0...53)
      return fields.weekFromSunday != nil || fail("a week, 00 to 53")
    case .weekFromMonday:
      fields.weekFromMonday = number(2, 0...53)
      return fields.weekFromMonday != nil || fail("a week, 00 to 53")
    case .offset, .offsetWithColon: return offset() || fail("an offset, such as +0200, +02:00 or Z")
    case .zone:
      return skip("UTC") || skip("GMT") || skip("Z") || fail("UTC, GMT or Z: other abbreviations do not name one zone")
    }
  }

  /// White space stands for any, and for none.
  private mutating func skip(_ bytes: ArraySlice<UInt8>) -> Bool {
    for byte in bytes {
      if byte == 32 || byte &- 9 < 5 {
        while at < end, at.pointee == 32 || at.pointee &- 9 < 5 { at += 1 }
        continue
      }
      guard at < end, at.pointee == byte else { return fail("the text between the codes") }
      at += 1
    }
    return true
  }

  /// A word in any case.
  private mutating func skip(_ word: StaticString, count: Int? = nil) -> Bool {
    let count = count ?? word.utf8CodeUnitCount
    guard end - at >= count else { return false }
    for index in 0..<count where at[index] | 0x20 != word.utf8Start[index] | 0x20 { return false }
    at += count
    return true
  }

  /// The name or its first three letters, as its number from 1.
  private mutating func name(_ names: [StaticString]) -> Int64? {
    for index in names.indices where skip(names[index]) || skip(names[index], count: 3) { return Int64(index) + 1 }
    return nil
  }

  /// One to `digits` digits.
  private mutating func digits(_ digits: Int) -> Int64? {
    let first = at
    var value: Int64 = 0
    while at < end, at - first < digits, at.pointee &- 48 < 10 {
      value = value * 10 + Int64(at.pointee &- 48)
      at += 1
    }
    return at > first ? value : nil
  }

  private mutating func number(_ digits: Int, _ range: ClosedRange<Int64>) -> Int64? {
    let first = at
    guard let value = self.digits(digits), range.contains(value) else {
      at = first
      return nil
    }
    return value
  }

  /// Up to four digits, or with a sign up to twelve.
  private mutating func year() -> Int64? {
    let first = at
    let isNegative = at < end && at.pointee == UInt8(ascii: "-")
    let hasSign = isNegative || at < end && at.pointee == UInt8(ascii: "+")
    if hasSign { at += 1 }
    guard let value = digits(hasSign ? 12 : 4), value <= 300_000_000_000 else {
      at = first
      return nil
    }
    return isNegative ? -value : value
  }

  /// One to nine digits as nanoseconds.
  private mutating func fraction() -> Bool {
    let first = at
    guard var value = digits(9) else { return fail("1 to 9 digits of a fraction") }
    for _ in (at - first)..<9 { value *= 10 }
    fields.nanoseconds = value
    return true
  }

  private mutating func epoch() -> Bool {
    let first = at
    let isNegative = skip("-")
    guard let value = digits(18) else {
      at = first
      return false
    }
    fields.epoch = isNegative ? -value : value
    return true
  }

  private mutating func offset() -> Bool {
    var cursor = ISO8601Cursor(at: at, end: end, isLenient: true)
    guard let offset = cursor.leadingOffset() else { return false }
    fields.offset = offset
    at = cursor.at
    return true
  }
}
