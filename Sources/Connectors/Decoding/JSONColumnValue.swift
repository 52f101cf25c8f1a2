import Glibc

/// Decodes the value at `start` into a column, and returns where it ends; nil with an issue when it is none of its type.
@inline(__always)
func decodeJSONValue(
  _ start: UnsafePointer<UInt8>, _ table: ColumnTable, _ column: Int, _ row: Int, _ issue: inout JSONIssue
) -> UnsafePointer<UInt8>? {
  let slot = table.slots + column
  switch slot.pointee.kind {
  case .utf8 where start.pointee == UInt8(ascii: "\""):
    return decodeJSONText(start, table, column, row, &issue)
  case .int64, .timestamp, .int32:
    let number = PlainInteger(at: start)
    let next = number.end.pointee
    // Fractions, exponents, leading zeros and more than 18 digits are looked at more closely.
    if number.isExact, next != 46, next | 0x20 != 101, number.end == number.first + 1 || number.first.pointee != 48 {
      if slot.pointee.kind == .int32 {
        guard let narrow = Int32(exactly: number.value) else { return issue.note(.outOfRange, start) }
        slot.pointee.set(row, narrow)
      } else {
        slot.pointee.set(row, number.value)
      }
      return number.end
    }
  case .float64:
    var scanned = ScannedDecimal()
    let at = scanDecimal(start, &scanned)
    if isJSONNumber(scanned, start) {
      let value = double(of: scanned, start, at)
      if value.isInfinite { return issue.note(.outOfRange, start) }
      slot.pointee.set(row, value)
      return at
    }
  case .other: return decodeNestedJSONValue(start, slot, &issue)
  case .utf8, .bool: break
  }
  return decodeOtherJSONValue(start, slot, row, &issue)
}

/// A value of a type without a fast path, nested or not.
@inline(never)
private func decodeNestedJSONValue(
  _ start: UnsafePointer<UInt8>, _ slot: UnsafeMutablePointer<ColumnSlot>, _ issue: inout JSONIssue
) -> UnsafePointer<UInt8>? {
  var found = issue
  let next = slot.pointee.appendOther { $0.appendJSON(start, &found) }
  issue = found
  return next
}

/// Text, copied while its end is looked for; escapes are replaced.
@inline(__always)
private func decodeJSONText(
  _ start: UnsafePointer<UInt8>, _ table: ColumnTable, _ column: Int, _ row: Int, _ issue: inout JSONIssue
) -> UnsafePointer<UInt8>? {
  let quotes = WordScanning.pattern(34)
  let escapes = WordScanning.pattern(92)
  var text = TextCopy(into: table.slots + column)
  var at = start + 1
  while true {
    at = text.copy(at, into: table, column) { word in
      WordScanning.zeroBytes(word ^ quotes) | WordScanning.zeroBytes(word ^ escapes) | WordScanning.controlBytes(word)
    }
    if at.pointee == 34 { break }
    guard at.pointee == 92 else { return noteControl(at, &issue) }
    guard let escape = decodeJSONEscape(at, &issue) else { return nil }
    text.append(escape.scalar)
    at = escape.next
  }
  return text.finish(row, in: table, column) ? at + 1 : issue.note(.notUTF8, start)
}

/// Everything that is not a plain value of the column's type: null, booleans, numbers at the limits, text that stands for a
/// time or a special number, and what is wrong.
@inline(never)
private func decodeOtherJSONValue(
  _ start: UnsafePointer<UInt8>, _ slot: UnsafeMutablePointer<ColumnSlot>, _ row: Int, _ issue: inout JSONIssue
) -> UnsafePointer<UInt8>? {
  if let end = skipJSONWord(start, "null") {
    guard slot.pointee.isNullable else { return issue.note(.null, start) }
    slot.pointee.setNull(row)
    return end
  }
  // Whatever it is, it must be a value before it can be one of the wrong type.
  guard let end = skipJSONValue(start, &issue) else { return nil }
  switch (slot.pointee.kind, start.pointee) {
  case (.bool, UInt8(ascii: "t")), (.bool, UInt8(ascii: "f")):
    slot.pointee.set(row, start.pointee == UInt8(ascii: "t"))
    return end
  case (.int32, UInt8(ascii: "-")), (.int64, UInt8(ascii: "-")), (.timestamp, UInt8(ascii: "-")),
    (.int32, 48...57), (.int64, 48...57), (.timestamp, 48...57):
    return storeJSONText(start, end, end, slot, row, &issue)
  case (.timestamp, UInt8(ascii: "\"")), (.float64, UInt8(ascii: "\"")):
    // Digits in quotes are text, not a number; words for what JSON has no number for are taken.
    if slot.pointee.kind == .float64, !isSpecialNumber(start + 1, end - 1) { return issue.note(.wrongType, start) }
    return storeJSONText(start + 1, end - 1, end, slot, row, &issue)
  default: return issue.note(.wrongType, start)
  }
}

private func storeJSONText(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ next: UnsafePointer<UInt8>,
  _ slot: UnsafeMutablePointer<ColumnSlot>, _ row: Int, _ issue: inout JSONIssue
) -> UnsafePointer<UInt8>? {
  let place = next == end ? start : start - 1
  switch storeText(start, end, slot, row) {
  case .none: return next
  case .malformed: return issue.note(.wrongType, place)
  case .outOfRange: return issue.note(.outOfRange, place)
  }
}

/// "NaN", "Infinity" or "-Infinity", as the JSON-lines sink writes them.
func isSpecialNumber(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Bool {
  let words: [StaticString] = ["NaN", "Infinity", "-Infinity"]
  return words.contains { word in
    word.utf8CodeUnitCount == end - start && memcmp(word.utf8Start, start, end - start) == 0
  }
}
