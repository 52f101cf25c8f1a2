/// Most bytes that `writeTimestamp` writes.
let timestampBound = 32

/// Writes a point in time as ISO 8601 with as many decimals as the unit has ("2024-02-29T12:00:00.000000"), and returns where
/// it ends; nil, with nothing written, for years before 1 and after 9999, which that form cannot spell.
///
/// - Parameters:
///   - perSecond: units in a second.
///   - digits: decimals of a second.
///   - isInstant: whether it is a point in time, which ends with "Z", rather than a wall clock's reading, which does not.
@inline(__always)
func writeTimestamp(
  _ value: Int64, perSecond: Int64, digits: Int, isInstant: Bool, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8>? {
  var (seconds, fraction) = value.quotientAndRemainder(dividingBy: perSecond)
  if fraction < 0 {
    seconds -= 1
    fraction += perSecond
  }
  // 0001-01-01 to 9999-12-31.
  guard seconds >= -62_135_596_800, seconds < 253_402_300_800 else { return nil }
  var days = Int(seconds) / 86_400
  var time = Int(seconds) % 86_400
  if time < 0 {
    days -= 1
    time += 86_400
  }
  let (year, month, day) = CivilTime.date(days: days)
  writeTwoDigits(year / 100, to: out)
  writeTwoDigits(year % 100, to: out + 2)
  out[4] = UInt8(ascii: "-")
  writeTwoDigits(month, to: out + 5)
  out[7] = UInt8(ascii: "-")
  writeTwoDigits(day, to: out + 8)
  out[10] = UInt8(ascii: "T")
  writeTwoDigits(time / 3600, to: out + 11)
  out[13] = UInt8(ascii: ":")
  writeTwoDigits(time / 60 % 60, to: out + 14)
  out[16] = UInt8(ascii: ":")
  writeTwoDigits(time % 60, to: out + 17)
  var at = out + 19
  if digits > 0 {
    at.pointee = UInt8(ascii: ".")
    writeDigits(UInt64(fraction), count: digits, to: at + 1)
    at += 1 + digits
  }
  guard isInstant else { return at }
  at.pointee = UInt8(ascii: "Z")
  return at + 1
}
