extension JSONValue {
  /// The document without spaces. A double that is not finite is written as null: JSON has no word for it.
  public var text: String {
    var writer = JSONWriter(indented: false)
    writer.write(self)
    return writer.text
  }

  /// The document on several lines, indented by two spaces.
  public var prettyText: String {
    var writer = JSONWriter(indented: true)
    writer.write(self)
    return writer.text
  }
}

struct JSONWriter {
  private var bytes: [UInt8] = []
  private let indented: Bool
  private var depth = 0

  init(indented: Bool) { self.indented = indented }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: put("null")
    case .bool(let value): put(value ? "true" : "false")
    case .int(let value): put("\(value)")
    case .double(let value): put(value.isFinite ? "\(value)" : "null")
    case .string(let value): string(value)
    case .array(let elements): list("[", "]", elements) { writer, element in writer.write(element) }
    case .object(let members):
      list("{", "}", members) { writer, member in
        writer.string(member.name)
        writer.put(writer.indented ? ": " : ":")
        writer.write(member.value)
      }
    }
  }

  private mutating func list<Element>(
    _ open: String, _ close: String, _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void
  ) {
    put(open)
    depth += 1
    for (index, element) in elements.enumerated() {
      if index > 0 { put(",") }
      newLine()
      write(&self, element)
    }
    depth -= 1
    if !elements.isEmpty { newLine() }
    put(close)
  }

  private mutating func newLine() {
    guard indented else { return }
    bytes.append(0x0A)
    bytes += repeatElement(0x20, count: 2 * depth)
  }

  private mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): put("\\\"")
      case UInt8(ascii: "\\"): put("\\\\")
      case 0x0A: put("\\n")
      case 0x0D: put("\\r")
      case 0x09: put("\\t")
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        put(digits.utf8.count == 1 ? "\\u000\(digits)" : "\\u00\(digits)")
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func put(_ text: String) { bytes += text.utf8 }
}
