/// Behind the white space at `at`. A line feed is none: it ends the record.
@inline(__always)
func skipJSONSpace(_ start: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
  var at = start
  while at.pointee == 32 || at.pointee == 9 || at.pointee == 13 { at += 1 }
  return at
}

/// Behind the literal at `at`, nil when something else stands there.
@inline(__always)
func skipJSONWord(_ at: UnsafePointer<UInt8>, _ word: StaticString) -> UnsafePointer<UInt8>? {
  // A line feed behind the record differs from every letter, so nothing behind it is read.
  for index in 0..<word.utf8CodeUnitCount where at[index] != word.utf8Start[index] { return nil }
  return at + word.utf8CodeUnitCount
}

/// Whether a scanned number is spelled as JSON spells numbers, given where it starts.
@inline(__always)
func isJSONNumber(_ scanned: ScannedDecimal, _ start: UnsafePointer<UInt8>) -> Bool {
  let first = scanned.isNegative ? start + 1 : start
  if scanned.integerDigits == 0 || scanned.fractionDigits == 0 || scanned.exponentDigits == 0 { return false }
  return first.pointee != UInt8(ascii: "+") && (scanned.integerDigits == 1 || first.pointee != UInt8(ascii: "0"))
}

/// Passes any value, checking its grammar. Arrays and objects may be nested 128 deep.
func skipJSONValue(
  _ start: UnsafePointer<UInt8>, _ issue: inout JSONIssue, depth: Int = 0
) -> UnsafePointer<UInt8>? {
  switch start.pointee {
  case UInt8(ascii: "\""): return skipJSONString(start + 1, &issue)
  case UInt8(ascii: "t"): return skipJSONWord(start, "true") ?? issue.note(.unexpected, start, expected: "a value")
  case UInt8(ascii: "f"): return skipJSONWord(start, "false") ?? issue.note(.unexpected, start, expected: "a value")
  case UInt8(ascii: "n"): return skipJSONWord(start, "null") ?? issue.note(.unexpected, start, expected: "a value")
  case UInt8(ascii: "{"):
    if depth == 128 { return issue.note(.tooDeep, start) }
    return skipJSONObject(start + 1, &issue, depth: depth + 1)
  case UInt8(ascii: "["):
    if depth == 128 { return issue.note(.tooDeep, start) }
    return skipJSONArray(start + 1, &issue, depth: depth + 1)
  case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
    var scanned = ScannedDecimal()
    let end = scanDecimal(start, &scanned)
    return isJSONNumber(scanned, start) ? end : issue.note(.malformedNumber, start)
  default: return issue.note(.unexpected, start, expected: "a value")
  }
}

private func skipJSONObject(
  _ start: UnsafePointer<UInt8>, _ issue: inout JSONIssue, depth: Int
) -> UnsafePointer<UInt8>? {
  var at = skipJSONSpace(start)
  if at.pointee == UInt8(ascii: "}") { return at + 1 }
  while true {
    guard at.pointee == UInt8(ascii: "\"") else { return issue.note(.unexpected, at, expected: "a name in quotes") }
    guard let nameEnd = skipJSONString(at + 1, &issue) else { return nil }
    at = skipJSONSpace(nameEnd)
    guard at.pointee == UInt8(ascii: ":") else { return issue.note(.unexpected, at, expected: "':'") }
    guard let valueEnd = skipJSONValue(skipJSONSpace(at + 1), &issue, depth: depth) else { return nil }
    at = skipJSONSpace(valueEnd)
    if at.pointee == UInt8(ascii: "}") { return at + 1 }
    guard at.pointee == UInt8(ascii: ",") else { return issue.note(.unexpected, at, expected: "',' or '}'") }
    at = skipJSONSpace(at + 1)
  }
}

private func skipJSONArray(
  _ start: UnsafePointer<UInt8>, _ issue: inout JSONIssue, depth: Int
) -> UnsafePointer<UInt8>? {
  var at = skipJSONSpace(start)
  if at.pointee == UInt8(ascii: "]") { return at + 1 }
  while true {
    guard let valueEnd = skipJSONValue(at, &issue, depth: depth) else { return nil }
    at = skipJSONSpace(valueEnd)
    if at.pointee == UInt8(ascii: "]") { return at + 1 }
    guard at.pointee == UInt8(ascii: ",") else { return issue.note(.unexpected, at, expected: "',' or ']'") }
    at = skipJSONSpace(at + 1)
  }
}

/// Behind the closing quote of the string whose content begins at `start`. The line feed behind the record ends it at the
/// latest, as every control character does.
func skipJSONString(_ start: UnsafePointer<UInt8>, _ issue: inout JSONIssue) -> UnsafePointer<UInt8>? {
  let quotes = WordScanning.pattern(34)
  let escapes = WordScanning.pattern(92)
  var at = start
  while true {
    let word = WordScanning.load(at)
    let ends =
      WordScanning.zeroBytes(word ^ quotes) | WordScanning.zeroBytes(word ^ escapes) | WordScanning.controlBytes(word)
    if ends == 0 {
      at += 8
      continue
    }
    at += WordScanning.firstByte(ends)
    if at.pointee == 34 { return at + 1 }
    guard at.pointee == 92 else { return noteControl(at, &issue) }
    guard let escape = decodeJSONEscape(at, &issue) else { return nil }
    at = escape.next
  }
}

/// A control character within a string: at the record's end the string was not closed.
func noteControl(_ at: UnsafePointer<UInt8>, _ issue: inout JSONIssue) -> UnsafePointer<UInt8>? {
  if at.pointee == 10 { return issue.note(.unexpected, at, expected: "the quote that closes the string") }
  return issue.note(.controlCharacter, at)
}

/// What the escape at `at`, where a backslash stands, means, and where it ends.
func decodeJSONEscape(
  _ at: UnsafePointer<UInt8>, _ issue: inout JSONIssue
) -> (scalar: UInt32, next: UnsafePointer<UInt8>)? {
  switch at[1] {
  case UInt8(ascii: "n"): return (10, at + 2)
  case UInt8(ascii: "t"): return (9, at + 2)
  case UInt8(ascii: "r"): return (13, at + 2)
  case UInt8(ascii: "b"): return (8, at + 2)
  case UInt8(ascii: "f"): return (12, at + 2)
  case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return (UInt32(at[1]), at + 2)
  case UInt8(ascii: "u"):
    guard let first = hexadecimal(at + 2) else { break }
    if first & 0xF800 != 0xD800 { return (first, at + 6) }
    guard first < 0xDC00, at[6] == 92, at[7] == UInt8(ascii: "u"), let second = hexadecimal(at + 8),
      second & 0xFC00 == 0xDC00
    else {
      _ = issue.note(.loneSurrogate, at)
      return nil
    }
    return (0x10000 + (first - 0xD800) << 10 + (second - 0xDC00), at + 12)
  default: break
  }
  _ = issue.note(.badEscape, at)
  return nil
}

private func hexadecimal(_ at: UnsafePointer<UInt8>) -> UInt32? {
  var value: UInt32 = 0
  for index in 0..<4 {
    let byte = at[index]
    let lower = byte | 0x20
    if byte &- 48 <= 9 {
      value = value << 4 | UInt32(byte - 48)
    } else if lower >= 97, lower <= 102 {
      value = value << 4 | UInt32(lower - 87)
    } else {
      return nil
    }
  }
  return value
}

/// Writes a scalar as UTF-8 and returns how many bytes it took.
func writeUTF8(_ scalar: UInt32, to out: UnsafeMutablePointer<UInt8>) -> Int {
  switch scalar {
  case 0..<0x80:
    out[0] = UInt8(scalar)
    return 1
  case 0x80..<0x800:
    out[0] = UInt8(0xC0 | scalar >> 6)
    out[1] = UInt8(0x80 | scalar & 0x3F)
    return 2
  case 0x800..<0x10000:
    out[0] = UInt8(0xE0 | scalar >> 12)
    out[1] = UInt8(0x80 | scalar >> 6 & 0x3F)
    out[2] = UInt8(0x80 | scalar & 0x3F)
    return 3
  default:
    out[0] = UInt8(0xF0 | scalar >> 18)
    out[1] = UInt8(0x80 | scalar >> 12 & 0x3F)
    out[2] = UInt8(0x80 | scalar >> 6 & 0x3F)
    out[3] = UInt8(0x80 | scalar & 0x3F)
    return 4
  }
}
