import Arrow
import VolleyPlan

/// How a state's columns lie in one record: some words of the owner's, then a word of null bits for each 64 columns that may be
/// null, then the columns. Records are multiples of 8 bytes.
///
/// A text of at most 12 bytes lies in its 16 bytes behind its length; a longer one lies in a block whose address is there instead.
struct StateRecord {
  enum Form {
    case bit
    case fixed(Int)
    case bytes(isText: Bool)
  }

  struct Column {
    var field: Field
    var form: Form
    /// Bytes from the start of the record.
    var offset: Int
    /// Its bit in the null words; nil when it may not be null.
    var nullBit: Int?
  }

  let columns: [Column]
  /// Bytes.
  let stride: Int
  /// Bytes from the start of the record to the null words.
  let nullOffset: Int
  /// Whether a column has texts or bytes of varying length.
  let ownsBlocks: Bool

  static let textByteCount = 16
  static let inlineByteCount = 12

  /// Nil when values of the type cannot be kept.
  static func form(_ type: DataType) -> Form? {
    switch type.layout {
    case .bits: .bit
    case .fixed(let width): .fixed(width)
    case .variable32: .bytes(isText: type == .utf8)
    default: nil
    }
  }

  /// - Parameters:
  ///   - fields: of types that have a `form`; planning refuses others.
  ///   - prefix: bytes at the record's start that are the owner's, a multiple of 8.
  init(_ fields: [Field], prefix: Int) {
    nullOffset = prefix
    let nullable = fields.count { $0.nullable }
    var offset = prefix + (nullable + 63) / 64 * 8
    var nullCount = 0
    var columns: [Column] = []
    var ownsBlocks = false
    for field in fields {
      guard let form = Self.form(field.type) else { preconditionFailure("planning refuses a state of \(field.type)") }
      let width: Int
      let alignment: Int
      switch form {
      case .bit: (width, alignment) = (1, 1)
      case .fixed(let bytes): (width, alignment) = (bytes, bytes == 2 || bytes == 4 ? bytes : bytes >= 8 ? 8 : 1)
      case .bytes:
        (width, alignment) = (Self.textByteCount, 8)
        ownsBlocks = true
      }
      offset = (offset + alignment - 1) / alignment * alignment
      columns.append(Column(field: field, form: form, offset: offset, nullBit: field.nullable ? nullCount : nil))
      if field.nullable { nullCount += 1 }
      offset += width
    }
    self.columns = columns
    self.ownsBlocks = ownsBlocks
    stride = (offset + 7) / 8 * 8
  }

  /// Words of 8 bytes.
  var wordCount: Int { stride / 8 }
}
