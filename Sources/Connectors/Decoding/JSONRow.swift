/// Decodes the object that fills the line `start`..<`end`, behind which a line feed stands, into the table's next row.
/// Whether that worked; if not, `issue` says why.
///
/// Members may come in any order; those that the schema does not have are skipped; of a name that comes twice the last value
/// counts.
@inline(__always)
func decodeJSONRow(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ names: JSONNames, _ table: ColumnTable,
  _ scratch: Scratch, _ issue: inout JSONIssue
) -> Bool {
  let row = table.rows
  var at = skipJSONSpace(start)
  guard at.pointee == UInt8(ascii: "{") else { return issue.note(.unexpected, at, expected: "an object") != nil }
  at = skipJSONSpace(at + 1)
  var filled = 0
  var former = names.count
  if at.pointee == UInt8(ascii: "}") {
    at += 1
  } else {
    while true {
      guard at.pointee == UInt8(ascii: "\"") else {
        return issue.note(.unexpected, at, expected: "a name in quotes") != nil
      }
      var column = names.successor(of: former)
      if let next = names.match(at + 1, column: column) {
        at = next
      } else {
        guard let next = lookUpJSONName(at + 1, names, after: former, scratch, &column, &issue) else { return false }
        at = next
      }
      at = skipJSONSpace(at)
      guard at.pointee == UInt8(ascii: ":") else { return issue.note(.unexpected, at, expected: "':'") != nil }
      at = skipJSONSpace(at + 1)
      if column < 0 {
        guard let next = skipJSONValue(at, &issue) else { return false }
        at = next
      } else {
        former = column
        let slot = table.slots + column
        if slot.pointee.filledRow == row {
          slot.pointee.clear(row)
        } else {
          filled &+= 1
        }
        slot.pointee.filledRow = row
        guard let next = decodeJSONValue(at, table, column, row, &issue) else {
          issue.column = column
          return false
        }
        at = next
      }
      at = skipJSONSpace(at)
      if at.pointee == UInt8(ascii: ",") {
        at = skipJSONSpace(at + 1)
        continue
      }
      guard at.pointee == UInt8(ascii: "}") else { return issue.note(.unexpected, at, expected: "',' or '}'") != nil }
      at += 1
      break
    }
  }
  at = skipJSONSpace(at)
  guard at == end else { return issue.note(.unexpected, at, expected: "the end of the line") != nil }
  return filled == names.count || fillMissing(table, names.count, end, &issue)
}

/// The columns that the object did not have are null.
@inline(never)
private func fillMissing(
  _ table: ColumnTable, _ count: Int, _ end: UnsafePointer<UInt8>, _ issue: inout JSONIssue
) -> Bool {
  for column in 0..<count where table.slots[column].filledRow != table.rows {
    guard table.slots[column].isNullable else {
      issue.column = column
      return issue.note(.missing, end) != nil
    }
    table.slots[column].setNull(table.rows)
  }
  return true
}

/// Finds the column of the name that begins at `start`; -1 for one that the schema does not have. Returns the byte behind its
/// closing quote.
@inline(never)
private func lookUpJSONName(
  _ start: UnsafePointer<UInt8>, _ names: JSONNames, after former: Int, _ scratch: Scratch, _ column: inout Int,
  _ issue: inout JSONIssue
) -> UnsafePointer<UInt8>? {
  guard let end = skipJSONString(start, &issue) else { return nil }
  let length = end - start - 1
  var hasEscape = false
  for index in 0..<length where start[index] == 92 { hasEscape = true }
  guard hasEscape else {
    column = names.lookUp(start, end - 1, after: former) ?? -1
    return end
  }
  scratch.reserve(length)
  var used = 0
  var at = start
  while at < end - 1 {
    if at.pointee == 92 {
      guard let escape = decodeJSONEscape(at, &issue) else { return nil }
      used += writeUTF8(escape.scalar, to: scratch.bytes + used)
      at = escape.next
    } else {
      scratch.bytes[used] = at.pointee
      used += 1
      at += 1
    }
  }
  column = names.lookUp(UnsafePointer(scratch.bytes), UnsafePointer(scratch.bytes + used), after: former) ?? -1
  return end
}
