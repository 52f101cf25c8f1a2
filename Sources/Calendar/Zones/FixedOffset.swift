/// Zones that are a distance from UTC.
public enum FixedOffset {
  /// Names of UTC itself, as Arrow's writers use them.
  public static func isUTC(_ name: String) -> Bool {
    ["UTC", "Etc/UTC", "Z", "GMT", "+00:00", "+00", "-00:00", "+0000", "-0000", "-00"].contains(name)
  }

  /// The zone of "UTC", "Z", "+02:00", "-0330" or "+02"; nil for another name.
  static func zone(_ name: String) -> TimeZone? {
    if isUTC(name) { return TimeZone(name: name, fixedOffset: 0, abbreviation: name == "GMT" ? "GMT" : "UTC") }
    guard let seconds = seconds(Array(name.utf8)) else { return nil }
    return TimeZone(name: name, fixedOffset: seconds, abbreviation: abbreviation(seconds))
  }

  /// Seconds east of UTC of `±hh`, `±hhmm` or `±hh:mm`.
  private static func seconds(_ text: [UInt8]) -> Int64? {
    guard let sign = text.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
    var digits = Array(text.dropFirst())
    if digits.count == 5, digits[2] == UInt8(ascii: ":") { digits.remove(at: 2) }
    guard digits.count == 2 || digits.count == 4, digits.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
    let values = digits.map { Int64($0 &- 48) }
    let hours = values[0] * 10 + values[1]
    let minutes = digits.count == 4 ? values[2] * 10 + values[3] : 0
    guard hours < 24, minutes < 60 else { return nil }
    let seconds = hours * 3600 + minutes * 60
    return sign == UInt8(ascii: "-") ? -seconds : seconds
  }

  /// "+0200", as the names of zones without one are in the IANA database.
  private static func abbreviation(_ seconds: Int64) -> String {
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let minutes = abs(seconds) / 60
    return "\(seconds < 0 ? "-" : "+")\(two(minutes / 60))\(two(minutes % 60))"
  }
}
