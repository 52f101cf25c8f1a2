import Base

/// Points in time as text, in UTC with microseconds: "2024-02-29T23:59:59.000001Z".
/// Source: https://www.rfc-editor.org/rfc/rfc3339
public enum RFC3339 {
  /// - Parameter time: years 0 to 9999 have four digits, as the format wants; others more, or a sign.
  public static func text(_ time: EventTime) -> String {
    let (days, inDay) = floorDivide(time.microseconds, 86_400_000_000)
    let (year, month, day) = date(daysSinceEpoch: days)
    let seconds = inDay / 1_000_000
    var text = ""
    text.reserveCapacity(27)
    append(&text, year, digits: 4)
    text += "-"
    append(&text, month, digits: 2)
    text += "-"
    append(&text, day, digits: 2)
    text += "T"
    append(&text, seconds / 3600, digits: 2)
    text += ":"
    append(&text, seconds / 60 % 60, digits: 2)
    text += ":"
    append(&text, seconds % 60, digits: 2)
    text += "."
    append(&text, inDay % 1_000_000, digits: 6)
    text += "Z"
    return text
  }

  /// The proleptic Gregorian date of a day.
  ///
  /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years that start in March,
  /// in eras of 400 years (146,097 days).
  static func date(daysSinceEpoch days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  private static func append(_ text: inout String, _ number: Int64, digits: Int) {
    if number < 0 { text += "-" }
    let written = String(number.magnitude)
    text += String(repeating: "0", count: max(0, digits - written.utf8.count))
    text += written
  }
}
