/// Most bytes that `writeDouble` and `writeFloat` write.
public let doubleBound = 32

/// Writes the shortest text that reads back as the same double, spelled as Python does: 3.0, 0.1, 1e-05, 1.5e+300, and
/// NaN, Infinity, -Infinity. Returns where it ends, at most `doubleBound` bytes on.
public func writeDouble(_ value: Double, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  guard value.isFinite, value != 0 else { return writeSpecial(value, to: out) }
  let at = writeSign(value.sign, to: out)
  let magnitude = value.magnitude
  if let end = writePlainDouble(magnitude, to: at) { return end }
  return writeDecimal(ShortDecimal(magnitude), isPlain: magnitude < 1e16, to: at)
}

/// As `writeDouble`, the shortest text that reads back as the same float32. From 2^24 on, where whole numbers are left out,
/// it has an exponent: 16777216.0, 1.6777218e+07.
public func writeFloat(_ value: Float, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  guard value.isFinite, value != 0 else { return writeSpecial(Double(value), to: out) }
  let magnitude = value.magnitude
  return writeDecimal(
    ShortDecimal(magnitude), isPlain: magnitude <= 16_777_216, to: writeSign(value.sign, to: out))
}

/// As `writeDouble`, the shortest text that reads back as the same float16; whole numbers have all their digits.
public func writeFloat(_ value: Float16, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  guard value.isFinite, value != 0 else { return writeSpecial(Double(value), to: out) }
  let magnitude = value.magnitude
  // From here on all are whole.
  let decimal = magnitude >= 2048 ? ShortDecimal(digits: UInt64(magnitude), exponent: 0) : ShortDecimal(magnitude)
  return writeDecimal(decimal, isPlain: true, to: writeSign(value.sign, to: out))
}

@inline(__always)  // A store at most.
private func writeSign(_ sign: FloatingPointSign, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  guard sign == .minus else { return out }
  out.pointee = UInt8(ascii: "-")
  return out + 1
}

/// Zeros, infinities and NaN.
@inline(never)  // Off the path of other numbers.
private func writeSpecial(_ value: Double, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  if value.isNaN { return writeWord("NaN", to: out) }
  return writeWord(value == 0 ? "0.0" : "Infinity", to: writeSign(value.sign, to: out))
}

/// - Parameter isPlain: whether a number of 1 and more is written without an exponent.
private func writeDecimal(
  _ shortest: ShortDecimal, isPlain: Bool, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
  var (decimal, at) = (shortest, out)
  while decimal.digits % 10 == 0 {
    decimal.digits /= 10
    decimal.exponent += 1
  }
  let count = digitCount(decimal.digits)
  // The point stands behind that many digits.
  let point = count + decimal.exponent
  if !isPlain || point < -3 { return writeScientific(decimal, count, point - 1, to: at) }
  if point >= count {
    writeDigits(decimal.digits, count: count, to: at)
    at += count
    for _ in 0..<(point - count) {
      at.pointee = 48
      at += 1
    }
    return writeWord(".0", to: at)
  }
  if point <= 0 {
    at = writeWord("0.", to: at)
    for _ in 0..<(-point) {
      at.pointee = 48
      at += 1
    }
    writeDigits(decimal.digits, count: count, to: at)
    return at + count
  }
  writeDigits(decimal.digits, count: count, to: at + 1)
  for index in 0..<point { at[index] = at[index + 1] }
  at[point] = UInt8(ascii: ".")
  return at + count + 1
}

/// A number with at most four decimals, such as a price: it is `scaled` / 10^k exactly rounded, and `scaled` has so few
/// digits that no other decimal of as few reads back the same. Nil for others.
@inline(__always)  // Most numbers of data end here.
private func writePlainDouble(
  _ magnitude: Double, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8>? {
  guard magnitude < 1e9, magnitude >= 1e-3 else { return nil }
  let scaled = (magnitude * 10_000).rounded()
  guard scaled / 10_000 == magnitude else { return nil }
  let all = UInt64(scaled)
  let whole = all / 10_000
  var fraction = all % 10_000
  let count = digitCount(whole)
  writeDigits(whole, count: count, to: out)
  let at = out + count
  at.pointee = UInt8(ascii: ".")
  var places = 4
  while places > 1, fraction % 10 == 0 {
    fraction /= 10
    places &-= 1
  }
  writeDigits(fraction, count: places, to: at + 1)
  return at + 1 + places
}

private func writeScientific(
  _ decimal: ShortDecimal, _ count: Int, _ exponent: Int, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
  writeDigits(decimal.digits, count: count, to: out + 1)
  out[0] = out[1]
  var at = out + 1
  if count > 1 {
    out[1] = UInt8(ascii: ".")
    at += count
  }
  at[0] = UInt8(ascii: "e")
  at[1] = exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
  let digits = exponent.magnitude >= 100 ? 3 : 2
  writeDigits(UInt64(exponent.magnitude), count: digits, to: at + 2)
  return at + 2 + digits
}
