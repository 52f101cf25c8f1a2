import Arrow
import Base
import Glibc
import VolleyPlan

/// CSV after RFC 4180: fields may be quoted, a doubled quote in quotes is a quote, quoted text may hold delimiters and line
/// ends, a line ends with a line feed with or without a carriage return, and the last line may lack its end.
///
/// - A header is matched by name, in any order; columns that the schema does not have are skipped.
/// - An empty field is null; in a `utf8` column that is not nullable it is an empty string. A quoted empty field (`""`) of a
///   `utf8` column is an empty string always.
/// - An empty line is skipped, but where rows have a single field it is a row with an empty field.
/// - Spaces around a value that is not text do not count; around text they do.
/// - A quote within a field that does not begin with one is text.
final class CSVDecoder: RecordDecoder {
  static let format = "csv"
  private let schema: Schema
  private let delimiter: UInt8
  private let hasHeader: Bool
  private let scratch = Scratch()
  private var path = ""
  private var isHeaderNext = false
  /// By field: the schema's column, or -1.
  private var targets: [Int32]
  /// The names of the fields, for messages.
  private var names: [String]
  private let journal: SourceJournal

  init(schema: Schema, delimiter: UInt8, hasHeader: Bool, journal: SourceJournal) {
    self.journal = journal
    self.schema = schema
    self.delimiter = delimiter
    self.hasHeader = hasHeader
    names = schema.fields.map(\.name)
    targets = schema.fields.indices.map { Int32($0) }
  }

  func beginFile(_ path: String) {
    self.path = path
    isHeaderNext = hasHeader
  }

  func decode(_ window: ByteWindow, into table: ColumnTable, maxRows: Int) throws(Failure) -> DecodeOutcome {
    if isHeaderNext {
      guard try readHeader(window) else { return .needsMore }
      isHeaderNext = false
    }
    let layout = CSVLayout(
      delimiter: delimiter, fieldCount: targets.count, isAtEnd: window.isAtEnd, limit: window.limit)
    return targets.withUnsafeBufferPointer { targets in
      guard let targets = targets.baseAddress else { preconditionFailure("a schema has at least one column") }
      return decodeRows(window, layout, targets, table, maxRows)
    }
  }

  private func decodeRows(
    _ window: ByteWindow, _ layout: CSVLayout, _ targets: UnsafePointer<Int32>, _ table: ColumnTable, _ maxRows: Int
  ) -> DecodeOutcome {
    let begin = window.first
    let scratch = scratch
    let maximum = window.maxRecordBytes
    let skipsEmptyLines = layout.fieldCount > 1
    var at = begin
    var lines = 0
    var outcome = DecodeOutcome.needsMore
    while at < layout.limit {
      if table.rows == maxRows || table.consumed >= ColumnTable.byteLimit {
        outcome = .full
        break
      }
      if skipsEmptyLines, at.pointee == 10 || (at.pointee == 13 && at[1] == 10) {
        let end = at.pointee == 10 ? at : at + 1
        if end == layout.limit, !layout.isAtEnd { break }
        lines += end == layout.limit ? 0 : 1
        at = end == layout.limit ? end : end + 1
        continue
      }
      table.reserveRow(limit: maxRows)
      var issue = CSVIssue()
      var rowLines = 0
      if let next = decodeCSVRow(at, layout, targets, table, scratch, &rowLines, &issue), next - at <= maximum {
        table.endRow(bytes: next - at)
        lines &+= rowLines
        at = next
        continue
      } else if issue.kind == .none {
        issue.kind = .tooLong
      }
      window.advance(at - begin, lines: lines)
      outcome = explain(issue, window, layout)
      table.abandonRow()
      return outcome
    }
    window.advance(at - begin, lines: lines)
    return outcome
  }

  /// What a row that was not decoded means: more bytes are needed, or it is bad.
  @inline(never)
  private func explain(_ issue: CSVIssue, _ window: ByteWindow, _ layout: CSVLayout) -> DecodeOutcome {
    let start = window.first
    if issue.kind == .unterminatedQuote {
      // The quote may swallow the rest of the file, so only its first line counts as the record.
      let length = window.lineFeed() ?? window.count
      return .bad(
        BadSpan(
          reason: "\(place(issue.field)): the quote that opens the field is never closed", length: length,
          advance: min(length + 1, window.count), lines: length < window.count ? 1 : 0))
    }
    if issue.kind == .incomplete { return .needsMore }
    var lines = 0
    guard let end = rowEnd(start, layout, &lines) else { return .needsMore }
    var length = end - start
    if length > 0, start[length - 1] == 10 { length -= 1 }
    if length > 0, start[length - 1] == 13 { length -= 1 }
    let reason = issue.kind == .tooLong ? tooLong(length, window.maxRecordBytes) : reason(issue, start, layout)
    return .bad(BadSpan(reason: reason, length: length, advance: end - start, lines: lines))
  }

  private func place(_ field: Int) -> String {
    field < names.count ? "column '\(names[field])'" : "field \(field + 1)"
  }

  private func reason(_ issue: CSVIssue, _ start: UnsafePointer<UInt8>, _ layout: CSVLayout) -> String {
    let text = quoted(issue.text, issue.textCount)
    switch issue.kind {
    case .none, .incomplete, .tooLong, .unterminatedQuote: preconditionFailure("these are no reasons of a whole row")
    case .textAfterQuote: return "\(place(issue.field)): text follows the closing quote of \(text)"
    case .tooFewFields: return "the row has \(count(issue.field, "field")), expected \(layout.fieldCount)"
    case .tooManyFields: return "the row has more than the expected \(count(layout.fieldCount, "field"))"
    case .malformed: return "\(place(issue.field)): \(text) is not \(withArticle(type(issue.field)))"
    case .outOfRange: return "\(place(issue.field)): \(text) is out of range for \(withArticle(type(issue.field)))"
    case .emptyNotNull: return "\(place(issue.field)): the field is empty, but the column is not nullable"
    case .notUTF8: return "\(place(issue.field)): \(text) is not UTF-8"
    }
  }

  private func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

  private func type(_ field: Int) -> DataType { schema.fields[Int(targets[field])].type }

  /// Behind the line end of the row at `start`, whatever its fields are; nil when the window ends before it.
  private func rowEnd(_ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ lines: inout Int) -> UnsafePointer<UInt8>? {
    var at = start
    while true {
      var issue = CSVIssue()
      var quotedLines = 0
      if let end = skipCSVField(at, layout, &quotedLines, &issue) {
        at = end
      } else if issue.kind == .textAfterQuote {
        at = scanPlainField(issue.text + issue.textCount - 1, layout)
      } else {
        return issue.kind == .unterminatedQuote ? layout.limit : nil
      }
      lines += quotedLines
      if at.pointee == 13 { at += 1 }
      if at.pointee == 10 {
        if at >= layout.limit { return layout.isAtEnd ? layout.limit : nil }
        lines += 1
        return at + 1
      }
      at += 1
    }
  }

  /// Reads the header, if the window has all of it: which field goes to which column.
  private func readHeader(_ window: ByteWindow) throws(Failure) -> Bool {
    var lines = 0
    let start = window.first
    let layout = CSVLayout(delimiter: delimiter, fieldCount: 0, isAtEnd: window.isAtEnd, limit: window.limit)
    guard window.count > 0, let end = rowEnd(start, layout, &lines) else { return false }
    let place = "\(path):\(window.line)"
    let found = try headerNames(start, end, layout, place)
    var targets = [Int32](repeating: -1, count: found.count)
    for (index, field) in schema.fields.enumerated() {
      let places = found.indices.filter { found[$0] == field.name }
      guard let first = places.first else { throw missing(field.name, found, place) }
      guard places.count == 1 else {
        throw Failure(
          .data, "\(place): the header has column '\(field.name)' \(places.count) times; rename all but one")
      }
      targets[first] = Int32(index)
    }
    journal.skips(found.filter { schema.index(of: $0) == nil }, of: path)
    self.targets = targets
    names = found
    window.advance(end - start, lines: lines)
    return true
  }

  private func headerNames(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ layout: CSVLayout, _ place: String
  ) throws(Failure) -> [String] {
    var names: [String] = []
    var at = start
    while true {
      var lines = 0
      var issue = CSVIssue()
      var field = CSVQuotedField(start: at, count: 0, doubled: 0)
      var next = at
      if at.pointee == UInt8(ascii: "\"") {
        guard let end = scanQuoted(at, layout, &field, &lines, &issue) else {
          throw Failure(
            .data, "\(place): the quotes of the header's field \(names.count + 1) are not closed where the field ends")
        }
        next = end
      } else {
        next = scanPlainField(at, layout)
        field.count = next - at
      }
      let count = field.count - field.doubled
      scratch.reserve(count)
      field.copy(to: scratch.bytes)
      guard isUTF8(scratch.bytes, count) else {
        throw Failure(.data, "\(place): the header's field \(names.count + 1) \(quoted(at, next - at)) is not UTF-8")
      }
      names.append(String(decoding: UnsafeBufferPointer(start: scratch.bytes, count: count), as: UTF8.self))
      if next >= end || next.pointee != delimiter { return names }
      at = next + 1
    }
  }

  private func missing(_ name: String, _ found: [String], _ place: String) -> Failure {
    let hint = nearestName(to: name, among: found).map { "; perhaps '\($0)' is meant" } ?? ""
    var list = found.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
    if found.count > 20 { list += " and \(found.count - 20) more" }
    return Failure(
      .data,
      "\(place): the header has no column '\(name)', it has \(list)\(hint); "
        + "correct the schema or the file, or set the option 'header' to false if the first line is a row")
  }
}
