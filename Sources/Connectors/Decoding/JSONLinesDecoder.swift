import Arrow
import Base
import Glibc
import VolleyPlan

/// One JSON object a line (RFC 8259, https://jsonlines.org), its members the columns.
///
/// - Members that the schema does not have are skipped, whatever they hold, and those of records counted; a column without a member is null.
/// - Integers are exact; a number with a fraction or an exponent is no integer. Doubles are rounded correctly; besides numbers
///   they may be "NaN", "Infinity" or "-Infinity" as text. Timestamps are ISO 8601 text or an integer of the unit.
/// - Lines of white space only are skipped.
final class JSONLinesDecoder: RecordDecoder {
  static let format = "jsonlines"
  private let fields: [Field]
  private let names: JSONNames
  private let scratch = Scratch()

  init(fields: [Field]) {
    self.fields = fields
    names = JSONNames(fields)
  }

  func beginFile(_ path: String) {}

  var skippedMembers: (count: Int, first: String) {
    (names.skipped, String(decoding: names.firstSkipped, as: UTF8.self))
  }

  func decode(_ window: ByteWindow, into table: ColumnTable, maxRows: Int) -> DecodeOutcome {
    let names = names
    let scratch = scratch
    let begin = window.first
    let limit = window.limit
    let owned = window.ownedLimit
    let maximum = window.maxRecordBytes
    let isAtEnd = window.isAtEnd
    var at = begin
    var lines = 0
    while at < owned {
      if table.rows == maxRows || table.consumed >= ColumnTable.byteLimit {
        window.advance(at - begin, lines: lines)
        return .full
      }
      // The line feed behind the content is always found.
      guard let found = memchr(at, 10, limit - at + 1) else { break }
      let end = UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
      if end == limit, !isAtEnd { break }
      let next = end == limit ? end : end + 1
      if skipJSONSpace(at) == end {
        lines &+= next - end
        at = next
        continue
      }
      table.reserveRow(limit: maxRows)
      var issue = JSONIssue()
      let isDecoded = end - at <= maximum && decodeJSONRow(at, end, names, table, scratch, &issue)
      if !isDecoded {
        table.abandonRow()
        window.advance(at - begin, lines: lines)
        return .bad(
          BadSpan(
            reason: reason(issue, at, end, maximum), length: end - at, advance: next - at, lines: next - end))
      }
      table.endRow(bytes: next - at)
      lines &+= next - end
      at = next
    }
    window.advance(at - begin, lines: lines)
    return .needsMore
  }

  @inline(never)
  private func reason(
    _ issue: JSONIssue, _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ maximum: Int
  ) -> String {
    // Of a value in a value the way to it is told, and its own type.
    let part = issue.value.map { $0.takeUnretainedValue() }
    let name = part?.path ?? (issue.column >= 0 ? fields[issue.column].name : nil)
    let column = name.map { "column '\($0)': " } ?? ""
    let place = "at byte \(issue.place - start + 1) of the record"
    switch issue.kind {
    case .none: return tooLong(end - start, maximum)
    case .unexpected:
      let found =
        issue.place >= end
        ? "found the end of the line" : "found \(quoted(issue.place, character(issue.place, end))) \(place)"
      return "\(column)\(found), expected \(issue.expected)"
    case .malformedNumber: return "\(column)\(quoted(issue.place, word(issue.place, end))) is not a JSON number"
    case .badEscape: return "\(column)\(quoted(issue.place, min(6, end - issue.place))) \(place) is no JSON escape"
    case .loneSurrogate:
      return "\(column)\(quoted(issue.place, min(6, end - issue.place))) \(place) is half of a surrogate pair"
    case .controlCharacter: return "\(column)the control character \(quoted(issue.place, 1)) \(place) is not escaped"
    case .tooDeep: return "arrays and objects are nested more than 128 deep \(place)"
    case .notUTF8: return "\(column)\(value(issue.place, end)) is not UTF-8"
    case .wrongType:
      return "\(column)\(value(issue.place, end)) is not \(withArticle(part?.type ?? fields[issue.column].type))"
    case .outOfRange:
      return
        "\(column)\(value(issue.place, end)) is out of range for \(withArticle(part?.type ?? fields[issue.column].type))"
    case .null: return "\(column)null, but the column is not nullable"
    case .missing: return "\(column)the record has no such member, but the column is not nullable"
    }
  }

  /// The JSON value at `start`, as a message shows it.
  private func value(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> String {
    var issue = JSONIssue()
    return quoted(start, (skipJSONValue(start, &issue) ?? end) - start)
  }

  /// Bytes of the UTF-8 character at `start`, 1 if it is none.
  private func character(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
    let count = start.pointee < 0xC0 ? 1 : start.pointee < 0xE0 ? 2 : start.pointee < 0xF0 ? 3 : 4
    return min(count, end - start)
  }

  /// Bytes up to what separates values.
  private func word(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
    var at = start
    while at < end, !Array(", \t\r}]:".utf8).contains(at.pointee) { at += 1 }
    return at - start
  }
}
