/// Values as messages show them: texts in quotes, so that 'null' is not null, and of what is long the beginning.
struct ValueText {
  /// Bytes that a value takes at most, about.
  private static let limit = 100

  static func of(_ column: Column, _ row: Int) -> String {
    var writer = ValueText()
    writer.append(column, row)
    return writer.text
  }

  private var text = ""
  private var isFull: Bool { text.utf8.count >= Self.limit }

  private mutating func append(_ column: Column, _ row: Int) {
    guard column.isValid(row) else {
      text += "null"
      return
    }
    switch column.type {
    case .utf8, .largeUtf8, .utf8View: text += quotedText(column.bytes(at: row))
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary: append(bytes: column.bytes(at: row))
    case .list, .largeList, .fixedSizeList:
      let items = column.itemRange(row..<(row + 1))
      text += "["
      appendEach(items.count) { $0.append(column.children[0], items.lowerBound + $1) }
      text += "]"
    case .map:
      let items = column.itemRange(row..<(row + 1))
      let (keys, values) = (column.children[0].field(0), column.children[0].field(1))
      text += "{"
      appendEach(items.count) {
        $0.append(keys, items.lowerBound + $1)
        $0.text += ": "
        $0.append(values, items.lowerBound + $1)
      }
      text += "}"
    case .struct(let fields):
      text += "{"
      appendEach(fields.count) {
        $0.text += fields[$1].name + ": "
        $0.append(column.field($1), row)
      }
      text += "}"
    case .dictionary: append(column.children[0], column.dictionaryIndex(row))
    default: text += column.text(at: row)
    }
  }

  private mutating func append(bytes: UnsafeBufferPointer<UInt8>) {
    let shown = 30
    text += "0x" + bytes.prefix(shown).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    if bytes.count > shown { text += "… (\(bytes.count) bytes)" }
  }

  private mutating func appendEach(_ count: Int, _ append: (inout ValueText, Int) -> Void) {
    for index in 0..<count {
      if index > 0 { text += ", " }
      if isFull {
        text += "…"
        return
      }
      append(&self, index)
    }
  }
}

/// A text for a message: in quotes, of a long one the beginning, and no control characters.
public func quotedText(_ text: UnsafeBufferPointer<UInt8>) -> String {
  let limit = 60
  var end = min(limit, text.count)
  // A character that does not fit is left out as a whole.
  if text.count > limit { while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 } }
  let shown = String(decoding: text.prefix(end), as: UTF8.self)
  let escaped = shown.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : String($0) }.joined()
  return text.count > limit ? "'\(escaped)…' (\(text.count) bytes)" : "'\(escaped)'"
}
