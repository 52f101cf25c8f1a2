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
    let isNegative = start.pointee == UInt8(ascii: "-")
    let first = isNegative ? start + 1 : start
    var at = first
    var magnitude: UInt64 = 0
    while true {
      let digit = at.pointee &- 48
      if digit > 9 { break }
      magnitude = magnitude &* 10 &+ UInt64(digit)
      at += 1
    }
    let digits = at - first
    // Fractions, exponents, leading zeros and more than 18 digits are looked at more closely.
    let isPlain =
      digits > 0 && digits < 19 && at.pointee != 46 && at.pointee | 0x20 != 101 && (digits == 1 || first.pointee != 48)
    if isPlain {
      let value = isNegative ? 0 &- Int64(bitPattern: magnitude) : Int64(bitPattern: magnitude)
      if slot.pointee.kind == .int32 {
        guard let narrow = Int32(exactly: value) else { return issue.note(.outOfRange, start) }
        slot.pointee.set(row, narrow)
      } else {
        slot.pointee.set(row, value)
      }
      return at
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
  case .utf8, .bool: break
  }
  return decodeOtherJSONValue(start, slot, row, &issue)
}

/// Text, copied while its end is looked for; escapes are replaced.
@inline(__always)
private func decodeJSONText(
  _ start: UnsafePointer<UInt8>, _ table: ColumnTable, _ column: Int, _ row: Int, _ issue: inout JSONIssue
) -> UnsafePointer<UInt8>? {
  let slot = table.slots + column
  let quotes = WordScanning.pattern(34)
  let escapes = WordScanning.pattern(92)
  var at = start + 1
  var used = slot.pointee.bytesUsed
  var capacity = slot.pointee.bytesCapacity
  var seen: UInt64 = 0
  while true {
    if used > capacity {
      slot.pointee.bytesUsed = used
      table.growText(column, by: used)
      capacity = slot.pointee.bytesCapacity
    }
    let word = WordScanning.load(at)
    UnsafeMutableRawPointer(slot.pointee.bytes + used).storeBytes(of: word.littleEndian, as: UInt64.self)
    let ends =
      WordScanning.zeroBytes(word ^ quotes) | WordScanning.zeroBytes(word ^ escapes) | WordScanning.controlBytes(word)
    if ends == 0 {
      seen |= word
      at += 8
      used &+= 8
      continue
    }
    let count = WordScanning.firstByte(ends)
    if count > 0 { seen |= word << UInt64(64 &- 8 &* count) }
    at += count
    used &+= count
    if at.pointee == 34 { break }
    guard at.pointee == 92 else { return noteControl(at, &issue) }
    guard let escape = decodeJSONEscape(at, &issue) else { return nil }
    used &+= writeUTF8(escape.scalar, to: slot.pointee.bytes + used)
    at = escape.next
  }
  let first = slot.pointee.textStart(row)
  if seen & WordScanning.highs != 0, !isUTF8(slot.pointee.bytes + first, used &- first) {
    return issue.note(.notUTF8, start)
  }
  slot.pointee.bytesUsed = used
  if used > capacity { table.growText(column, by: 0) }
  slot.pointee.endText(row)
  return at + 1
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
private func isSpecialNumber(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Bool {
  let words: [StaticString] = ["NaN", "Infinity", "-Infinity"]
  return words.contains { word in
    word.utf8CodeUnitCount == end - start && memcmp(word.utf8Start, start, end - start) == 0
  }
}
