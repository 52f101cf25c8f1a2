/// Reads a point in time that fills `start`..<`end`: an integer of the column's unit, or ISO 8601 text
/// `YYYY-MM-DD[(T| )hh:mm[:ss[.fraction]][Z|±hh[:mm]]]`.
///
/// Without a zone the text is UTC. A fraction finer than the unit is cut off (towards the past).
///
/// - Parameter perSecond: units in a second.
func parseTimestamp(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, perSecond: Int64, _ value: inout Int64
) -> ValueProblem {
  let count = end - start
  if count < 10 || start[4] != UInt8(ascii: "-") || start[7] != UInt8(ascii: "-") {
    return parseInteger(start, end, &value)
  }
  var text = TimestampText(at: start, end: end)
  guard let year = text.number(4), text.skip("-"), let month = text.number(2), text.skip("-"), let day = text.number(2)
  else { return parseInteger(start, end, &value) }
  guard month >= 1, month <= 12, day >= 1, day <= CivilTime.dayCount(year: year, month: month) else {
    return .malformed
  }
  var seconds = CivilTime.days(year: year, month: month, day: day) * 86_400
  var fraction: Int64 = 0
  if text.at < end {
    guard text.skip("T") || text.skip("t") || text.skip(" ") else { return .malformed }
    guard let hour = text.number(2), text.skip(":"), let minute = text.number(2), hour < 24, minute < 60 else {
      return .malformed
    }
    seconds += hour * 3600 + minute * 60
    if text.skip(":") {
      guard let second = text.number(2), second < 60 else { return .malformed }
      seconds += second
      if text.skip(".") || text.skip(",") {
        guard let digits = text.fraction(perSecond) else { return .malformed }
        fraction = digits
      }
    }
    guard let zone = text.zone() else { return .malformed }
    seconds -= zone
  }
  guard text.at == end else { return .malformed }
  // Counted from the second that is nearer to 1970, so that nothing overflows on its way to a value that fits.
  let isEarlier = seconds < 0 && fraction > 0
  let (whole, overflow) = Int64(isEarlier ? seconds + 1 : seconds).multipliedReportingOverflow(by: perSecond)
  let (sum, carry) = whole.addingReportingOverflow(isEarlier ? fraction - perSecond : fraction)
  if overflow || carry { return .outOfRange }
  value = sum
  return .none
}

/// A cursor over the text of a timestamp.
private struct TimestampText {
  var at: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard at < end, at.pointee == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }

  /// Exactly that many digits.
  mutating func number(_ digits: Int) -> Int? {
    guard end - at >= digits else { return nil }
    var number = 0
    for index in 0..<digits {
      let digit = at[index] &- 48
      if digit > 9 { return nil }
      number = number * 10 + Int(digit)
    }
    at += digits
    return number
  }

  /// Digits behind the point, at least one, as units of which `perSecond` make a second.
  mutating func fraction(_ perSecond: Int64) -> Int64? {
    var units: Int64 = 0
    var weight = perSecond
    let first = at
    while at < end {
      let digit = at.pointee &- 48
      if digit > 9 { break }
      weight /= 10
      units += Int64(digit) * weight
      at += 1
    }
    return at > first ? units : nil
  }

  /// Seconds east of UTC; 0 when nothing is left.
  mutating func zone() -> Int? {
    if at == end || skip("Z") || skip("z") { return 0 }
    let isWest = at.pointee == UInt8(ascii: "-")
    guard skip("+") || skip("-"), let hours = number(2), hours < 24 else { return nil }
    var minutes = 0
    if at < end {
      _ = skip(":")
      guard let number = number(2), number < 60 else { return nil }
      minutes = number
    }
    let seconds = hours * 3600 + minutes * 60
    return isWest ? -seconds : seconds
  }
}
