import Glibc

/// A quoted field, between its quotes.
struct CSVQuotedField {
  /// The first byte between the quotes.
  var start: UnsafePointer<UInt8>
  var count: Int
  /// Pairs of quotes among the bytes, each of which stands for one quote.
  var doubled: Int
}

/// Scans the quoted field at `start`, where a quote stands. Returns the byte behind the closing quote, nil with an issue when
/// there is none or more text follows.
func scanQuoted(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ quoted: inout CSVQuotedField, _ lines: inout Int,
  _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  var at = start + 1
  var doubled = 0
  while true {
    guard at < layout.limit, let found = memchr(at, 34, layout.limit - at) else {
      issue.kind = layout.isAtEnd ? .unterminatedQuote : .incomplete
      return nil
    }
    at = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) + 1
    // At the window's end a line feed stands here; whether a quote follows is not known yet then.
    guard at < layout.limit, at.pointee == 34 else { break }
    doubled += 1
    at += 1
  }
  if at == layout.limit, !layout.isAtEnd {
    issue.kind = .incomplete
    return nil
  }
  quoted = CSVQuotedField(start: start + 1, count: at - start - 2, doubled: doubled)
  for index in 0..<quoted.count where quoted.start[index] == 10 { lines &+= 1 }
  guard layout.isFieldEnd(at) else {
    issue.kind = .textAfterQuote
    issue.text = start
    issue.textCount = at - start + 1
    return nil
  }
  return at
}

extension CSVQuotedField {
  /// Copies the text, of `count - doubled` bytes, each pair of quotes as one.
  func copy(to destination: UnsafeMutablePointer<UInt8>) {
    if doubled == 0 {
      memcpy(destination, start, count)
      return
    }
    var out = destination
    var at = start
    let end = start + count
    while at < end {
      out.pointee = at.pointee
      at += at.pointee == 34 ? 2 : 1
      out += 1
    }
  }
}

/// The end of the field at `start`, which is not quoted.
func scanPlainField(_ start: UnsafePointer<UInt8>, _ layout: CSVLayout) -> UnsafePointer<UInt8> {
  var at = start
  while !layout.isFieldEnd(at) { at += 1 }
  return at
}

/// Passes a field that no column takes.
func skipCSVField(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ lines: inout Int, _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  guard start.pointee == UInt8(ascii: "\"") else { return scanPlainField(start, layout) }
  var field = CSVQuotedField(start: start, count: 0, doubled: 0)
  return scanQuoted(start, layout, &field, &lines, &issue)
}

/// Decodes a field of any form into column `target`. Returns where it ends, nil with an issue when it is no value.
@inline(never)
func decodeCSVField(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ table: ColumnTable, _ target: Int, _ scratch: Scratch,
  _ lines: inout Int, _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  let slot = table.slots + target
  var text = start
  var count: Int
  let next: UnsafePointer<UInt8>
  let isQuoted = start.pointee == UInt8(ascii: "\"")
  if isQuoted {
    var field = CSVQuotedField(start: start, count: 0, doubled: 0)
    guard let end = scanQuoted(start, layout, &field, &lines, &issue) else { return nil }
    next = end
    count = field.count - field.doubled
    if slot.pointee.kind == .utf8 {
      if slot.pointee.bytesUsed + count > slot.pointee.bytesCapacity { table.growText(target, by: count) }
      field.copy(to: slot.pointee.bytes + slot.pointee.bytesUsed)
      return endCSVText(slot, table.rows, count, start, next, &issue)
    }
    scratch.reserve(count)
    field.copy(to: scratch.bytes)
    scratch.bytes[count] = 0
    text = UnsafePointer(scratch.bytes)
  } else {
    next = scanPlainField(start, layout)
    count = next - start
    if slot.pointee.kind == .utf8, count > 0 {
      if slot.pointee.bytesUsed + count > slot.pointee.bytesCapacity { table.growText(target, by: count) }
      memcpy(slot.pointee.bytes + slot.pointee.bytesUsed, start, count)
      return endCSVText(slot, table.rows, count, start, next, &issue)
    }
  }
  while count > 0, text.pointee == 32 || text.pointee == 9 {
    text += 1
    count -= 1
  }
  while count > 0, text[count - 1] == 32 || text[count - 1] == 9 { count -= 1 }
  issue.text = start
  issue.textCount = next - start
  if count == 0 {
    if slot.pointee.isNullable {
      slot.pointee.setNull(table.rows)
    } else if slot.pointee.kind == .utf8 {
      slot.pointee.endText(table.rows)
    } else {
      issue.kind = .emptyNotNull
      return nil
    }
    return next
  }
  switch storeText(text, text + count, slot, table.rows) {
  case .none: return next
  case .malformed: issue.kind = .malformed
  case .outOfRange: issue.kind = .outOfRange
  }
  return nil
}

/// The text that was copied behind the used bytes is the row's, if it is UTF-8.
private func endCSVText(
  _ slot: UnsafeMutablePointer<ColumnSlot>, _ row: Int, _ count: Int, _ start: UnsafePointer<UInt8>,
  _ next: UnsafePointer<UInt8>, _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  guard isUTF8(slot.pointee.bytes + slot.pointee.bytesUsed, count) else {
    issue.kind = .notUTF8
    issue.text = start
    issue.textCount = next - start
    return nil
  }
  slot.pointee.bytesUsed += count
  slot.pointee.endText(row)
  return next
}

/// Reads a value other than text from text and stores it. Something that is no digit must stand at `end`.
func storeText(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ slot: UnsafeMutablePointer<ColumnSlot>, _ row: Int
) -> ValueProblem {
  switch slot.pointee.kind {
  case .bool:
    var value = false
    let problem = parseBool(start, end, &value)
    slot.pointee.set(row, value)
    return problem
  case .int32:
    var value: Int64 = 0
    let problem = parseInteger(start, end, &value)
    if problem != .none { return problem }
    guard let narrow = Int32(exactly: value) else { return .outOfRange }
    slot.pointee.set(row, narrow)
    return .none
  case .int64:
    var value: Int64 = 0
    let problem = parseInteger(start, end, &value)
    slot.pointee.set(row, value)
    return problem
  case .float64:
    var value = 0.0
    let problem = parseDouble(start, end, &value)
    slot.pointee.set(row, value)
    return problem
  case .timestamp:
    var value: Int64 = 0
    let problem = parseTimestamp(start, end, unit: slot.pointee.unit, &value)
    slot.pointee.set(row, value)
    return problem
  case .utf8: preconditionFailure("text is copied, not parsed")
  }
}
