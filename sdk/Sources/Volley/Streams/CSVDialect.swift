import VolleyPlan

/// How the CSV files of a source differ from RFC 4180, beside header and delimiter.
public struct CSVDialect: Sendable {
  /// Around fields that hold what would end them; nil: no field is quoted. One ASCII character.
  public var quote: Character?
  /// Before a character that stands for itself, in quotes and outside; nil: none. One ASCII character. Two quotes in quotes are
  /// one in any case.
  public var escape: Character?
  /// A line that begins with it is skipped; nil: none.
  public var comment: String?
  /// The texts that stand for null, of fields that are not quoted.
  public var nulls: [String]
  /// Whether they stand for null in quotes too.
  public var quotedNulls: Bool
  /// Whether spaces and tabs around text, and around quotes, do not count. Around other values they never do.
  public var trim: Bool
  /// Whether a carriage return ends a row without a line feed.
  public var endsAtReturn: Bool
  /// Whether an empty line is a row with an empty field; nil: where rows have a single field.
  public var blankRows: Bool?
  /// Whether fields that a row lacks at its end, and columns that a header lacks, are null; else the record, or the file, is
  /// refused.
  public var missingIsNull: Bool
  /// Whether fields beyond the expected ones are skipped; else the record is refused.
  public var ignoresExtra: Bool
  /// Lines before the header, or the first row, that are skipped.
  public var skipRows: Int

  public init(
    quote: Character? = "\"", escape: Character? = nil, comment: String? = nil, nulls: [String] = [""],
    quotedNulls: Bool = false, trim: Bool = false, endsAtReturn: Bool = false, blankRows: Bool? = nil,
    missingIsNull: Bool = false, ignoresExtra: Bool = false, skipRows: Int = 0
  ) {
    self.quote = quote
    self.escape = escape
    self.comment = comment
    self.nulls = nulls
    self.quotedNulls = quotedNulls
    self.trim = trim
    self.endsAtReturn = endsAtReturn
    self.blankRows = blankRows
    self.missingIsNull = missingIsNull
    self.ignoresExtra = ignoresExtra
    self.skipRows = skipRows
  }

  /// RFC 4180, with an empty field for null.
  public static var standard: CSVDialect { CSVDialect() }

  var options: [JSONValue.Member] {
    var options: [JSONValue.Member] = []
    if quote != "\"" { options.append(.init("quote", .string(quote.map { String($0) } ?? ""))) }
    if let escape { options.append(.init("escape", .string(String(escape)))) }
    if let comment { options.append(.init("comment", .string(comment))) }
    if nulls != [""] { options.append(.init("nulls", .array(nulls.map { .string($0) }))) }
    if quotedNulls { options.append(.init("quotedNulls", .bool(true))) }
    if trim { options.append(.init("trim", .bool(true))) }
    if endsAtReturn { options.append(.init("lineEnd", .string("any"))) }
    if let blankRows { options.append(.init("blankLines", .string(blankRows ? "row" : "skip"))) }
    if missingIsNull { options.append(.init("missing", .string("null"))) }
    if ignoresExtra { options.append(.init("extra", .string("ignore"))) }
    if skipRows != 0 { options.append(.init("skipRows", .int(Int64(skipRows)))) }
    return options
  }
}

/// How a sink writes CSV, beside header and delimiter.
public struct CSVStyle: Sendable {
  /// What is put in quotes.
  public enum Quotes: String, Sendable {
    /// Text that holds a delimiter, a quote, an escape or a line end, or that could be taken for null.
    case needed
    /// All text, and no other value.
    case text
    /// Every value but null.
    case all
    /// Nothing: an escape stands before what would end a field, so `escape` must be given.
    case none
  }

  public var quotes: Quotes
  /// One ASCII character.
  public var quote: Character
  /// Before a quote in quotes, before itself, and before what would end a field without quotes; nil: a quote is doubled. One
  /// ASCII character.
  public var escape: Character?
  /// What stands for null.
  public var nullText: String
  /// Whether a carriage return stands before each line feed.
  public var endsWithReturn: Bool

  public init(
    quotes: Quotes = .needed, quote: Character = "\"", escape: Character? = nil, nullText: String = "",
    endsWithReturn: Bool = false
  ) {
    self.quotes = quotes
    self.quote = quote
    self.escape = escape
    self.nullText = nullText
    self.endsWithReturn = endsWithReturn
  }

  /// RFC 4180 with line feeds, and an empty field for null.
  public static var standard: CSVStyle { CSVStyle() }

  var options: [JSONValue.Member] {
    var options: [JSONValue.Member] = []
    if quotes != .needed { options.append(.init("quotes", .string(quotes.rawValue))) }
    if quote != "\"" { options.append(.init("quote", .string(String(quote)))) }
    if let escape { options.append(.init("escape", .string(String(escape)))) }
    if !nullText.isEmpty { options.append(.init("nullText", .string(nullText))) }
    if endsWithReturn { options.append(.init("lineEnd", .string("crlf"))) }
    return options
  }
}
