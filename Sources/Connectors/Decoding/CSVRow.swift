import Glibc

/// Decodes one row of CSV into the table, and returns the byte behind its line end; nil when it cannot, which `issue`
/// explains. `lines` counts the line ends passed.
///
/// `targets` tells, by field, the column that it goes to, or -1 for one that is skipped.
///
/// Plain numbers and plain text are decoded while they are scanned; whatever has quotes, spaces, signs or exponents to look
/// at goes through `decodeCSVField`.
@inline(__always)
func decodeCSVRow(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ targets: UnsafePointer<Int32>, _ table: ColumnTable,
  _ scratch: Scratch, _ lines: inout Int, _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  let slots = table.slots
  let row = table.rows
  let last = layout.fieldCount &- 1
  var at = start
  var field = 0
  while true {
    let target = Int(targets[field])
    let next: UnsafePointer<UInt8>?
    if target < 0 {
      next = skipCSVField(at, layout, &lines, &issue)
    } else {
      switch slots[target].kind {
      case .int64 where layout.hasPlainNumbers: next = decodePlainInt64(at, layout, slots + target, row)
      case .float64 where layout.hasPlainNumbers: next = decodePlainDouble(at, layout, slots + target, row)
      case .utf8 where layout.hasPlainText: next = decodePlainText(at, layout, table, target, row)
      default: next = nil
      }
    }
    if let next {
      at = next
    } else if target >= 0, let next = decodeCSVField(at, layout, table, target, scratch, &lines, &issue) {
      at = next
    } else {
      issue.field = field
      return nil
    }
    if field < last {
      if at.pointee == layout.delimiter {
        at += 1
        field &+= 1
        continue
      }
      if at == layout.limit, !layout.isAtEnd {
        issue.kind = .incomplete
        return nil
      }
      issue.kind = .tooFewFields
      issue.field = field &+ 1
      guard layout.missingIsNull, fillMissingCSVFields(from: field &+ 1, layout, targets, table, &issue) else {
        return nil
      }
      issue.kind = .none
    } else if at.pointee == layout.delimiter {
      issue.kind = .tooManyFields
      issue.field = field &+ 1
      guard layout.ignoresExtra, let end = skipExtraCSVFields(at, layout, &lines, &issue) else { return nil }
      issue.kind = .none
      at = end
    }
    return endCSVRow(at, layout, &lines, &issue)
  }
}

/// Behind the line end at `at`, nil when it is not all there.
///
/// Inlined, being a few instructions of each row.
@inline(__always)
func endCSVRow(
  _ at: UnsafePointer<UInt8>, _ layout: CSVLayout, _ lines: inout Int, _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  // Behind a carriage return at the window's end a line feed may follow.
  let last = at.pointee == 13 ? at + 1 : at
  if last == layout.limit {
    if layout.isAtEnd { return last }
    issue.kind = .incomplete
    return nil
  }
  lines &+= 1
  return last.pointee == 10 ? last + 1 : last
}

/// Passes the fields behind the expected ones, from the delimiter before them to the line end.
private func skipExtraCSVFields(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ lines: inout Int, _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  var at = start
  while at.pointee == layout.delimiter {
    guard let next = skipCSVField(at + 1, layout, &lines, &issue) else { return nil }
    at = next
  }
  return at
}

/// An integer of up to 18 digits, and nothing else, in the field; nil when it is something else.
@inline(__always)
private func decodePlainInt64(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ slot: UnsafeMutablePointer<ColumnSlot>, _ row: Int
) -> UnsafePointer<UInt8>? {
  let number = PlainInteger(at: start)
  guard number.isExact, layout.isFieldEnd(number.end) else { return nil }
  slot.pointee.set(row, number.value)
  return number.end
}

/// A decimal number, and nothing else, in the field; nil when it is something else.
@inline(__always)
private func decodePlainDouble(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ slot: UnsafeMutablePointer<ColumnSlot>, _ row: Int
) -> UnsafePointer<UInt8>? {
  var scanned = ScannedDecimal()
  let at = scanDecimal(start, &scanned)
  guard scanned.isNumber, layout.isFieldEnd(at) else { return nil }
  let value = double(of: scanned, start, at)
  guard value.isFinite else { return nil }
  slot.pointee.set(row, value)
  return at
}

/// Text that is not empty and not quoted, copied while its end is looked for; nil when it is something else, or no UTF-8.
@inline(__always)
private func decodePlainText(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ table: ColumnTable, _ target: Int, _ row: Int
) -> UnsafePointer<UInt8>? {
  if layout.isQuote(start) || layout.isFieldEnd(start) { return nil }
  let delimiters = WordScanning.pattern(layout.delimiter)
  let feeds = WordScanning.pattern(10)
  let returns = WordScanning.pattern(13)
  var text = TextCopy(into: table.slots + target)
  var at = start
  while true {
    at = text.copy(at, into: table, target) { word in
      WordScanning.zeroBytes(word ^ delimiters) | WordScanning.zeroBytes(word ^ feeds)
        | WordScanning.zeroBytes(word ^ returns)
    }
    if layout.isFieldEnd(at) { break }
    // A carriage return within the field.
    at += 1
    text.keepByte()
  }
  return text.finish(row, in: table, target) ? at : nil
}
