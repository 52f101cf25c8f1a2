import Arrow
import TestSupport
import VolleyPlan

/// The committed vectors, which another implementation wrote (`Vectors/generate.py`).
enum StateVectors {
  static func lines(_ file: String, test: String = #filePath) throws -> [JSONValue] {
    let folder = test.split(separator: "/").dropLast().joined(separator: "/")
    guard let content = TestProcess.contents(of: "/\(folder)/Vectors/\(file)") else {
      fatalError("no vectors at /\(folder)/Vectors/\(file)")
    }
    return try String(decoding: content, as: UTF8.self).split(separator: "\n").map { try JSONValue.parse(String($0)) }
  }

  static func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.utf8).map { UInt8(String(Unicode.Scalar($0)), radix: 16)! }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  static func type(_ value: JSONValue) throws -> DataType {
    // The map's field is "keysSorted" in the plan's JSON as well.
    try PlanDecoder().decode(DataType.self, from: value)
  }

  static func literal(_ value: JSONValue, _ type: DataType) -> Literal {
    if value == .null { return .null(type) }
    switch (type, value) {
    case (.bool, .bool(let value)): return .bool(value)
    case (.int32, .string(let text)): return .int32(Int32(text)!)
    case (.int64, .string(let text)): return .int64(Int64(text)!)
    case (.timestamp(let unit, let zone), .string(let text)):
      return .timestamp(Int64(text)!, unit, timezone: zone)
    case (.float64, .string(let text)): return .float64(Double(bitPattern: UInt64(text, radix: 16)!))
    case (.float32, .string(let text)):
      return .float(Double(Float(bitPattern: UInt32(text, radix: 16)!)), type)
    case (.float16, .string(let text)):
      return .float(Double(Float16(bitPattern: UInt16(text, radix: 16)!)), type)
    case (.utf8, .string(let text)): return .utf8(text)
    case (.largeUtf8, .string(let text)), (.utf8View, .string(let text)): return .string(text, type)
    case (.binary, .string(let text)), (.largeBinary, .string(let text)), (.binaryView, .string(let text)),
      (.fixedSizeBinary, .string(let text)):
      return .binary(bytes(text), type)
    case (.interval(let unit), .array(let parts)):
      let numbers = parts.map { if case .int(let number) = $0 { number } else { fatalError("no number") } }
      return .interval(
        months: Int32(numbers[0]), days: Int32(numbers[1]),
        nanoseconds: unit == .dayTime ? numbers[2] * 1_000_000 : numbers[2], unit)
    case (.list(let item), .array(let values)), (.largeList(let item), .array(let values)),
      (.fixedSizeList(let item, _), .array(let values)):
      return .nested(values.map { literal($0, item.type) }, type)
    case (.struct(let fields), .array(let values)):
      return .nested(zip(fields, values).map { literal($1, $0.type) }, type)
    case (.map, .array(let values)): return .nested(values.map { literal($0, type.childFields[0].type) }, type)
    case (.dictionary(_, let named, _), _): return literal(value, named)
    case (_, .string(let text)): return .integer(Int128(text)!, type)
    default: fatalError("\(value.text) is no \(type)")
    }
  }

  /// A column of one row, somewhere in its buffers.
  static func column(_ value: JSONValue, _ type: DataType) -> Column {
    let builder = ColumnBuilder(type)
    builder.appendNull()
    if value == .null { builder.appendNull() } else { builder.append(literal(value, type)) }
    builder.appendNull()
    return builder.finish().slice(1..<2)
  }
}
