extension Literal: Codable {
  private enum Kind: String, CodingKey, CaseIterable {
    case bool, int32, int64, float64, utf8, timestamp, null, value
  }

  private struct Timestamp: Codable {
    var value: Int64
    var unit: TimeUnit
    var timezone: String?

    enum CodingKeys: String, CodingKey, CaseIterable { case value, unit, timezone }
  }

  /// A value of the types that have no key of their own. Exactly one of the fields beside the type is there.
  private struct Typed: Codable {
    var type: DataType
    /// Decimal digits: JSON numbers end at 64 bits.
    var integer: String?
    var float: FloatValue?
    var text: String?
    /// Two hexadecimal digits a byte.
    var bytes: String?
    /// Months, days, nanoseconds.
    var interval: [Int64]?
    var items: [Literal]?

    enum CodingKeys: String, CodingKey, CaseIterable { case type, integer, float, text, bytes, interval, items }
  }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "a literal")
    switch kind {
    case .bool: self = .bool(try container.decode(Bool.self, forKey: kind))
    case .int32: self = .int32(try container.decode(Int32.self, forKey: kind))
    case .int64: self = .int64(try container.decode(Int64.self, forKey: kind))
    case .float64: self = .float64(try container.decode(FloatValue.self, forKey: kind).value)
    case .utf8: self = .utf8(try container.decode(String.self, forKey: kind))
    case .timestamp:
      let value = try container.decode(Timestamp.self, forKey: kind)
      self = .timestamp(value.value, value.unit, timezone: value.timezone)
    case .null: self = .null(try container.decode(DataType.self, forKey: kind))
    case .value:
      let typed = try container.decode(Typed.self, forKey: kind)
      guard let literal = Self.literal(typed) else {
        throw DecodingError.dataCorruptedError(
          forKey: kind, in: container, debugDescription: "no value of \(typed.type) is given")
      }
      self = literal
    }
  }

  private static func literal(_ typed: Typed) -> Literal? {
    if let integer = typed.integer { return Int128(integer).map { .integer($0, typed.type) } }
    if let float = typed.float { return .float(float.value, typed.type) }
    if let text = typed.text { return .string(text, typed.type) }
    if let bytes = typed.bytes { return Self.bytes(bytes).map { .binary($0, typed.type) } }
    if let items = typed.items { return .nested(items, typed.type) }
    guard let parts = typed.interval, parts.count == 3, case .interval(let unit) = typed.type,
      let months = Int32(exactly: parts[0]), let days = Int32(exactly: parts[1])
    else { return nil }
    return .interval(months: months, days: days, nanoseconds: parts[2], unit)
  }

  private static func bytes(_ digits: String) -> [UInt8]? {
    let digits = Array(digits.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(byte)
    }
    return bytes
  }

  private static func digits(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .bool(let value): try container.encode(value, forKey: .bool)
    case .int32(let value): try container.encode(value, forKey: .int32)
    case .int64(let value): try container.encode(value, forKey: .int64)
    case .float64(let value): try container.encode(FloatValue(value), forKey: .float64)
    case .utf8(let value): try container.encode(value, forKey: .utf8)
    case .timestamp(let value, let unit, let zone):
      try container.encode(Timestamp(value: value, unit: unit, timezone: zone), forKey: .timestamp)
    case .null(let type): try container.encode(type, forKey: .null)
    case .integer(let value, let type):
      try container.encode(Typed(type: type, integer: String(value)), forKey: .value)
    case .float(let value, let type):
      try container.encode(Typed(type: type, float: FloatValue(value)), forKey: .value)
    case .string(let value, let type): try container.encode(Typed(type: type, text: value), forKey: .value)
    case .binary(let value, let type):
      try container.encode(Typed(type: type, bytes: Self.digits(value)), forKey: .value)
    case .interval(let months, let days, let nanoseconds, let unit):
      let parts = [Int64(months), Int64(days), nanoseconds]
      try container.encode(Typed(type: .interval(unit), interval: parts), forKey: .value)
    case .nested(let items, let type): try container.encode(Typed(type: type, items: items), forKey: .value)
    }
  }
}

/// A float in JSON: a number, or one of the strings "NaN", "Infinity", "-Infinity".
private struct FloatValue: Codable {
  var value: Double

  init(_ value: Double) { self.value = value }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let text = try? container.decode(String.self) else {
      value = try container.decode(Double.self)
      return
    }
    switch text {
    case "NaN": value = .nan
    case "Infinity": value = .infinity
    case "-Infinity": value = -.infinity
    default: throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a float64")
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if value.isNaN {
      try container.encode("NaN")
    } else if value.isInfinite {
      try container.encode(value < 0 ? "-Infinity" : "Infinity")
    } else {
      try container.encode(value)
    }
  }
}
