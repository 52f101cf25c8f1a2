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
      case .int64: next = decodePlainInt64(at, layout, slots + target, row)
      case .float64: next = decodePlainDouble(at, layout, slots + target, row)
      case .utf8: next = decodePlainText(at, layout, table, target, row)
      case .int32, .bool, .timestamp: next = nil
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
      issue.kind = at == layout.limit && !layout.isAtEnd ? .incomplete : .tooFewFields
      issue.field = field &+ 1
      return nil
    }
    if at.pointee == 10 {
      if at == layout.limit {
        if layout.isAtEnd { return at }
        issue.kind = .incomplete
        return nil
      }
      lines &+= 1
      return at + 1
    }
    if at.pointee == 13 {
      // A field ends at a carriage return only when a line feed follows.
      if at + 1 == layout.limit {
        if layout.isAtEnd { return at + 1 }
        issue.kind = .incomplete
        return nil
      }
      lines &+= 1
      return at + 2
    }
    issue.kind = .tooManyFields
    return nil
  }
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
  if start.pointee == UInt8(ascii: "\"") || layout.isFieldEnd(start) { return nil }
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
