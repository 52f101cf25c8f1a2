import VolleyPlan

/// Timestamps as ISO 8601: `2024-05-01T12:30:00`, with as many digits of a fraction as the unit has unless it is zero, and
/// with `Z` when the timestamp is an instant (has a time zone) rather than a wall clock's reading.
public enum TimestampText {
  /// Appends the text.
  public static func append(_ value: Int64, _ unit: TimeUnit, isInstant: Bool, to text: inout [UInt8]) {
    let perSecond = unitsPerSecond(unit)
    let (seconds, fraction) = floorDivide(value, perSecond)
    let (days, secondOfDay) = floorDivide(seconds, 86_400)
    let (year, month, day) = date(days)
    if year < 0 || year > 9999 {
      // ISO 8601 writes years beyond four digits with a sign.
      text.append(UInt8(ascii: year < 0 ? "-" : "+"))
      appendPadded(year.magnitude, 6, to: &text)
    } else {
      appendPadded(year.magnitude, 4, to: &text)
    }
    text.append(UInt8(ascii: "-"))
    appendPadded(UInt64(month), 2, to: &text)
    text.append(UInt8(ascii: "-"))
    appendPadded(UInt64(day), 2, to: &text)
    text.append(UInt8(ascii: "T"))
    appendPadded(UInt64(secondOfDay / 3600), 2, to: &text)
    text.append(UInt8(ascii: ":"))
    appendPadded(UInt64(secondOfDay / 60 % 60), 2, to: &text)
    text.append(UInt8(ascii: ":"))
    appendPadded(UInt64(secondOfDay % 60), 2, to: &text)
    if fraction != 0 {
      text.append(UInt8(ascii: "."))
      appendPadded(UInt64(fraction), fractionDigits(unit), to: &text)
    }
    if isInstant { text.append(UInt8(ascii: "Z")) }
  }

  public static func string(_ value: Int64, _ unit: TimeUnit, isInstant: Bool) -> String {
    var text: [UInt8] = []
    append(value, unit, isInstant: isInstant, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  public static func unitsPerSecond(_ unit: TimeUnit) -> Int64 {
    switch unit {
    case .second: 1
    case .millisecond: 1_000
    case .microsecond: 1_000_000
    case .nanosecond: 1_000_000_000
    }
  }

  private static func fractionDigits(_ unit: TimeUnit) -> Int {
    switch unit {
    case .second: 0
    case .millisecond: 3
    case .microsecond: 6
    case .nanosecond: 9
    }
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  /// The proleptic Gregorian date of a number of days since 1970-01-01.
  /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
  private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  private static func appendPadded(_ value: UInt64, _ width: Int, to text: inout [UInt8]) {
    var digits = 1
    var rest = value
    while rest >= 10 {
      rest /= 10
      digits += 1
    }
    for _ in 0..<max(0, width - digits) { text.append(UInt8(ascii: "0")) }
    let start = text.count
    rest = value
    for _ in 0..<digits {
      text.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    }
    text[start...].reverse()
  }
}
