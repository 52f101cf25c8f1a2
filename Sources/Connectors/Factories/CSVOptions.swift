import Base
import VolleyPlan

extension ConnectorOptions {
  /// How a CSV source's files are written.
  mutating func csvDialect() throws(Failure) -> CSVDialect {
    var dialect = CSVDialect()
    dialect.hasHeader = try bool("header", default: true)
    try readMarks(&dialect)
    if let comment = try string("comment") {
      guard !comment.isEmpty, !comment.utf8.contains(where: { $0 == 10 || $0 == 13 }) else {
        throw Failure(
          .usage,
          "\(place): option 'comment' is \(comment.isEmpty ? "empty" : "more than a line"), expected what a line begins "
            + "with that is skipped, such as '#'")
      }
      dialect.comment = Array(comment.utf8)
    }
    dialect.nulls = try nullTexts() ?? dialect.nulls
    dialect.hasQuotedNulls = try bool("quotedNulls", default: false)
    dialect.trimsText = try bool("trim", default: false)
    dialect.endsAtReturn = try choice("lineEnd", of: ["lf", "any"]) == "any"
    dialect.hasEmptyRows = try choice("blankLines", of: ["skip", "row"]).map { $0 == "row" }
    dialect.missingIsNull = try choice("missing", of: ["error", "null"]) == "null"
    dialect.ignoresExtra = try choice("extra", of: ["error", "ignore"]) == "ignore"
    dialect.skippedLines = Int(try int("skipRows", in: 0...1_000_000_000) ?? 0)
    return dialect
  }

  /// How a CSV sink writes.
  mutating func csvStyle() throws(Failure) -> CSVStyle {
    var style = CSVStyle()
    style.hasHeader = try bool("header", default: true)
    var dialect = CSVDialect()
    try readMarks(&dialect)
    style.delimiter = dialect.delimiter
    style.escape = dialect.escape
    style.quotes =
      try choice("quotes", of: CSVStyle.Quotes.allCases.map(\.rawValue)).flatMap { .init(rawValue: $0) } ?? .needed
    if let quote = dialect.quote { style.quote = quote } else { style.quotes = .none }
    if style.quotes == .none, style.escape == nil {
      throw Failure(
        .usage,
        "\(place): without quotes the option 'escape' is missing, which text with a delimiter or a line end needs; "
          + "give one such as '\\'")
    }
    style.nullText = Array((try string("nullText") ?? "").utf8)
    style.endsWithReturn = try choice("lineEnd", of: ["lf", "crlf"]) == "crlf"
    return style
  }

  /// The bytes that mean something in a row.
  private mutating func readMarks(_ dialect: inout CSVDialect) throws(Failure) {
    dialect.delimiter = try mark("delimiter") ?? dialect.delimiter
    if let quote = try string("quote") {
      dialect.quote = quote.isEmpty ? nil : try mark("quote")
    }
    if let escape = try string("escape") {
      dialect.escape = escape.isEmpty ? nil : try mark("escape")
      // That a quote is escaped by a quote is always so.
      if dialect.escape == dialect.quote { dialect.escape = nil }
    }
    let marks = [("quote", dialect.quote), ("escape", dialect.escape)]
    for (name, mark) in marks where mark == dialect.delimiter {
      throw Failure(
        .usage, "\(place): the options 'delimiter' and '\(name)' are the same character; change one of them")
    }
  }

  /// One ASCII character.
  private mutating func mark(_ name: String) throws(Failure) -> UInt8? {
    guard let text = try string(name) else { return nil }
    let bytes = Array(text.utf8)
    guard bytes.count == 1, bytes[0] > 0, bytes[0] < 0x80, bytes[0] != 10, bytes[0] != 13 else {
      throw Failure(
        .usage, "\(place): option '\(name)' is '\(text)', expected one ASCII character other than a line end")
    }
    return bytes[0]
  }

  /// The texts that stand for null: a string, or an array of any number.
  private mutating func nullTexts() throws(Failure) -> [[UInt8]]? {
    guard let value = value("nulls") else { return nil }
    let values: [JSONValue] = if case .array(let values) = value { values } else { [value] }
    var texts: [[UInt8]] = []
    for value in values {
      guard case .string(let text) = value else {
        throw wrongType("nulls", value, expected: "the texts that stand for null")
      }
      texts.append(Array(text.utf8))
    }
    return texts
  }
}
