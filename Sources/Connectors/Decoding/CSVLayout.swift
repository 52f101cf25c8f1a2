/// What ends fields and rows, as the decoding loop sees it.
struct CSVLayout {
  let delimiter: UInt8
  /// Fields of a row.
  let fieldCount: Int
  /// Whether the window's end is the input's.
  let isAtEnd: Bool
  /// Behind the window's last byte; a line feed stands there.
  let limit: UnsafePointer<UInt8>

  /// Whether a field ends at `at`: before a delimiter, a line feed, or a carriage return and line feed.
  @inline(__always)
  func isFieldEnd(_ at: UnsafePointer<UInt8>) -> Bool {
    let byte = at.pointee
    return byte == delimiter || byte == 10 || (byte == 13 && at[1] == 10)
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
    case notUTF8
  }

  var kind = Kind.none
  /// The field's number in the row, from 0.
  var field = 0
  /// The field's text, for the message.
  var text = UnsafePointer<UInt8>(bitPattern: 1)!  // Any address that is not null; read only for `textCount` bytes.
  var textCount = 0
}
