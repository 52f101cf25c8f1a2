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
///
/// A `CSVDialect` changes any of this.
final class CSVDecoder: RecordDecoder {
  static let format = "csv"
  private let schema: Schema
  private let dialect: CSVDialect
  private let nulls: CSVNullTexts
  private let scratch = Scratch()
  private var path = ""
  private var isHeaderNext = false
  /// Lines at the file's beginning that are still to be skipped.
  private var linesToSkip = 0
  /// By field: the schema's column, or -1.
  private var targets: [Int32]
  /// Columns that the header does not have, which are null.
  private var absent: [Int] = []
  /// The names of the fields, for messages.
  private var names: [String]
  private let journal: SourceJournal

  init(schema: Schema, dialect: CSVDialect, journal: SourceJournal) {
    self.journal = journal
    self.schema = schema
    self.dialect = dialect
    nulls = CSVNullTexts(dialect.nulls)
    names = schema.fields.map(\.name)
    targets = schema.fields.indices.map { Int32($0) }
  }

  /// The names of the fields: of the header, once it was read.
  var fieldNames: [String] { names }

  /// Reads the header alone. Whether the window has all of it.
  func readNames(_ window: ByteWindow) throws(Failure) -> Bool { try readPreamble(window) }

  var endsAtReturn: Bool { dialect.endsAtReturn }

  func beginFile(_ path: String) {
    self.path = path
    isHeaderNext = dialect.hasHeader
    linesToSkip = dialect.skippedLines
  }

  var isInRecords: Bool { linesToSkip == 0 && !isHeaderNext }

  var header: [String]? { dialect.hasHeader ? names : nil }

  func goOnInFile(_ path: String, header: [String]?) throws(Failure) {
    self.path = path
    isHeaderNext = false
    linesToSkip = 0
    if dialect.hasHeader, let header { try match(header, "\(path):1") }
  }

  private func layout(_ window: ByteWindow, fieldCount: Int) -> CSVLayout {
    CSVLayout(dialect, nulls, fieldCount: fieldCount, isAtEnd: window.isAtEnd, limit: window.limit)
  }

  func decode(_ window: ByteWindow, into table: ColumnTable, maxRows: Int) throws(Failure) -> DecodeOutcome {
    if linesToSkip > 0 || isHeaderNext {
      guard try readPreamble(window) else { return .needsMore }
    }
    let layout = layout(window, fieldCount: targets.count)
    return targets.withUnsafeBufferPointer { targets in
      guard let targets = targets.baseAddress else { preconditionFailure("a schema has at least one column") }
      return decodeRows(window, layout, targets, table, maxRows)
    }
  }

  private func decodeRows(
    _ window: ByteWindow, _ layout: CSVLayout, _ targets: UnsafePointer<Int32>, _ table: ColumnTable, _ maxRows: Int
  ) -> DecodeOutcome {
    let begin = window.first
    let owned = window.ownedLimit
    let scratch = scratch
    let maximum = window.maxRecordBytes
    let skipsEmptyLines = !(dialect.hasEmptyRows ?? (layout.fieldCount == 1))
    let hasComments = !dialect.comment.isEmpty
    var at = begin
    var lines = 0
    var outcome = DecodeOutcome.needsMore
    while at < owned {
      if table.rows == maxRows || table.consumed >= ColumnTable.byteLimit {
        outcome = .full
        break
      }
      if skipsEmptyLines, at.pointee == 10 || at.pointee == 13, layout.isFieldEnd(at) {
        var issue = CSVIssue()
        guard let next = endCSVRow(at, layout, &lines, &issue) else { break }
        at = next
        continue
      }
      if hasComments {
        switch skipComment(&at, layout, &lines) {
        case true?: continue
        case nil:
          window.advance(at - begin, lines: lines)
          return .needsMore
        case false?: break
        }
      }
      table.reserveRow(limit: maxRows)
      var issue = CSVIssue()
      var rowLines = 0
      if let next = decodeCSVRow(at, layout, targets, table, scratch, &rowLines, &issue), next - at <= maximum {
        for column in absent { table.slots[column].setNull(table.rows) }
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

  /// Passes the comment at `at`: true. False when there is none, nil when the window ends before that is known or within it.
  private func skipComment(
    _ at: inout UnsafePointer<UInt8>, _ layout: CSVLayout, _ lines: inout Int
  ) -> Bool? {
    for (index, byte) in dialect.comment.enumerated() {
      if at + index == layout.limit, !layout.isAtEnd { return nil }
      if at + index >= layout.limit || at[index] != byte { return false }
    }
    guard let next = skipLine(at, layout, &lines) else { return nil }
    at = next
    return true
  }

  /// Behind the end of the line at `at`, whatever the line holds; nil when the window ends before it.
  private func skipLine(
    _ at: UnsafePointer<UInt8>, _ layout: CSVLayout, _ lines: inout Int
  ) -> UnsafePointer<UInt8>? {
    var end = at
    if layout.endsAtReturn {
      while end.pointee != 10, end.pointee != 13 { end += 1 }
    } else if let found = memchr(at, 10, layout.limit - at + 1) {
      end = UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
    }
    var issue = CSVIssue()
    return endCSVRow(end, layout, &lines, &issue)
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
    case .nullNotNull: return "\(place(issue.field)): \(text) stands for null, but the column is not nullable"
    case .missingNotNull:
      return "\(place(issue.field)): the row ends before the field, but the column is not nullable"
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
        var rest = CSVField(start: at)
        guard let end = scanPlainField(issue.text + issue.textCount - 1, layout, &rest, &quotedLines, &issue) else {
          return nil
        }
        at = end
      } else {
        return issue.kind == .unterminatedQuote ? layout.limit : nil
      }
      lines += quotedLines
      if at.pointee != layout.delimiter { return endCSVRow(at, layout, &lines, &issue) }
      at += 1
    }
  }

  /// Reads what comes before the first row, if the window has all of it: lines to skip, comments, empty lines, the header.
  private func readPreamble(_ window: ByteWindow) throws(Failure) -> Bool {
    let layout = layout(window, fieldCount: 0)
    while window.count > 0 {
      var lines = 0
      var at = window.first
      if linesToSkip > 0 {
        guard let next = skipLine(at, layout, &lines) else { return false }
        window.advance(next - at, lines: lines)
        linesToSkip -= 1
        continue
      }
      guard isHeaderNext else { return true }
      switch dialect.comment.isEmpty ? false : skipComment(&at, layout, &lines) {
      case nil: return false
      case true?:
        window.advance(at - window.first, lines: lines)
        continue
      case false?: break
      }
      guard let end = rowEnd(at, layout, &lines) else { return false }
      if at.pointee == 10 || at.pointee == 13, layout.isFieldEnd(at) {
        window.advance(end - at, lines: lines)
        continue
      }
      try readHeader(at, end, layout, "\(path):\(window.line)")
      window.advance(end - at, lines: lines)
      isHeaderNext = false
      return true
    }
    return false
  }

  /// Which field goes to which column.
  private func readHeader(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ layout: CSVLayout, _ place: String
  ) throws(Failure) {
    try match(try headerNames(start, end, layout, place), place)
  }

  private func match(_ found: [String], _ place: String) throws(Failure) {
    var targets = [Int32](repeating: -1, count: found.count)
    absent = []
    for (index, field) in schema.fields.enumerated() {
      let places = found.indices.filter { found[$0] == field.name }
      guard let first = places.first else {
        guard dialect.missingIsNull, field.nullable else { throw missing(field, found, place) }
        absent.append(index)
        continue
      }
      guard places.count == 1 else {
        throw Failure(
          .data, "\(place): the header has column '\(field.name)' \(places.count) times; rename all but one")
      }
      targets[first] = Int32(index)
    }
    journal.skips(found.filter { schema.index(of: $0) == nil }, of: path)
    self.targets = targets
    names = found
  }

  private func headerNames(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ layout: CSVLayout, _ place: String
  ) throws(Failure) -> [String] {
    var names: [String] = []
    var at = start
    while true {
      var lines = 0
      var issue = CSVIssue()
      var field = CSVField(start: at)
      guard let next = scanCSVField(at, layout, &field, &lines, &issue) else {
        throw Failure(
          .data, "\(place): the quotes of the header's field \(names.count + 1) are not closed where the field ends")
      }
      if !field.isQuoted, memchr(field.start, 13, field.count) != nil {
        throw Failure(
          .data,
          "\(place): the header's field \(names.count + 1) \(quoted(at, next - at)) holds a carriage return; if those end the lines "
            + "of the file, set the option 'lineEnd' to 'any', else put the name in quotes")
      }
      let count = field.textCount
      scratch.reserve(count)
      field.copy(to: scratch.bytes, layout)
      guard isUTF8(scratch.bytes, count) else {
        throw Failure(
          .data, "\(place): the header's field \(names.count + 1) \(quoted(at, next - at)) is not UTF-8")
      }
      names.append(String(decoding: UnsafeBufferPointer(start: scratch.bytes, count: count), as: UTF8.self))
      if next >= end || next.pointee != layout.delimiter { return names }
      at = next + 1
    }
  }

  private func missing(_ field: Field, _ found: [String], _ place: String) -> Failure {
    let name = field.name
    let hint = nearestName(to: name, among: found).map { "; perhaps '\($0)' is meant" } ?? ""
    var list = found.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
    if found.count > 20 { list += " and \(found.count - 20) more" }
    return Failure(
      .data,
      "\(place): the header has no column '\(name)', it has \(list)\(hint); "
        + "correct the schema or the file, or set the option 'header' to false if the first line is a row")
  }
}
