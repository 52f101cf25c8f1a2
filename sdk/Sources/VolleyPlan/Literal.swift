/// A constant. In JSON an object of one key, the type's name.
public enum Literal: Sendable, Hashable {
  case bool(Bool)
  case int32(Int32)
  case int64(Int64)
  /// In JSON a number, or one of the strings "NaN", "Infinity", "-Infinity".
  case float64(Double)
  case utf8(String)
  /// `value` counts `unit`s since the epoch.
  case timestamp(Int64, TimeUnit, timezone: String?)
  /// A null of that type.
  case null(DataType)

  public var type: DataType {
    switch self {
    case .bool: .bool
    case .int32: .int32
    case .int64: .int64
    case .float64: .float64
    case .utf8: .utf8
    case .timestamp(_, let unit, let zone): .timestamp(unit, timezone: zone)
    case .null(let type): type
    }
  }
}

extension Literal: Codable {
  private enum Kind: String, CodingKey, CaseIterable { case bool, int32, int64, float64, utf8, timestamp, null }
  private struct Timestamp: Codable {
    var value: Int64
    var unit: TimeUnit
    var timezone: String?

    enum CodingKeys: String, CodingKey, CaseIterable { case value, unit, timezone }
  }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "a literal")
    switch kind {
    case .bool: self = .bool(try container.decode(Bool.self, forKey: kind))
    case .int32: self = .int32(try container.decode(Int32.self, forKey: kind))
    case .int64: self = .int64(try container.decode(Int64.self, forKey: kind))
    case .float64:
      if let text = try? container.decode(String.self, forKey: kind) {
        switch text {
        case "NaN": self = .float64(.nan)
        case "Infinity": self = .float64(.infinity)
        case "-Infinity": self = .float64(-.infinity)
        default:
          throw DecodingError.dataCorruptedError(
            forKey: kind, in: container, debugDescription: "'\(text)' is not a float64")
        }
      } else {
        self = .float64(try container.decode(Double.self, forKey: kind))
      }
    case .utf8: self = .utf8(try container.decode(String.self, forKey: kind))
    case .timestamp:
      let value = try container.decode(Timestamp.self, forKey: kind)
      self = .timestamp(value.value, value.unit, timezone: value.timezone)
    case .null: self = .null(try container.decode(DataType.self, forKey: kind))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .bool(let value): try container.encode(value, forKey: .bool)
    case .int32(let value): try container.encode(value, forKey: .int32)
    case .int64(let value): try container.encode(value, forKey: .int64)
    case .float64(let value) where value.isNaN: try container.encode("NaN", forKey: .float64)
    case .float64(let value) where value.isInfinite:
      try container.encode(value < 0 ? "-Infinity" : "Infinity", forKey: .float64)
    case .float64(let value): try container.encode(value, forKey: .float64)
    case .utf8(let value): try container.encode(value, forKey: .utf8)
    case .timestamp(let value, let unit, let zone):
      try container.encode(Timestamp(value: value, unit: unit, timezone: zone), forKey: .timestamp)
    case .null(let type): try container.encode(type, forKey: .null)
    }
  }
}
