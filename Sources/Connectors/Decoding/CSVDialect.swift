/// How a CSV file differs from RFC 4180. All bytes are ASCII.
public struct CSVDialect: Sendable, Hashable {
  /// Between fields.
  public var delimiter = UInt8(ascii: ",")
  /// Around fields that hold what would end them; nil: no field is quoted.
  public var quote: UInt8? = UInt8(ascii: "\"")
  /// Before a byte that stands for itself, in quotes and outside; nil: none. A doubled quote in quotes is a quote in any case.
  public var escape: UInt8?
  /// A line that begins with it is skipped; empty: none.
  public var comment: [UInt8] = []
  /// The texts that stand for null, of a field that is not quoted.
  public var nulls: [[UInt8]] = [[]]
  /// Whether a quoted text can stand for null too.
  public var hasQuotedNulls = false
  /// Whether spaces and tabs around text, and around quotes, do not count. Around other values they never do.
  public var trimsText = false
  /// Whether a carriage return ends a row without a line feed.
  public var endsAtReturn = false
  /// Whether an empty line is a row with an empty field; nil: where rows have a single field.
  public var hasEmptyRows: Bool?
  /// Whether fields that a row lacks at its end, and columns that a header lacks, are null.
  public var missingIsNull = false
  /// Whether fields beyond the expected ones are skipped.
  public var ignoresExtra = false
  /// Whether the first row has the columns' names.
  public var hasHeader = true
  /// Lines before the header or the first row that are skipped, whatever they hold.
  public var skippedLines = 0

  public init() {}
}

/// Texts that stand for null, as the decoding loop sees them: raw memory, which the decoder owns.
final class CSVNullTexts {
  /// Each text's length and then its bytes.
  let bytes: UnsafeMutablePointer<UInt8>
  let count: Int

  init(_ texts: [[UInt8]]) {
    count = texts.count
    bytes = .allocate(capacity: texts.reduce(1) { $0 + 4 + $1.count })
    var at = bytes
    for text in texts {
      UnsafeMutableRawPointer(at).storeBytes(of: UInt32(text.count), as: UInt32.self)
      (at + 4).update(from: text, count: text.count)
      at += 4 + text.count
    }
  }

  deinit { bytes.deallocate() }
}
