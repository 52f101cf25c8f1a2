import Glibc

/// Decodes a field of any form into column `target`. Returns where it ends, nil with an issue when it is no value.
@inline(never)
func decodeCSVField(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ table: ColumnTable, _ target: Int, _ scratch: Scratch,
  _ lines: inout Int, _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  let slot = table.slots + target
  var field = CSVField(start: start)
  guard let next = scanCSVField(start, layout, &field, &lines, &issue) else { return nil }
  issue.text = start
  issue.textCount = next - start
  if field.count > 0, !field.isQuoted || layout.hasQuotedNulls, layout.isNull(field.start, field.count) {
    return storeNull(slot, table.rows, .nullNotNull, &issue) ? next : nil
  }
  if slot.pointee.kind == .utf8 {
    return decodeText(field, layout, table, target, &issue) ? next : nil
  }
  var text = field.start
  var count = field.textCount
  let (keepsSpaces, hasEmptyValue) =
    slot.pointee.kind == .other ? slot.pointee.appendOther { ($0.isText, $0.hasEmptyValue) } : (false, false)
  if field.removed > 0 || field.isQuoted {
    // Something that is no digit must stand behind a value.
    scratch.reserve(count)
    field.copy(to: scratch.bytes, layout)
    scratch.bytes[count] = 0
    text = UnsafePointer(scratch.bytes)
  }
  if !keepsSpaces {
    while count > 0, text.pointee == 32 || text.pointee == 9 {
      text += 1
      count -= 1
    }
    while count > 0, text[count - 1] == 32 || text[count - 1] == 9 { count -= 1 }
  }
  // Empty text in quotes is text.
  let isValue = hasEmptyValue && field.isQuoted && !layout.hasQuotedNulls
  if count == 0, layout.emptyIsNull, !isValue {
    return storeNull(slot, table.rows, .emptyNotNull, &issue) ? next : nil
  }
  // A digit as delimiter would be taken for part of the value.
  if !layout.hasPlainNumbers, !field.isQuoted, field.removed == 0 {
    scratch.reserve(count)
    memcpy(scratch.bytes, text, count)
    scratch.bytes[count] = 0
    text = UnsafePointer(scratch.bytes)
  }
  switch storeText(text, text + count, slot, table.rows) {
  case .none: return next
  case .malformed: issue.kind = .malformed
  case .outOfRange: issue.kind = .outOfRange
  }
  return nil
}

/// The row has no value: it is null, or the column may not be, which is the issue.
private func storeNull(
  _ slot: UnsafeMutablePointer<ColumnSlot>, _ row: Int, _ kind: CSVIssue.Kind, _ issue: inout CSVIssue
) -> Bool {
  guard slot.pointee.isNullable else {
    issue.kind = kind
    return false
  }
  slot.pointee.setNull(row)
  return true
}

/// Copies a text field into its column. An empty one is null, unless it is quoted or the column is not nullable.
private func decodeText(
  _ field: CSVField, _ layout: CSVLayout, _ table: ColumnTable, _ target: Int, _ issue: inout CSVIssue
) -> Bool {
  let slot = table.slots + target
  let count = field.textCount
  if count == 0 {
    if layout.emptyIsNull, !field.isQuoted || layout.hasQuotedNulls, slot.pointee.isNullable {
      slot.pointee.setNull(table.rows)
    } else {
      slot.pointee.endText(table.rows)
    }
    return true
  }
  if slot.pointee.bytesUsed + count > slot.pointee.bytesCapacity { table.growText(target, by: count) }
  let bytes = slot.pointee.bytes + slot.pointee.bytesUsed
  field.copy(to: bytes, layout)
  guard isUTF8(bytes, count) else {
    issue.kind = .notUTF8
    return false
  }
  slot.pointee.bytesUsed += count
  slot.pointee.endText(table.rows)
  return true
}

/// Gives the columns of fields `first`... , which the row does not have, nulls.
func fillMissingCSVFields(
  from first: Int, _ layout: CSVLayout, _ targets: UnsafePointer<Int32>, _ table: ColumnTable, _ issue: inout CSVIssue
) -> Bool {
  for field in first..<layout.fieldCount where targets[field] >= 0 {
    guard storeNull(table.slots + Int(targets[field]), table.rows, .missingNotNull, &issue) else {
      issue.field = field
      return false
    }
  }
  return true
}
