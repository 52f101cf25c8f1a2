/// A day of the proleptic Gregorian calendar: days since 1970-01-01, the value of a `date32` column.
///
/// As JSON it is read from a number of days or from `2024-02-29`, and written as that text.
@frozen
public struct CalendarDate: Hashable, Comparable, Codable, Sendable, BitwiseCopyable {
  public var daysSinceEpoch: Int32

  @inlinable
  public init(daysSinceEpoch: Int32) { self.daysSinceEpoch = daysSinceEpoch }

  /// Nil for a day that the month does not have, and for a year beyond -9999...9999.
  public init?(year: Int, month: Int, day: Int) {
    guard (-9999...9999).contains(year), (1...12).contains(month), day >= 1,
      day <= CivilDays.days(in: Int64(month), of: Int64(year))
    else { return nil }
    self.init(daysSinceEpoch: Int32(CivilDays.number(Int64(year), Int64(month), Int64(day))))
  }

  public var year: Int { Int(CivilDays.date(Int64(daysSinceEpoch)).year) }
  /// 1 to 12.
  public var month: Int { Int(CivilDays.date(Int64(daysSinceEpoch)).month) }
  /// 1 to 31.
  public var day: Int { Int(CivilDays.date(Int64(daysSinceEpoch)).day) }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let days = try? container.decode(Int32.self) {
      self.init(daysSinceEpoch: days)
      return
    }
    let text = try container.decode(String.self)
    guard let value = CalendarDate(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is no date such as 2024-02-29")
    }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  @inlinable
  public static func < (left: CalendarDate, right: CalendarDate) -> Bool { left.daysSinceEpoch < right.daysSinceEpoch }
}

extension CalendarDate: LosslessStringConvertible {
  /// Reads `YYYY-MM-DD`.
  public init?(_ description: String) {
    let text = Array(description.utf8)
    guard text.count == 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-") else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      text[range].reduce(0 as Int?) { sum, byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? sum.map { 10 * $0 + Int(byte) - 48 } : nil
      }
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else { return nil }
    self.init(year: year, month: month, day: day)
  }

  /// `2024-02-29`; years of more than four digits as they are, those before the year 0 with a sign.
  public var description: String {
    let (year, month, day) = CivilDays.date(Int64(daysSinceEpoch))
    func digits(_ value: Int64, _ count: Int) -> String {
      let text = String(value.magnitude)
      return (value < 0 ? "-" : "") + String(repeating: "0", count: Swift.max(0, count - text.utf8.count)) + text
    }
    return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
  }
}
