import VolleyPlan

/// Timestamps as text in ISO 8601.
///
/// Read: `YYYY-MM-DD`, or that with `T` or a blank and `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fraction` (1 to 9 digits, of
/// which the unit must hold all that are not 0), then nothing, `Z`, `±hh`, `±hhmm` or `±hh:mm`. A text with an offset
/// means that point in time, of which a timestamp without a time zone keeps the reading in UTC. A text without an
/// offset is a wall clock's reading: it is refused for a time zone other than UTC, since its offset is not known.
enum TimestampText {
  /// Bytes of the longest text: "+292277026596-12-04T15:30:08.000000000Z".
  static let width = 48

  /// What a text looks like, for messages.
  static func form(_ zone: String?) -> String {
    if let zone, !CastRules.isUTC(zone) {
      return "2024-05-01T12:00:00Z with at most the unit's digits, and here not without an offset"
    }
    return "2024-05-01 or 2024-05-01T12:00:00Z with at most the unit's digits"
  }

  /// The count of units since the epoch; nil when the text is no timestamp or its count does not fit.
  static func parse(_ text: UnsafeBufferPointer<UInt8>, unit: TimeUnit, zone: String?) -> Int64? {
    var scanner = Scanner(text: text)
    guard let days = scanner.date() else { return nil }
    var seconds = days * 86_400
    var fraction: Int64 = 0
    var hasOffset = false
    if scanner.take(UInt8(ascii: "T")) || scanner.take(UInt8(ascii: " ")) {
      guard let (time, nanoseconds) = scanner.time(), let offset = scanner.offset() else { return nil }
      hasOffset = offset != .none
      seconds += time - (offset ?? 0)
      fraction = nanoseconds
    }
    guard scanner.isAtEnd else { return nil }
    if let zone, !hasOffset, !CastRules.isUTC(zone) { return nil }
    let nanosecondsPerUnit = 1_000_000_000 / unit.perSecond
    let (units, lost) = fraction.quotientAndRemainder(dividingBy: nanosecondsPerUnit)
    guard lost == 0 else { return nil }
    return count(seconds, units, unit.perSecond)
  }

  /// `seconds` * `perSecond` + `units`, where the product alone may be too small to fit.
  private static func count(_ seconds: Int64, _ units: Int64, _ perSecond: Int64) -> Int64? {
    let sum = Int128(seconds) * Int128(perSecond) + Int128(units)
    return Int64(exactly: sum)
  }

  static func string(_ value: Int64, _ type: DataType) -> String {
    guard case .timestamp(let unit, let zone) = type else { preconditionFailure("\(type) is no timestamp") }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: width) { bytes in
      guard let start = bytes.baseAddress else { return "" }
      let count = write(value, unit: unit, zoned: zone != nil, to: start)
      return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }
  }

  /// Returns the number of bytes written, at most `width`. Years outside 0...9999 have a sign.
  static func write(_ value: Int64, unit: TimeUnit, zoned: Bool, to target: UnsafeMutablePointer<UInt8>) -> Int {
    let (seconds, fraction) = Civil.floorDivide(value, unit.perSecond)
    let (days, second) = Civil.floorDivide(seconds, 86_400)
    let date = Civil.date(days: days)
    var writer = Writer(target: target)
    if date.year < 0 || date.year > 9999 { writer.byte(date.year < 0 ? "-" : "+") }
    writer.digits(Int64(date.year.magnitude), atLeast: 4)
    writer.byte("-")
    writer.digits(date.month, atLeast: 2)
    writer.byte("-")
    writer.digits(date.day, atLeast: 2)
    writer.byte("T")
    writer.digits(second / 3600, atLeast: 2)
    writer.byte(":")
    writer.digits(second / 60 % 60, atLeast: 2)
    writer.byte(":")
    writer.digits(second % 60, atLeast: 2)
    if unit != .second {
      writer.byte(".")
      writer.digits(fraction, atLeast: unit.fractionDigits)
    }
    if zoned { writer.byte("Z") }
    return writer.count
  }

  private struct Writer {
    let target: UnsafeMutablePointer<UInt8>
    var count = 0

    mutating func byte(_ character: Unicode.Scalar) {
      target[count] = UInt8(truncatingIfNeeded: character.value)
      count &+= 1
    }

    mutating func digits(_ value: Int64, atLeast width: Int) {
      var bound: Int64 = 10
      var length = 1
      while length < 18, value >= bound || length < width {
        bound &*= 10
        length &+= 1
      }
      var rest = value
      for index in stride(from: length - 1, through: 0, by: -1) {
        target[count &+ index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
      count &+= length
    }
  }
}

extension TimeUnit {
  var fractionDigits: Int {
    switch self {
    case .second: 0
    case .millisecond: 3
    case .microsecond: 6
    case .nanosecond: 9
    }
  }
}
