import Arrow
import VolleyPlan

extension ValueBuilder {
  /// Appends the JSON value at `start` and returns where it ends; nil with an issue, and nothing appended, when it is none of the
  /// type.
  ///
  /// A struct is an object whose members come in any order, the last of equal names counts, and those that it does not have are
  /// skipped; a list is an array; a map an object, all of whose members are entries, in their order. Numbers are numbers,
  /// decimals numbers or text, everything else text, or an integer of the unit for times.
  func appendJSON(_ start: UnsafePointer<UInt8>, _ issue: inout JSONIssue) -> UnsafePointer<UInt8>? {
    if let end = skipJSONWord(start, "null") {
      guard isNullable || isNullType else { return note(.null, start, &issue) }
      appendNull()
      return end
    }
    switch form {
    case .record(let builder, let fields, let names) where start.pointee == UInt8(ascii: "{"):
      guard let end = appendMembers(start + 1, fields, names, &issue) else {
        for field in fields { field.truncate(to: builder.count) }
        return nil
      }
      builder.endRow()
      return end
    case .list(let builder, let item, let size) where start.pointee == UInt8(ascii: "["):
      let first = item.rows.count
      guard let end = appendItems(start + 1, item, &issue) else {
        item.truncate(to: first)
        return nil
      }
      if let size, item.rows.count - first != size {
        item.truncate(to: first)
        return note(.wrongType, start, &issue)
      }
      builder.endRow()
      return end
    case .map(let builder, let entries, let key, let value) where start.pointee == UInt8(ascii: "{"):
      let first = entries.count
      guard let end = appendEntries(start + 1, entries, key, value, &issue) else {
        key.truncate(to: entries.count)
        value.truncate(to: entries.count)
        entries.truncate(to: first)
        return nil
      }
      builder.endRow()
      return end
    default: return appendScalar(start, &issue)
    }
  }

  private var isNullType: Bool { type == .null }

  private func note(
    _ kind: JSONIssue.Kind, _ place: UnsafePointer<UInt8>, _ issue: inout JSONIssue
  ) -> UnsafePointer<UInt8>? {
    issue.value = Unmanaged.passUnretained(self)
    return issue.note(kind, place)
  }

  private func appendScalar(_ start: UnsafePointer<UInt8>, _ issue: inout JSONIssue) -> UnsafePointer<UInt8>? {
    guard let end = skipJSONValue(start, &issue) else {
      issue.value = Unmanaged.passUnretained(self)
      return nil
    }
    let isQuoted = start.pointee == UInt8(ascii: "\"")
    guard isQuoted ? takesText : takesPlain(start.pointee) else { return note(.wrongType, start, &issue) }
    var text = start
    var textEnd = end
    if isQuoted {
      guard let count = unescapeJSON(start + 1, end - 1, into: scratch, &issue) else { return nil }
      text = UnsafePointer(scratch.bytes)
      textEnd = text + count
      scratch.bytes[count] = 0
      if isFloat, !isSpecialNumber(text, textEnd) { return note(.wrongType, start, &issue) }
    }
    switch append(text, textEnd) {
    case .none: return end
    case .malformed:
      return note(isText && !isUTF8(text, textEnd - text) ? .notUTF8 : .wrongType, start, &issue)
    case .outOfRange: return note(.outOfRange, start, &issue)
    }
  }

  private var isFloat: Bool {
    switch form {
    case .float16, .float32, .float64: true
    default: false
    }
  }

  /// Whether text can be a value.
  private var takesText: Bool {
    switch form {
    case .null, .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .list, .record, .map: false
    default: true
    }
  }

  /// Whether a value that begins so can be one: a number or a boolean.
  private func takesPlain(_ first: UInt8) -> Bool {
    switch form {
    case .bool: first == UInt8(ascii: "t") || first == UInt8(ascii: "f")
    case .null, .list, .record, .map, .utf8, .large, .view, .fixedBytes: false
    default: first == UInt8(ascii: "-") || first &- 48 <= 9
    }
  }

  private func appendItems(
    _ start: UnsafePointer<UInt8>, _ item: ValueBuilder, _ issue: inout JSONIssue
  ) -> UnsafePointer<UInt8>? {
    var at = skipJSONSpace(start)
    if at.pointee == UInt8(ascii: "]") { return at + 1 }
    while true {
      guard let next = item.appendJSON(at, &issue) else { return nil }
      at = skipJSONSpace(next)
      if at.pointee == UInt8(ascii: "]") { return at + 1 }
      guard at.pointee == UInt8(ascii: ",") else { return issue.note(.unexpected, at, expected: "',' or ']'") }
      at = skipJSONSpace(at + 1)
    }
  }

  /// Calls `body` with each member's name, in `scratch`, its bytes and where its value begins; `body` returns the value's end.
  private func eachMember(
    _ start: UnsafePointer<UInt8>, _ issue: inout JSONIssue,
    _ body: (Int, UnsafePointer<UInt8>, inout JSONIssue) -> UnsafePointer<UInt8>?
  ) -> UnsafePointer<UInt8>? {
    var at = skipJSONSpace(start)
    if at.pointee == UInt8(ascii: "}") { return at + 1 }
    while true {
      guard at.pointee == UInt8(ascii: "\"") else { return issue.note(.unexpected, at, expected: "a name in quotes") }
      guard let nameEnd = skipJSONString(at + 1, &issue),
        let count = unescapeJSON(at + 1, nameEnd - 1, into: scratch, &issue)
      else { return nil }
      at = skipJSONSpace(nameEnd)
      guard at.pointee == UInt8(ascii: ":") else { return issue.note(.unexpected, at, expected: "':'") }
      guard let next = body(count, skipJSONSpace(at + 1), &issue) else { return nil }
      at = skipJSONSpace(next)
      if at.pointee == UInt8(ascii: "}") { return at + 1 }
      guard at.pointee == UInt8(ascii: ",") else { return issue.note(.unexpected, at, expected: "',' or '}'") }
      at = skipJSONSpace(at + 1)
    }
  }

  private func appendMembers(
    _ start: UnsafePointer<UInt8>, _ fields: [ValueBuilder], _ names: JSONNames, _ issue: inout JSONIssue
  ) -> UnsafePointer<UInt8>? {
    let row = rows.count
    let end = eachMember(start, &issue) { count, at, issue in
      let name = UnsafePointer(scratch.bytes)
      guard let index = names.lookUp(name, name + count, after: names.count) else { return skipJSONValue(at, &issue) }
      // Of equal names the last counts.
      fields[index].truncate(to: row)
      return fields[index].appendJSON(at, &issue)
    }
    guard let end else { return nil }
    for field in fields where field.rows.count == row {
      guard field.isNullable || field.isNullType else { return field.note(.missing, start - 1, &issue) }
      field.appendNull()
    }
    return end
  }

  private func appendEntries(
    _ start: UnsafePointer<UInt8>, _ entries: StructBuilder, _ key: ValueBuilder, _ value: ValueBuilder,
    _ issue: inout JSONIssue
  ) -> UnsafePointer<UInt8>? {
    eachMember(start, &issue) { count, at, issue in
      let name = UnsafePointer(scratch.bytes)
      scratch.bytes[count] = 0
      switch key.append(name, name + count) {
      case .none: break
      case .malformed: return key.note(.wrongType, start - 1, &issue)
      case .outOfRange: return key.note(.outOfRange, start - 1, &issue)
      }
      guard let next = value.appendJSON(at, &issue) else { return nil }
      entries.endRow()
      return next
    }
  }
}

/// Puts the text between the quotes of a JSON string, whose grammar was checked, into `scratch` with its escapes replaced. Returns
/// its bytes, nil with an issue when an escape is none.
func unescapeJSON(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, into scratch: Scratch, _ issue: inout JSONIssue
) -> Int? {
  scratch.reserve(end - start)
  var used = 0
  var at = start
  while at < end {
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
  return used
}
