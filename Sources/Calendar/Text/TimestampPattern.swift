import Base

/// What a text of a timestamp is made of: the codes of strftime(3) and text between them.
///
/// | code | stands for |
/// |---|---|
/// | `%Y %C %y` | year, its century, its last two digits (69 to 99 are read as 1969 to 1999, the others as 2000 to 2068) |
/// | `%m %b %h %B` | month as 01 to 12, as "Jan", as "January" |
/// | `%d %e %j` | day of the month as 01 to 31, the same with a blank for 0, day of the year as 001 to 366 |
/// | `%H %I %p %M` | hour as 00 to 23, as 01 to 12, "AM" or "PM", minute |
/// | `%S %f` | second with the decimals of the unit, or without them if the pattern has `%f`; the decimals alone, 6 or, of nanoseconds, 9 |
/// | `%s` | seconds since 1970-01-01T00:00:00Z |
/// | `%a %A %u %w` | weekday as "Mon", as "Monday", 1 to 7 from Monday, 0 to 6 from Sunday |
/// | `%G %g %V` | year of ISO 8601's weeks, its last two digits, the week, 01 to 53 |
/// | `%U %W` | week of the year, 00 to 53: week 1 begins with its first Sunday, or Monday |
/// | `%z %Ez %Z` | offset as "+0200", as "+02:00"; the zone's abbreviation |
/// | `%F %T %R %D %x %X %r %c` | `%Y-%m-%d`, `%H:%M:%S`, `%H:%M`, `%m/%d/%y` (twice), `%H:%M:%S`, `%I:%M:%S %p` and `%a %b %e %H:%M:%S %Y`, the last three without decimals |
/// | `%n %t %%` | line feed, tab, `%` |
///
/// Names are the English ones.
struct TimestampPattern: Sendable {
  enum Item: Sendable, Equatable {
    /// Where it is in `literals`.
    case text(first: Int, count: Int)
    case year, century, yearOfCentury, month, monthName, monthAbbreviation
    case day, dayBlank, dayOfYear, hour, hour12, half, minute, second, wholeSecond, fraction, epoch
    case weekdayName, weekdayAbbreviation, weekday, weekdayFromSunday
    case isoYear, isoYearOfCentury, isoWeek, weekFromSunday, weekFromMonday
    case offset, offsetWithColon, zone
  }

  let text: String
  private(set) var items: [Item] = []
  /// The text between the codes, one piece after the other: items hold no references that rows would count.
  private(set) var literals: [UInt8] = []

  /// - Parameter place: leads the messages.
  init(_ text: String, place: String) throws(Failure) {
    self.text = text
    guard text.utf8.count <= 1000 else {
      throw Failure(.usage, "\(place): the format has \(text.utf8.count) bytes, expected at most 1000")
    }
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        append([byte])
        continue
      }
      let isExtended = rest.first == UInt8(ascii: "E")
      if isExtended { rest.removeFirst() }
      guard let code = rest.popFirst(), append(code: Unicode.Scalar(code), isExtended: isExtended) else {
        throw Failure(
          .usage,
          "\(place): the format '\(text)' has no code after the '%' at byte \(text.utf8.count - rest.count), expected one of \(Self.codes) or %% for a percent sign"
        )
      }
    }
    if items.contains(.fraction) { items = items.map { $0 == .second ? .wholeSecond : $0 } }
  }

  private static let codes = "%Y %m %d %H %M %S %f %j %a %A %b %B %p %I %y %e %F %T %s %u %w %G %V %U %W %z %Ez %Z"

  private mutating func append(_ bytes: [UInt8]) {
    if case .text(let first, let count)? = items.last {
      items[items.count - 1] = .text(first: first, count: count + bytes.count)
    } else {
      items.append(.text(first: literals.count, count: bytes.count))
    }
    literals += bytes
  }

  func beginsWithPoint(_ item: Item) -> Bool {
    if case .text(let first, _) = item { literals[first] == UInt8(ascii: ".") } else { false }
  }

  /// False for what is no code.
  private mutating func append(code: Unicode.Scalar, isExtended: Bool) -> Bool {
    if isExtended {
      if code == "z" { items.append(.offsetWithColon) }
      return code == "z"
    }
    if let parts = Self.parts(of: code) {
      for part in parts {
        switch part {
        case .item(let item): items.append(item)
        case .byte(let byte): append([byte])
        }
      }
      return true
    }
    return false
  }

  private enum Part {
    case item(Item)
    case byte(UInt8)
  }

  private static func parts(of code: Unicode.Scalar) -> [Part]? {
    switch code {
    case "Y": [.item(.year)]
    case "C": [.item(.century)]
    case "y": [.item(.yearOfCentury)]
    case "m": [.item(.month)]
    case "b", "h": [.item(.monthAbbreviation)]
    case "B": [.item(.monthName)]
    case "d": [.item(.day)]
    case "e": [.item(.dayBlank)]
    case "j": [.item(.dayOfYear)]
    case "H": [.item(.hour)]
    case "I": [.item(.hour12)]
    case "p": [.item(.half)]
    case "M": [.item(.minute)]
    case "S": [.item(.second)]
    case "f": [.item(.fraction)]
    case "s": [.item(.epoch)]
    case "a": [.item(.weekdayAbbreviation)]
    case "A": [.item(.weekdayName)]
    case "u": [.item(.weekday)]
    case "w": [.item(.weekdayFromSunday)]
    case "G": [.item(.isoYear)]
    case "g": [.item(.isoYearOfCentury)]
    case "V": [.item(.isoWeek)]
    case "U": [.item(.weekFromSunday)]
    case "W": [.item(.weekFromMonday)]
    case "z": [.item(.offset)]
    case "Z": [.item(.zone)]
    case "F": [.item(.year), dash, .item(.month), dash, .item(.day)]
    case "T": [.item(.hour), colon, .item(.minute), colon, .item(.second)]
    case "R": [.item(.hour), colon, .item(.minute)]
    case "D", "x": [.item(.month), slash, .item(.day), slash, .item(.yearOfCentury)]
    case "X": [.item(.hour), colon, .item(.minute), colon, .item(.wholeSecond)]
    case "r": [.item(.hour12), colon, .item(.minute), colon, .item(.wholeSecond), blank, .item(.half)]
    case "c":
      [.item(.weekdayAbbreviation), blank, .item(.monthAbbreviation), blank, .item(.dayBlank), blank]
        + [.item(.hour), colon, .item(.minute), colon, .item(.wholeSecond), blank, .item(.year)]
    case "n": [.byte(10)]
    case "t": [.byte(9)]
    case "%": [.byte(UInt8(ascii: "%"))]
    default: nil
    }
  }

  private static let (dash, colon, slash, blank) = (
    Part.byte(UInt8(ascii: "-")), Part.byte(UInt8(ascii: ":")), Part.byte(UInt8(ascii: "/")),
    Part.byte(UInt8(ascii: " "))
  )
}

/// The English names that patterns have.
enum CalendarNames {
  static let months: [StaticString] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  /// From Monday.
  static let weekdays: [StaticString] = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
  ]
}
