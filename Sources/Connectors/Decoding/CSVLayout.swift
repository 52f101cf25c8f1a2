import Glibc

/// What ends fields and rows, as the decoding loop sees it: no references, so that handing it on counts none.
struct CSVLayout {
  let delimiter: UInt8
  /// -1: none.
  let quote: Int32
  /// -1: none.
  let escape: Int32
  /// Fields of a row.
  let fieldCount: Int
  /// Whether the window's end is the input's.
  let isAtEnd: Bool
  /// Behind the window's last byte; a line feed stands there.
  let limit: UnsafePointer<UInt8>
  /// Whether numbers may be decoded while they are scanned: no number stands for null or holds a delimiter.
  let hasPlainNumbers: Bool
  /// Whether text may be copied while its end is looked for: nothing in it is to be replaced, trimmed or compared.
  let hasPlainText: Bool
  let endsAtReturn: Bool
  let trimsText: Bool
  let missingIsNull: Bool
  let ignoresExtra: Bool
  let emptyIsNull: Bool
  let hasQuotedNulls: Bool
  private let nullTexts: UnsafePointer<UInt8>
  private let nullTextCount: Int

  init(
    _ dialect: CSVDialect, _ nulls: CSVNullTexts, fieldCount: Int, isAtEnd: Bool, limit: UnsafePointer<UInt8>
  ) {
    delimiter = dialect.delimiter
    quote = dialect.quote.map { Int32($0) } ?? -1
    escape = dialect.escape.map { Int32($0) } ?? -1
    self.fieldCount = fieldCount
    self.isAtEnd = isAtEnd
    self.limit = limit
    let hasOnlyEmptyNulls = dialect.nulls.allSatisfy(\.isEmpty)
    hasPlainText =
      dialect.escape == nil && !dialect.trimsText && !dialect.endsAtReturn && hasOnlyEmptyNulls
    hasPlainNumbers =
      !Self.isNumeric(dialect.delimiter) && dialect.escape.map(Self.isNumeric) != true
      && dialect.quote.map(Self.isNumeric) != true
      && !dialect.nulls.contains { $0.first.map(Self.isNumeric) ?? false }
    endsAtReturn = dialect.endsAtReturn
    trimsText = dialect.trimsText
    missingIsNull = dialect.missingIsNull
    ignoresExtra = dialect.ignoresExtra
    emptyIsNull = dialect.nulls.contains([])
    hasQuotedNulls = dialect.hasQuotedNulls
    nullTexts = UnsafePointer(nulls.bytes)
    nullTextCount = nulls.count
  }

  /// Whether a number may hold the byte.
  private static func isNumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): true
    default: false
    }
  }

  /// Whether a field ends at `at`: before a delimiter, a line feed, or a carriage return and line feed.
  ///
  /// Inlined: it is asked for each byte of a plain field.
  @inline(__always)
  func isFieldEnd(_ at: UnsafePointer<UInt8>) -> Bool {
    let byte = at.pointee
    return byte == delimiter || byte == 10 || (byte == 13 && (at[1] == 10 || endsAtReturn))
  }

  /// Whether a quote stands there.
  @inline(__always)
  func isQuote(_ at: UnsafePointer<UInt8>) -> Bool { Int32(at.pointee) == quote }

  /// Whether a text stands for null.
  func isNull(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    var at = nullTexts
    for _ in 0..<nullTextCount {
      let length = Int(UnsafeRawPointer(at).loadUnaligned(as: UInt32.self))
      if length == count, memcmp(at + 4, text, count) == 0 { return true }
      at += 4 + length
    }
    return false
  }
}

/// Why a row could not be decoded.
struct CSVIssue {
  enum Kind {
    case none
    /// The window ends within the row.
    case incomplete
    case tooLong
    /// The input ends within a quoted field.
    case unterminatedQuote
    case textAfterQuote
    /// Fields found, and then the line ended.
    case tooFewFields
    case tooManyFields
    case malformed
    case outOfRange
    case emptyNotNull
    case nullNotNull
    case missingNotNull
    case notUTF8
  }

  var kind = Kind.none
  /// The field's number in the row, from 0.
  var field = 0
  /// The field's text, for the message.
  var text = UnsafePointer<UInt8>(bitPattern: 1)!  // Any address that is not null; read only for `textCount` bytes.
  var textCount = 0
}
