import Calendar
import VolleyPlan

extension Column {
  /// A cell as a person reads it: numbers in decimal, floats in the fewest digits that give them back, timestamps in ISO 8601,
  /// strings as they are (bytes that are no UTF-8 as U+FFFD), and `null` for a null.
  public func text(at index: Int) -> String {
    Self.text(literal(at: index))
  }

  private static func text(_ literal: Literal) -> String {
    switch literal {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .int32(let value): String(value)
    case .int64(let value): String(value)
    case .float64(let value): value.description
    case .utf8(let value): value
    case .timestamp(let value, let unit, let zone):
      ISO8601.text(value, unit: unit, isInstant: zone != nil, omitsZeroFraction: true)
    case .integer(let value, .decimal128(_, let scale)): decimalText(value, scale: scale)
    case .integer(let value, .date32):
      String(
        ISO8601.text(Int64(value) * 86_400, unit: .second, isInstant: false, omitsZeroFraction: true)
          .prefix { $0 != "T" })
    case .integer(let value, _): String(value)
    case .float(let value, .float32): Float(value).description
    case .float(let value, _): value.description
    case .string(let value, _): value
    case .binary(let bytes, _):
      "0x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    case .interval(let months, let days, let nanoseconds, _): "\(months) months \(days) days \(nanoseconds) ns"
    case .nested(let items, let type): nestedText(items, type)
    }
  }
}

extension Column {
  private static func nestedText(_ items: [Literal], _ type: DataType) -> String {
    switch type {
    case .struct(let fields):
      "{" + zip(fields, items).map { "\($0.name): \(text($1))" }.joined(separator: ", ") + "}"
    case .map:
      "{"
        + items.map {
          guard case .nested(let entry, _) = $0, entry.count == 2 else { return text($0) }
          return "\(text(entry[0])): \(text(entry[1]))"
        }.joined(separator: ", ") + "}"
    default: "[" + items.map { text($0) }.joined(separator: ", ") + "]"
    }
  }

  /// An unscaled decimal as a person writes it.
  static func decimalText(_ value: Int128, scale: Int) -> String {
    if scale <= 0 { return String(value) + (value == 0 ? "" : String(repeating: "0", count: -scale)) }
    let digits = String(value.magnitude)
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    return (value < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
  }
}

extension Column: CustomStringConvertible {
  /// Type, length and the first rows.
  public var description: String {
    let shown = 20
    let cells = (0..<min(length, shown)).map { text(at: $0) }
    return "\(type)[\(length)] [\(cells.joined(separator: ", "))\(length > shown ? ", …" : "")]"
  }
}

extension RecordBatch: CustomStringConvertible {
  public var description: String {
    zip(schema.fields, schema.fields.indices.map { compactedColumn($0) })
      .map { "\($0.name): \($1)" }.joined(separator: "\n")
  }
}
