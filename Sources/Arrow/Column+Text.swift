import Calendar
import VolleyPlan

extension Column {
  /// A cell as a person reads it: numbers in decimal, floats in the fewest digits that give them back, timestamps in ISO 8601,
  /// strings as they are (bytes that are no UTF-8 as U+FFFD), and `null` for a null.
  public func text(at index: Int) -> String {
    switch literal(at: index) {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .int32(let value): String(value)
    case .int64(let value): String(value)
    case .float64(let value): value.description
    case .utf8(let value): value
    case .timestamp(let value, let unit, let zone):
      ISO8601.text(value, unit: unit, isInstant: zone != nil, omitsZeroFraction: true)
    }
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
