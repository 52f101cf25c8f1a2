extension DataType: Codable {
  /// The types with parameters.
  private enum Kind: String, CodingKey, CaseIterable {
    case fixedSizeBinary = "fixed_size_binary"
    case time32, time64, timestamp, duration, interval, decimal128, list
    case largeList = "large_list"
    case fixedSizeList = "fixed_size_list"
    case `struct`, map, dictionary
  }

  private struct Width: Codable {
    var width: Int
    enum CodingKeys: String, CodingKey, CaseIterable { case width }
  }
  private struct Unit: Codable {
    var unit: TimeUnit
    enum CodingKeys: String, CodingKey, CaseIterable { case unit }
  }
  private struct Timestamp: Codable {
    var unit: TimeUnit
    var timezone: String?
    enum CodingKeys: String, CodingKey, CaseIterable { case unit, timezone }
  }
  private struct Interval: Codable {
    var unit: IntervalUnit
    enum CodingKeys: String, CodingKey, CaseIterable { case unit }
  }
  private struct Decimal: Codable {
    var precision: Int
    var scale: Int
    enum CodingKeys: String, CodingKey, CaseIterable { case precision, scale }
  }
  private struct List: Codable {
    var item: Field
    enum CodingKeys: String, CodingKey, CaseIterable { case item }
  }
  private struct FixedList: Codable {
    var item: Field
    var size: Int
    enum CodingKeys: String, CodingKey, CaseIterable { case item, size }
  }
  private struct Struct: Codable {
    var fields: [Field]
    enum CodingKeys: String, CodingKey, CaseIterable { case fields }
  }
  private struct Map: Codable {
    var key: Field
    var value: Field
    var keysSorted: Bool
    enum CodingKeys: String, CodingKey, CaseIterable { case key, value, keysSorted }
  }
  private struct Dictionary: Codable {
    var index: DataType
    var value: DataType
    var ordered: Bool
    enum CodingKeys: String, CodingKey, CaseIterable { case index, value, ordered }
  }

  public init(from decoder: any Decoder) throws {
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      self = try Self.named(name, decoder)
    } else {
      self = try Self.withParameters(decoder)
    }
    if let objection = parameterObjection {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: objection))
    }
  }

  private static func named(_ name: String, _ decoder: any Decoder) throws -> DataType {
    if let type = plain.first(where: { $0.name == name })?.type { return type }
    let names = plain.map(\.name) + Kind.allCases.map(\.rawValue)
    throw DecodingError.dataCorrupted(
      .init(
        codingPath: decoder.codingPath,
        debugDescription:
          "unknown type '\(name)'; this version knows \(namesNearestFirst(to: name, among: names, limit: 6))"))
  }

  private static func withParameters(_ decoder: any Decoder) throws -> DataType {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "a type")
    switch kind {
    case .fixedSizeBinary: return .fixedSizeBinary(try container.decode(Width.self, forKey: kind).width)
    case .time32: return .time32(try container.decode(Unit.self, forKey: kind).unit)
    case .time64: return .time64(try container.decode(Unit.self, forKey: kind).unit)
    case .timestamp:
      let value = try container.decode(Timestamp.self, forKey: kind)
      return .timestamp(value.unit, timezone: value.timezone)
    case .duration: return .duration(try container.decode(Unit.self, forKey: kind).unit)
    case .interval: return .interval(try container.decode(Interval.self, forKey: kind).unit)
    case .decimal128:
      let value = try container.decode(Decimal.self, forKey: kind)
      return .decimal128(precision: value.precision, scale: value.scale)
    case .list: return .list(try container.decode(List.self, forKey: kind).item)
    case .largeList: return .largeList(try container.decode(List.self, forKey: kind).item)
    case .fixedSizeList:
      let value = try container.decode(FixedList.self, forKey: kind)
      return .fixedSizeList(value.item, size: value.size)
    case .struct: return .struct(try container.decode(Struct.self, forKey: kind).fields)
    case .map:
      let value = try container.decode(Map.self, forKey: kind)
      return .map(key: value.key, value: value.value, keysSorted: value.keysSorted)
    case .dictionary:
      let value = try container.decode(Dictionary.self, forKey: kind)
      return .dictionary(index: value.index, value: value.value, ordered: value.ordered)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    if let name = Self.plain.first(where: { $0.type == self })?.name {
      var container = encoder.singleValueContainer()
      try container.encode(name)
      return
    }
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .fixedSizeBinary(let width): try container.encode(Width(width: width), forKey: .fixedSizeBinary)
    case .time32(let unit): try container.encode(Unit(unit: unit), forKey: .time32)
    case .time64(let unit): try container.encode(Unit(unit: unit), forKey: .time64)
    case .timestamp(let unit, let zone):
      try container.encode(Timestamp(unit: unit, timezone: zone), forKey: .timestamp)
    case .duration(let unit): try container.encode(Unit(unit: unit), forKey: .duration)
    case .interval(let unit): try container.encode(Interval(unit: unit), forKey: .interval)
    case .decimal128(let precision, let scale):
      try container.encode(Decimal(precision: precision, scale: scale), forKey: .decimal128)
    case .list(let item): try container.encode(List(item: item), forKey: .list)
    case .largeList(let item): try container.encode(List(item: item), forKey: .largeList)
    case .fixedSizeList(let item, let size):
      try container.encode(FixedList(item: item, size: size), forKey: .fixedSizeList)
    case .struct(let fields): try container.encode(Struct(fields: fields), forKey: .struct)
    case .map(let key, let value, let sorted):
      try container.encode(Map(key: key, value: value, keysSorted: sorted), forKey: .map)
    case .dictionary(let index, let value, let ordered):
      try container.encode(Dictionary(index: index, value: value, ordered: ordered), forKey: .dictionary)
    default: preconditionFailure("a type without parameters has a name")
    }
  }
}

extension DataType {
  /// Why no column can be of this type, or nil: what is wrong with its own parameters. Those of the types inside it are
  /// theirs.
  public var parameterObjection: String? {
    switch self {
    case .fixedSizeBinary(let width) where width < 0 || width > Int(Int32.max):
      "\(self): the width is \(width), expected 0 to 2147483647"
    case .time32(let unit) where unit == .microsecond || unit == .nanosecond:
      "\(self): time32 counts s or ms; take time64 for finer units"
    case .time64(let unit) where unit == .second || unit == .millisecond:
      "\(self): time64 counts us or ns; take time32 for coarser units"
    case .decimal128(let precision, _) where precision < 1 || precision > 38:
      "\(self): the precision is \(precision), expected 1 to 38"
    case .decimal128(_, let scale) where scale < -38 || scale > 38:
      "\(self): the scale is \(scale), expected -38 to 38"
    case .fixedSizeList(_, let size) where size < 0 || size > Int(Int32.max):
      "\(self): the size is \(size), expected 0 to 2147483647"
    case .map(let key, _, _) where key.nullable: "\(self): a map's keys are never null; declare them so"
    case .dictionary(let index, _, _) where !index.isInteger:
      "\(self): the indices of a dictionary are integers, found \(index)"
    default: nil
    }
  }

  /// Whether it is one of int8 … uint64.
  public var isInteger: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }
}
