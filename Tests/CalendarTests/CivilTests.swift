import Calendar
import TestSupport
import Testing

struct CivilTests {
  @Test("every day of 1,200 years has the date after the day before it, and dates give their days back")
  func consecutive() {
    var expected = Civil.Date(year: -400, month: 1, day: 1)
    let first = Civil.days(expected)
    var weekday = Civil.weekday(first)
    for days in first..<(first + 3 * 146_097) {
      let date = Civil.date(days)
      guard date == expected, Civil.days(date) == days, Civil.weekday(days) == weekday else {
        Issue.record("day \(days) is \(date), expected \(expected)")
        return
      }
      weekday = weekday % 7 + 1
      let leap = expected.year % 4 == 0 && (expected.year % 100 != 0 || expected.year % 400 == 0)
      let length = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][Int(expected.month) - 1]
      #expect(Civil.daysIn(month: expected.month, of: expected.year) == length)
      expected.day += 1
      if expected.day > length { (expected.day, expected.month) = (1, expected.month + 1) }
      if expected.month > 12 { (expected.month, expected.year) = (1, expected.year + 1) }
    }
  }

  @Test("the days that seconds in 64 bits reach have dates, and the dates their days")
  func extremes() {
    let last = Int64.max / 86_400
    #expect(Civil.date(last) == Civil.Date(year: 292_277_026_596, month: 12, day: 4))
    #expect(Civil.date(Int64.min / 86_400 - 1) == Civil.Date(year: -292_277_022_657, month: 1, day: 27))
    var generator = SeededGenerator()
    for _ in 0..<10_000 {
      let days = Int64.random(in: Civil.days, using: &generator)
      let date = Civil.date(days)
      #expect(Civil.days(date) == days, "\(generator)")
      // 400 years have the same days again.
      let shifted = Civil.date(days % 146_097)
      #expect(
        shifted.month == date.month && shifted.day == date.day && (shifted.year - date.year) % 400 == 0, "\(generator)")
    }
  }

  @Test("weeks, weekdays and days of the year are Python's")
  func python() {
    var generator = SeededGenerator()
    // Python's years are 1 to 9999; every year's ends, and random days.
    var days = (0..<5000).map { _ in Int64.random(in: -719_162...2_932_896, using: &generator) }
    for year in 1...9998 as ClosedRange<Int64> where year % 7 < 2 || year % 100 == 0 {
      days += [Civil.days(year: year, month: 12, day: 29), Civil.days(year: year + 1, month: 1, day: 3)]
    }
    let peer = TestProcess.python(
      """
      import sys, datetime
      for line in sys.stdin:
          d = datetime.date.fromordinal(int(line) + 719163)
          y, w, n = d.isocalendar()
          print(d.year, d.month, d.day, n, y, w, d.timetuple().tm_yday)
      """, input: days.map { "\($0)\n" }.joined())
    #expect(peer.status == 0, "\(peer.errors)")
    let lines = peer.output.split(separator: "\n")
    #expect(lines.count == days.count)
    for (day, line) in zip(days, lines) {
      let date = Civil.date(day)
      let week = Civil.isoWeek(day)
      let found =
        "\(date.year) \(date.month) \(date.day) \(Civil.weekday(day)) \(week.year) \(week.week) \(Civil.dayOfYear(date))"
      #expect(found == line, "\(generator)")
    }
  }
}

struct FloorDivisionTests {
  @Test("a multiplication divides as the processor does: every small case")
  func small() {
    for divisor in 1...40 as ClosedRange<Int64> {
      let fast = FloorDivisor(divisor)
      for value in -200...200 as ClosedRange<Int64> { #expect(fast.divide(value) == floorDivide(value, divisor)) }
    }
  }

  @Test("a multiplication divides as the processor does: extreme and random divisors and values")
  func random() {
    var generator = SeededGenerator()
    var divisors: [Int64] = [1, 2, 3, 7, 86_400_000_000_000, .max, .max - 1, 1 << 62, 1 << 62 + 1, 1 << 62 - 1]
    for _ in 0..<2000 {
      divisors.append(Int64.random(in: 1...(.max), using: &generator) >> Int64.random(in: 0..<63, using: &generator))
    }
    for divisor in divisors where divisor > 0 {
      let fast = FloorDivisor(divisor)
      var values: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max, divisor, divisor - 1, -divisor, -divisor - 1]
      for _ in 0..<50 {
        values.append(Int64.random(in: .min ... .max, using: &generator) >> Int64.random(in: 0..<63, using: &generator))
      }
      for value in values {
        let (quotient, remainder) = floorDivide(value, divisor)
        #expect(fast.quotient(value) == quotient, "\(value) / \(divisor), \(generator)")
        #expect(fast.divide(value).remainder == remainder, "\(value) / \(divisor), \(generator)")
        #expect(fast.floor(value) == quotient &* divisor, "\(value) / \(divisor), \(generator)")
      }
    }
  }
}
