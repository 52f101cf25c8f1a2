import Base

/// Turns the bytes of a window into rows of a table. One instance a source, called by one thread at a time.
protocol RecordDecoder: AnyObject {
  /// What the format calls itself in messages: "csv".
  static var format: String { get }
  /// Whether a carriage return may end a record without a line feed.
  var endsAtReturn: Bool { get }
  /// The next bytes are the first of a file, or of a part of one.
  func beginFile(_ path: String)
  /// Whether all that comes before a file's first record has been read, a header for example.
  var isInRecords: Bool { get }
  /// The names of the header that was read; nil: there is none.
  var header: [String]? { get }
  /// The next bytes are of a file's records, behind a header of these names.
  func goOnInFile(_ path: String, header: [String]?) throws(Failure)
  /// Members of records that no column took, so far, and the name of the first of them.
  var skippedMembers: (count: Int, first: String) { get }
  /// Decodes complete records from the window's start, until the table has `maxRows` rows or the window has no further
  /// complete record, and moves the window's start behind them.
  ///
  /// - Throws: `data` when the file as a whole cannot be read: a wrong header.
  func decode(_ window: ByteWindow, into table: ColumnTable, maxRows: Int) throws(Failure) -> DecodeOutcome
}

extension RecordDecoder {
  var endsAtReturn: Bool { false }
  var skippedMembers: (count: Int, first: String) { (0, "") }
  var isInRecords: Bool { true }
  var header: [String]? { nil }
  func goOnInFile(_ path: String, header: [String]?) throws(Failure) { beginFile(path) }
}

enum DecodeOutcome {
  /// The window holds no further complete record of the part that is read.
  case needsMore
  /// The batch should go.
  case full
  /// The record at the window's start cannot be decoded; nothing of it is in the table.
  case bad(BadSpan)
}

/// A record that cannot be decoded, at the window's start.
struct BadSpan {
  /// What is wrong: "column 'amount': 'abc' is not a float64".
  var reason: String
  /// Bytes of the record, without its line end.
  var length: Int
  /// Bytes to the next record.
  var advance: Int
  /// Line ends among them.
  var lines: Int
}

/// How a message shows a part of the input: in quotes, at most 64 bytes of it, invalid UTF-8 replaced, and line ends and
/// other controls escaped, so that it stays one line.
func quoted(_ start: UnsafePointer<UInt8>, _ count: Int) -> String {
  let shown = min(max(0, count), 64)
  var text = "'"
  for scalar in String(decoding: UnsafeBufferPointer(start: start, count: shown), as: UTF8.self).unicodeScalars {
    switch scalar {
    case "\n": text += "\\n"
    case "\r": text += "\\r"
    case "\t": text += "\\t"
    case _ where scalar.value < 0x20 || scalar.value == 0x7F: text += "\\u{\(String(scalar.value, radix: 16))}"
    default: text.unicodeScalars.append(scalar)
    }
  }
  return text + (shown < count ? "…'" : "'")
}

/// "an int64", "a float64": a type with its article.
func withArticle(_ type: some CustomStringConvertible) -> String {
  let name = type.description
  return "aeio".contains(name.first ?? "x") ? "an \(name)" : "a \(name)"
}
