/// Why a text is no value of a type.
enum ValueProblem: UInt8 {
  case none
  /// Not of the type's form.
  case malformed
  /// Of the right form, but more than the type holds.
  case outOfRange
}

/// Reads an integer that fills `start`..<`end`: a sign and digits.
func parseInteger(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ value: inout Int64
) -> ValueProblem {
  var at = start
  guard at < end else { return .malformed }
  let isNegative = at.pointee == UInt8(ascii: "-")
  if isNegative || at.pointee == UInt8(ascii: "+") { at += 1 }
  guard at < end else { return .malformed }
  var magnitude: UInt64 = 0
  var overflows = false
  while at < end {
    let digit = at.pointee &- 48
    if digit > 9 { return .malformed }
    let (product, first) = magnitude.multipliedReportingOverflow(by: 10)
    let (sum, second) = product.addingReportingOverflow(UInt64(digit))
    overflows = overflows || first || second
    magnitude = sum
    at += 1
  }
  if overflows || magnitude > (isNegative ? 1 << 63 : 1 << 63 - 1) { return .outOfRange }
  value = isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude)
  return .none
}

/// Reads true, false, 1 or 0, in any case, that fills `start`..<`end`.
func parseBool(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ value: inout Bool) -> ValueProblem {
  let count = end - start
  if count == 1, start[0] == UInt8(ascii: "1") || start[0] == UInt8(ascii: "0") {
    value = start[0] == UInt8(ascii: "1")
    return .none
  }
  if equalsIgnoringCase(start, count, "true") {
    value = true
    return .none
  }
  if equalsIgnoringCase(start, count, "false") {
    value = false
    return .none
  }
  return .malformed
}

/// Reads a double that fills `start`..<`end`: a number, or nan, inf or infinity with or without a sign, in any case.
/// Something that is no digit must stand at `end`.
func parseDouble(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ value: inout Double) -> ValueProblem {
  var scanned = ScannedDecimal()
  let stop = scanDecimal(start, &scanned)
  if stop == end, scanned.isNumber {
    value = double(of: scanned, start, end)
    return value.isInfinite ? .outOfRange : .none
  }
  var at = start
  let isNegative = at < end && at.pointee == UInt8(ascii: "-")
  if at < end, isNegative || at.pointee == UInt8(ascii: "+") { at += 1 }
  let count = end - at
  if equalsIgnoringCase(at, count, "nan") {
    value = .nan
  } else if equalsIgnoringCase(at, count, "inf") || equalsIgnoringCase(at, count, "infinity") {
    value = isNegative ? -.infinity : .infinity
  } else {
    return .malformed
  }
  return .none
}

/// - Parameter word: in lower-case letters.
private func equalsIgnoringCase(_ start: UnsafePointer<UInt8>, _ count: Int, _ word: StaticString) -> Bool {
  guard count == word.utf8CodeUnitCount else { return false }
  for index in 0..<count where start[index] | 0x20 != word.utf8Start[index] { return false }
  return true
}
