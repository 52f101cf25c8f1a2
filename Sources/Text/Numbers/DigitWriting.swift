/// "00" to "99", one after the other.
@usableFromInline let digitPairs: StaticString = """
  00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
  """

/// Writes two digits.
@inlinable
@inline(__always)  // A few nanoseconds, once a value.
public func writeTwoDigits(_ value: Int, to out: UnsafeMutablePointer<UInt8>) {
  let pair = digitPairs.utf8Start + value * 2
  out[0] = pair[0]
  out[1] = pair[1]
}

/// Writes a number of exactly `count` digits, with leading zeros.
@inlinable
@inline(__always)  // A few nanoseconds, once a value.
public func writeDigits(_ value: UInt64, count: Int, to out: UnsafeMutablePointer<UInt8>) {
  var left = value
  var at = count
  while at >= 2 {
    let (quotient, remainder) = left.quotientAndRemainder(dividingBy: 100)
    at &-= 2
    writeTwoDigits(Int(truncatingIfNeeded: remainder), to: out + at)
    left = quotient
  }
  if at == 1 { out[0] = UInt8(truncatingIfNeeded: 48 &+ left % 10) }
}

/// How many digits a number has.
@inlinable
@inline(__always)  // A few nanoseconds, once a value.
public func digitCount(_ value: UInt64) -> Int {
  var count = 1
  var left = value
  while left >= 10_000 {
    left /= 10_000
    count &+= 4
  }
  if left >= 1000 { return count &+ 3 }
  if left >= 100 { return count &+ 2 }
  return left >= 10 ? count &+ 1 : count
}

/// Writes an integer, at most 20 bytes, and returns where it ends.
@inlinable
@inline(__always)  // A few nanoseconds, once a value.
public func writeInteger(_ value: Int64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  var at = out
  if value < 0 {
    at.pointee = UInt8(ascii: "-")
    at += 1
  }
  let magnitude = value.magnitude
  let count = digitCount(magnitude)
  writeDigits(magnitude, count: count, to: at)
  return at + count
}

/// Writes the bytes of a word and returns where it ends.
@inlinable
@inline(__always)  // A store or two.
public func writeWord(_ word: StaticString, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  out.update(from: word.utf8Start, count: word.utf8CodeUnitCount)
  return out + word.utf8CodeUnitCount
}
