/// Two digits as the two bytes that stand for them, the first in the low byte.
///
/// - Parameter value: 0...99.
@inline(__always)  // Seven of them a timestamp: as calls they double its cost.
func digitPair(_ value: Int64) -> UInt64 {
  let number = UInt64(bitPattern: value)
  let tens = (number &* 205) &>> 11  // number / 10, for less than 1024 / 5.
  return 0x3030 &+ number &<< 8 &- tens &* 2559
}

/// Writes two digits.
///
/// - Parameter value: 0...99.
@inline(__always)  // As `digitPair`.
func writeTwoDigits(_ value: Int64, to out: UnsafeMutablePointer<UInt8>) {
  let pair = UInt16(truncatingIfNeeded: digitPair(value)).littleEndian
  UnsafeMutableRawPointer(out).storeBytes(of: pair, as: UInt16.self)
}

/// Writes a number of exactly `count` digits, with leading zeros.
@inline(__always)  // So that a constant count unrolls the loop.
func writeDigits(_ value: UInt64, count: Int, to out: UnsafeMutablePointer<UInt8>) {
  var left = value
  var at = count
  while at >= 2 {
    let quotient = left / 100
    at &-= 2
    writeTwoDigits(Int64(bitPattern: left &- quotient &* 100), to: out + at)
    left = quotient
  }
  if at == 1 { out[0] = UInt8(truncatingIfNeeded: 48 &+ left % 10) }
}

/// Writes a year with at least four digits, and with a sign outside of 0...9999; returns where it ends, at most 13 bytes on.
func writeYear(_ year: Int64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  if year >= 0, year <= 9999 {
    writeDigits(UInt64(bitPattern: year), count: 4, to: out)
    return out + 4
  }
  out[0] = UInt8(ascii: year < 0 ? "-" : "+")
  return writeNumber(year.magnitude, atLeast: 4, to: out + 1)
}

/// Writes a number with zeros before it up to that many digits; returns where it ends.
func writeNumber(
  _ value: UInt64, atLeast width: Int, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
  var length = 1
  var left = value / 10
  while left > 0 || length < width {
    left /= 10
    length &+= 1
  }
  writeDigits(value, count: length, to: out)
  return out + length
}
