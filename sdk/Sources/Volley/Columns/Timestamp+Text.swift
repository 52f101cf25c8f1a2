extension Timestamp: LosslessStringConvertible {
  /// Reads `YYYY-MM-DD`, alone or with `Thh:mm:ss`, a fraction and `Z`; UTC. Decimals past the sixth are dropped.
  public init?(_ description: String) {
    var rest = Substring(description)
    func number(_ digits: Int) -> Int64? {
      let text = rest.prefix(digits)
      guard text.utf8.count == digits, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
      rest = rest.dropFirst(digits)
      return Int64(text)
    }
    func skip(_ characters: String) -> Bool {
      guard let first = rest.first, characters.contains(first) else { return false }
      rest = rest.dropFirst()
      return true
    }
    guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2),
      (1...12).contains(month), (1...CivilDays.days(in: month, of: year)).contains(day)
    else { return nil }
    var microseconds = CivilDays.number(year, month, day) * 86_400_000_000
    if skip("T ") {
      guard let hour = number(2), skip(":"), let minute = number(2), skip(":"), let second = number(2),
        hour < 24, minute < 60, second < 60
      else { return nil }
      microseconds += (hour * 3600 + minute * 60 + second) * 1_000_000
      if skip(".") {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        microseconds += Int64((digits + "000000").prefix(6)) ?? 0
      }
    }
    _ = skip("Z")
    guard rest.isEmpty else { return nil }
    self.init(microseconds: microseconds)
  }

  /// `2024-02-29T12:00:00.000000Z`.
  public var description: String {
    let (days, time) = CivilDays.floorDivide(microseconds, 86_400_000_000)
    let (year, month, day) = CivilDays.date(days)
    let seconds = time / 1_000_000
    func digits(_ value: Int64, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
    return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))T\(digits(seconds / 3600, 2)):"
      + "\(digits(seconds / 60 % 60, 2)):\(digits(seconds % 60, 2)).\(digits(time % 1_000_000, 6))Z"
  }
}
