/// The unit of a timestamp's integer.
public enum TimeUnit: String, Codable, Sendable, Hashable, CaseIterable {
  case second = "s"
  case millisecond = "ms"
  case microsecond = "us"
  case nanosecond = "ns"
}

/// The type of a column: the logical types of the Arrow columnar format.
///
/// In JSON a type without parameters is its name (`"int64"`), one with parameters an object of one key
/// (`{"timestamp": {"unit": "us"}}`).
public enum DataType: Sendable, Hashable {
  case bool
  case int32
  case int64
  case float64
  case utf8
  /// A point in time: `unit`s since 1970-01-01T00:00:00. With a time zone the integer is UTC and the zone is for display;
  /// without one it is a wall clock's reading.
  case timestamp(TimeUnit, timezone: String? = nil)

  /// Microseconds without a time zone, what event time uses.
  public static var timestamp: DataType { .timestamp(.microsecond) }
}

extension DataType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .bool: "bool"
    case .int32: "int32"
    case .int64: "int64"
    case .float64: "float64"
    case .utf8: "utf8"
    case .timestamp(let unit, nil): "timestamp[\(unit.rawValue)]"
    case .timestamp(let unit, let zone?): "timestamp[\(unit.rawValue), \(zone)]"
    }
  }
}

extension DataType: Codable {
  private enum Parameterised: String, CodingKey, CaseIterable { case timestamp }
  private struct Timestamp: Codable {
    var unit: TimeUnit
    var timezone: String?

    enum CodingKeys: String, CodingKey, CaseIterable { case unit, timezone }
  }

  /// The names of the types without parameters.
  private static let plain: [(String, DataType)] = [
    ("bool", .bool), ("int32", .int32), ("int64", .int64), ("float64", .float64), ("utf8", .utf8),
  ]

  public init(from decoder: any Decoder) throws {
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      guard let type = Self.plain.first(where: { $0.0 == name })?.1 else {
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: decoder.codingPath,
            debugDescription:
              "unknown type '\(name)'; this version knows \(Self.plain.map(\.0).joined(separator: ", ")), timestamp"))
      }
      self = type
      return
    }
    let container = try decoder.container(keyedBy: Parameterised.self)
    let timestamp = try container.decode(Timestamp.self, forKey: .timestamp)
    self = .timestamp(timestamp.unit, timezone: timestamp.timezone)
  }

  public func encode(to encoder: any Encoder) throws {
    if case .timestamp(let unit, let zone) = self {
      var container = encoder.container(keyedBy: Parameterised.self)
      try container.encode(Timestamp(unit: unit, timezone: zone), forKey: .timestamp)
    } else {
      var container = encoder.singleValueContainer()
      try container.encode(description)
    }
  }
}
