import VolleyPlan

/// Dates, times and timestamps as ISO 8601 text.
///
/// A timestamp is `YYYY-MM-DD`, or that with `T` or a blank and `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fraction`, then nothing,
/// `Z`, `±hh`, `±hhmm` or `±hh:mm`.
public enum ISO8601 {
  /// Which texts are read.
  public enum Dialect: Sendable {
    /// 1 to 9 digits of a fraction, of which the unit must hold all that are not 0. What a cast reads.
    case strict
    /// Also `t` and `z`, a comma before the fraction, and a fraction of any length, whose digits beyond the unit are cut
    /// off towards the past. What files have.
    case lenient
  }

  /// What came of reading a text.
  public enum Outcome: UInt8, Sendable {
    /// A reading, or midnight of a date, without an offset.
    case withoutOffset
    /// A point in time.
    case withOffset
    case malformed
    /// Of the right form, but more than the unit holds.
    case outOfRange
  }

  /// Reads a timestamp that fills `start`..<`end`. One without an offset is taken as UTC.
  public static func read(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, unit: TimeUnit, _ dialect: Dialect,
    _ value: inout Int64
  ) -> Outcome {
    switch dialect {
    case .strict: read(start, end, unit, isLenient: false, &value)
    case .lenient: read(start, end, unit, isLenient: true, &value)
    }
  }

  @inline(__always)  // One body a dialect.
  private static func read(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ unit: TimeUnit, isLenient: Bool,
    _ value: inout Int64
  ) -> Outcome {
    var cursor = ISO8601Cursor(at: start, end: end, isLenient: isLenient)
    guard let days = cursor.date() else { return .malformed }
    var seconds = days &* Civil.secondsPerDay
    var fraction: Int64 = 0
    var outcome = Outcome.withoutOffset
    if cursor.at < end {
      guard cursor.skip("T") || cursor.skip(" ") || isLenient && cursor.skip("t") else { return .malformed }
      guard let time = cursor.time(), cursor.fraction(unit, &fraction) else { return .malformed }
      seconds &+= time
      if cursor.at < end {
        guard let offset = cursor.offset() else { return .malformed }
        seconds &-= offset
        outcome = .withOffset
      }
    }
    // Counted from the second that is nearer to 1970, so that nothing overflows on its way to a value that fits.
    let perSecond = unit.perSecond
    let isEarlier = seconds < 0 && fraction > 0
    let (whole, overflow) = (isEarlier ? seconds &+ 1 : seconds).multipliedReportingOverflow(by: perSecond)
    let (sum, carry) = whole.addingReportingOverflow(isEarlier ? fraction &- perSecond : fraction)
    if overflow || carry { return .outOfRange }
    value = sum
    return outcome
  }

  /// Reads a date that fills `start`..<`end` as days since 1970-01-01; nil for another text.
  public static func readDate(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int64? {
    var cursor = ISO8601Cursor(at: start, end: end, isLenient: false)
    guard let days = cursor.date(), cursor.at == end else { return nil }
    return days
  }

  /// Reads a time of the day, `hh:mm[:ss[.fraction]]`, that fills `start`..<`end` as units since midnight, of which the
  /// unit must hold all digits that are not 0; nil for another text.
  public static func readTime(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, unit: TimeUnit) -> Int64? {
    var cursor = ISO8601Cursor(at: start, end: end, isLenient: false)
    var fraction: Int64 = 0
    guard let time = cursor.time(), cursor.fraction(unit, &fraction), cursor.at == end else { return nil }
    return time * unit.perSecond + fraction
  }
}

/// Reads a timestamp's parts from left to right; each gives nil when the text does not go on as it must.
struct ISO8601Cursor {
  var at: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>
  let isLenient: Bool
  /// Whether seconds were read, which a fraction may follow.
  private var hasSeconds = false

  init(at start: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>, isLenient: Bool) {
    (at, self.end, self.isLenient) = (start, end, isLenient)
  }

  @inline(__always)  // As calls the parts of a timestamp cost twice as much.
  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard at < end, at.pointee == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }

  /// Two digits; 100 or more for anything else.
  @inline(__always)  // As `skip`.
  private func two(_ place: UnsafePointer<UInt8>) -> Int64 {
    let (tens, ones) = (place[0] &- 48, place[1] &- 48)
    return Int64(tens) &* 10 &+ Int64(ones) &+ (tens > 9 || ones > 9 ? 100_000 : 0)
  }

  /// `YYYY-MM-DD` as days since 1970-01-01.
  @inline(__always)  // As `skip`.
  mutating func date() -> Int64? {
    guard end - at >= 10 else { return nil }
    let year = two(at) &* 100 &+ two(at + 2)
    let month = two(at + 5)
    let day = two(at + 8)
    guard year <= 9999, month &- 1 < 12, month > 0, at[4] == UInt8(ascii: "-"), at[7] == UInt8(ascii: "-"), day > 0,
      day <= 28 || day <= Civil.daysIn(month: month, of: year)
    else { return nil }
    at += 10
    return Civil.days(year: year, month: month, day: day)
  }

  /// `hh:mm[:ss]` as seconds.
  @inline(__always)  // As `skip`.
  mutating func time() -> Int64? {
    guard end - at >= 5, at[2] == UInt8(ascii: ":") else { return nil }
    let (hour, minute) = (two(at), two(at + 3))
    guard hour < 24, minute < 60 else { return nil }
    at += 5
    let seconds = hour &* 3600 &+ minute &* 60
    guard skip(":") else { return seconds }
    guard end - at >= 2 else { return nil }
    let second = two(at)
    guard second < 60 else { return nil }
    at += 2
    hasSeconds = true
    return seconds &+ second
  }

  /// A point and digits, if a point stands here, as units; false for what is no fraction of that unit.
  @inline(__always)  // As `skip`.
  mutating func fraction(_ unit: TimeUnit, _ units: inout Int64) -> Bool {
    guard hasSeconds, skip(".") || isLenient && skip(",") else { return true }
    let first = at
    let held = unit.fractionDigits
    var value: Int64 = 0
    while at < end, at - first < held {
      let digit = at.pointee &- 48
      if digit > 9 { break }
      value = value &* 10 &+ Int64(digit)
      at += 1
    }
    for _ in (at - first)..<held { value &*= 10 }
    var isExact = true
    while at < end {
      let digit = at.pointee &- 48
      if digit > 9 { break }
      isExact = isExact && digit == 0
      at += 1
    }
    units = value
    return at > first && (isLenient || isExact && at - first <= 9)
  }

  /// `Z`, `±hh`, `±hhmm` or `±hh:mm` as seconds east of UTC, where nothing follows.
  mutating func offset() -> Int64? {
    guard let offset = leadingOffset(), at == end else { return nil }
    return offset
  }

  /// As `offset`, where other text may follow.
  mutating func leadingOffset() -> Int64? {
    if skip("Z") || isLenient && skip("z") { return 0 }
    let isWest = at < end && at.pointee == UInt8(ascii: "-")
    guard skip("+") || skip("-"), end - at >= 2 else { return nil }
    let hours = two(at)
    guard hours < 24 else { return nil }
    at += 2
    var seconds = hours &* 3600
    let hasColon = skip(":")
    if hasColon || at < end && at.pointee &- 48 < 10 {
      guard end - at >= 2 else { return nil }
      let minutes = two(at)
      guard minutes < 60 else { return nil }
      at += 2
      seconds &+= minutes &* 60
    }
    return isWest ? 0 &- seconds : seconds
  }
}
