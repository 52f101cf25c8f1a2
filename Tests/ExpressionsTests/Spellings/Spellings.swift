import TestSupport

/// Texts of numbers, bools and times as other programs write them, well or not.
enum Spellings {
  /// - Parameter count: how many random ones there are beside the fixed ones.
  static func numbers(_ count: Int, _ generator: inout SeededGenerator) -> [String] {
    random(count, fixed: fixedNumbers + bools, &generator) { number(&$0) }
  }

  static func times(_ count: Int, _ generator: inout SeededGenerator) -> [String] {
    random(count, fixed: fixedTimes, &generator) { time(&$0) }
  }

  private static let bools = [
    "true", "TRUE", "True", "tRuE", "t", "T", "false", "FALSE", "f", "yes", "no", "on", "off", "y", "2", "01", "10",
    "truE ",
  ]

  private static let fixedNumbers = [
    "", " ", "0", "-0", "+0", "-00", "1", "+1", "-1", "++1", "--1", "+-1", " 1", "1 ", "\t1", "1\n", "\u{A0}1", "1\0",
    "01",
    "0000000000000000000000000000000000000000001", "-0000000000000000000000000000000000000000001", "0x", "0x10", "0X1f",
    "-0x10", "+0x1", "0xff", "0xffffffffffffffff", "0o7", "0b1", "10h", "1e3", "1E3", "1e+3", "1e-3", "1e", "1e+", "e1",
    "1e 3", "1.", ".5", "-.5", "+.5", ".", "-", "+", "1.0", "1.5", "1.50", "1..5", "1.2.3", "1,5", "1,000", "1_000",
    "1 000",
    "127", "128", "-128", "-129", "255", "256", "32767", "32768", "-32769", "65535", "65536", "2147483647",
    "2147483648",
    "-2147483649", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "18446744073709551615", "18446744073709551616", "99999999999999999999", "inf", "Inf", "INF",
    "-inf", "+inf", "infinity", "Infinity", "-INFINITY", "infinit", "nan", "NaN", "NAN", "-nan", "+nan", "nan(1)",
    "nan()",
    "nanx", "null", "NULL", "None", "N/A", "1f", "1d", "1L", "0x1p3", "1e38", "1e39", "-1e39", "3.4028235e38",
    "3.4028236e38",
    "65504", "65519.9", "65520", "-70000", "1e308", "1.7976931348623157e308", "1.7976931348623159e308", "1e309",
    "1e400",
    "-1e400", "1e-400", "5e-324", "2e-324", "1e-46", "1e-9", "1e99999", "1e-99999", "16777217", "9007199254740993",
    "0.1", "0.30000000000000004", "1.00048828125000000000000000001", "\u{663}", "\u{FF11}", "\u{2212}1", "\u{967}",
    "\u{FEFF}1",
    "½", "1²", "1%", "$1", "(1)", "'1'", "99.99", "100.00", "999.99", "1000", "12345e-2", "0e5", "0.000e-5", "1.230",
    "1.234",
  ]

  private static let knownTimes: [String] = [
    "", " ", "2024-01-01", "2024-1-1", "20240101", "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29",
    "2024-02-30",
    "2024-00-01", "2024-13-01", "2024-01-00", "2024-01-32", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01",
    "+10000-01-01", "-0001-01-01", "24-01-01", "01/02/2024", "2024/01/02", "2024-001", "2024-W01-1", "2024-01",
    "2024",
    " 2024-01-01", "2024-01-01 ", "2024-01-01T", "2024-01-01Z", "2024-01-01 10", "2024-01-01T10", "2024-01-01T10:20",
    "2024-01-01T10:20:30", "2024-01-01t10:20:30", "2024-01-01  10:20:30", "2024-01-01_10:20:30", "2024-01-01T1020",
    "2024-01-01T102030", "2024-01-01T1:2:3", "2024-01-01T24:00:00", "2024-01-01T23:59:60", "2024-01-01T23:60:00",
    "2024-01-01T10:20:30.", "2024-01-01T10:20:30,5", "2024-01-01T10:20:30.+1", "2024-01-01T10:20.5",
    "2024-01-01T10:20:30Z", "2024-01-01T10:20:30z", "2024-01-01T10:20Z", "2024-01-01T10Z", "2024-01-01T10:20:30 Z",
    "2024-01-01T10:20:30+00", "2024-01-01T10:20:30+02:00", "2024-01-01T10:20:30-0530", "2024-01-01T10:20:30+2",
    "2024-01-01T10:20:30+24:00", "2024-01-01T10:20:30+23:59", "2024-01-01T10:20:30+02:60", "2024-01-01T10:20:30+02:0",
    "2024-01-01T10:20:30 +02:00", "2024-01-01T10:20:30+02:00:00", "2024-01-01T10:20:30 UTC",
    "2024-01-01T10:20:30[UTC]",
    "\u{662}024-01-01", "2024\u{2013}01\u{2013}01", "now", "today", "epoch", "0", "1704104430", "1677-09-21T00:12:44",
    "2262-04-11T23:47:16", "2262-04-11T23:47:17", "10:20", "10:20:30", "10:20:30.5", "10:20:30.", "10:20.5", "24:00",
    "24:00:00",
    "23:59:60", "1:2:3", "10", "10:20:30Z", "10:20:30+01:00", "T10:20:30", "102030", "10:20:30 AM", "-10:20", "10:60",
    "00:00",
  ]

  /// Also fractions of up to 10 digits.
  private static var fixedTimes: [String] {
    var texts = knownTimes
    for digits in 0...10 {
      for fraction in ["1234567890", "1200000000", "1000000000", "0000000000"] {
        let part = String(fraction.prefix(digits))
        texts += ["2024-01-01T10:20:30." + part, "1969-12-31 23:59:59." + part + "Z", "10:20:30." + part]
      }
    }
    return texts
  }

  private static func random(
    _ count: Int, fixed: [String], _ generator: inout SeededGenerator, _ make: (inout SeededGenerator) -> String
  ) -> [String] {
    fixed
      + (0..<count).map { _ in
        let text =
          Int.random(in: 0..<9, using: &generator) == 0
          ? fixed.randomElement(using: &generator) ?? "" : make(&generator)
        return Bool.random(using: &generator) ? text : mutated(text, &generator)
      }
  }

  private static func digits(_ count: ClosedRange<Int>, _ generator: inout SeededGenerator) -> String {
    (0..<Int.random(in: count, using: &generator)).map { _ in
      "0123456789".randomElement(using: &generator).map(String.init) ?? ""
    }
    .joined()
  }

  private static func number(_ generator: inout SeededGenerator) -> String {
    var text = ["", "", "-", "+"].randomElement(using: &generator) ?? ""
    text += digits(0...([3, 6, 21, 45].randomElement(using: &generator) ?? 3), &generator)
    if Int.random(in: 0..<3, using: &generator) == 0 { text += "." + digits(0...25, &generator) }
    if Int.random(in: 0..<4, using: &generator) == 0 {
      text += ["e", "E", "e-", "e+", "E-"].randomElement(using: &generator) ?? ""
      text += digits(0...3, &generator)
    }
    return text
  }

  private static func time(_ generator: inout SeededGenerator) -> String {
    func two(_ range: ClosedRange<Int>, _ generator: inout SeededGenerator) -> String {
      let number = Int.random(in: range, using: &generator)
      return number < 10 ? "0\(number)" : "\(number)"
    }
    var date = digits(4...4, &generator)
    if Bool.random(using: &generator) { date = "\(Int.random(in: 1700...2250, using: &generator))" }
    date += "-" + two(1...12, &generator) + "-" + two(1...30, &generator)
    var clock = two(0...23, &generator) + ":" + two(0...59, &generator)
    if Int.random(in: 0..<4, using: &generator) > 0 {
      clock += ":" + two(0...59, &generator)
      if Bool.random(using: &generator) {
        clock += "." + digits(0...10, &generator)
        // Zeros behind what a unit holds.
        if Bool.random(using: &generator) {
          clock = clock.prefix(11) + String(repeating: "0", count: Int.random(in: 0...8, using: &generator))
        }
      }
    }
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: return date
    case 1, 2: return clock
    default: break
    }
    var text = date + (["T", " ", "T", " ", "t"].randomElement(using: &generator) ?? "T") + clock
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: text += "Z"
    case 1:
      text += ["+", "-"].randomElement(using: &generator) ?? "+"
      text += two(0...24, &generator) + (["", ":"].randomElement(using: &generator) ?? "") + two(0...60, &generator)
    default: break
    }
    return text
  }

  /// With a character less, more or other than it had.
  private static func mutated(_ text: String, _ generator: inout SeededGenerator) -> String {
    let odd: [Character] = [
      "0", "1", "9", "+", "-", ".", ",", "e", "x", ":", " ", "_", "T", "Z", "t", "z", "\t", "\u{A0}", "\u{661}",
      "\u{966}", "\0",
    ]
    var characters = Array(text)
    let place = Int.random(in: 0...characters.count, using: &generator)
    let other = odd.randomElement(using: &generator) ?? "0"
    switch Int.random(in: 0..<3, using: &generator) {
    case 0: characters.insert(other, at: place)
    case 1 where place < characters.count: characters.remove(at: place)
    case 2 where place < characters.count: characters[place] = other
    default: break
    }
    return String(characters)
  }
}
