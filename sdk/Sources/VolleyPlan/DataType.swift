/// The unit of a time's integer.
public enum TimeUnit: String, Codable, Sendable, Hashable, CaseIterable {
  case second = "s"
  case millisecond = "ms"
  case microsecond = "us"
  case nanosecond = "ns"
}

/// What a calendar interval counts.
public enum IntervalUnit: String, Codable, Sendable, Hashable, CaseIterable {
  /// Months, as Int32.
  case yearMonth = "year_month"
  /// Days and milliseconds, each as Int32.
  case dayTime = "day_time"
  /// Months and days as Int32, then nanoseconds as Int64.
  case monthDayNano = "month_day_nano"
}

/// The type of a column: the logical types of the Arrow columnar format.
/// Source: https://github.com/apache/arrow/blob/main/format/Schema.fbs
///
/// In JSON a type without parameters is its name (`"int64"`), one with parameters an object of one key
/// (`{"timestamp": {"unit": "us"}}`).
public indirect enum DataType: Sendable, Hashable {
  /// Nothing but nulls.
  case null
  case bool
  case int8
  case int16
  case int32
  case int64
  case uint8
  case uint16
  case uint32
  case uint64
  case float16
  case float32
  case float64
  /// Text with 32-bit offsets: less than 2 GiB a column.
  case utf8
  /// Text with 64-bit offsets.
  case largeUtf8
  /// Text in views of 16 bytes, short ones inline.
  case utf8View
  /// Bytes with 32-bit offsets: less than 2 GiB a column.
  case binary
  /// Bytes with 64-bit offsets.
  case largeBinary
  /// Bytes in views of 16 bytes, short ones inline.
  case binaryView
  /// That many bytes a value, at least 0.
  case fixedSizeBinary(Int)
  /// Days since 1970-01-01, as Int32.
  case date32
  /// Milliseconds since 1970-01-01, as Int64; a multiple of a day.
  case date64
  /// Seconds or milliseconds since midnight, as Int32.
  case time32(TimeUnit)
  /// Microseconds or nanoseconds since midnight, as Int64.
  case time64(TimeUnit)
  /// A point in time: `unit`s since 1970-01-01T00:00:00. With a time zone the integer is UTC and the zone is for display;
  /// without one it is a wall clock's reading.
  case timestamp(TimeUnit, timezone: String? = nil)
  /// A length of time in `unit`s, as Int64.
  case duration(TimeUnit)
  case interval(IntervalUnit)
  /// An integer of at most `precision` (1...38) digits, divided by 10 to the power of `scale`, as Int128.
  case decimal128(precision: Int, scale: Int)
  /// With 32-bit offsets into the items.
  case list(Field)
  /// With 64-bit offsets into the items.
  case largeList(Field)
  /// That many items a value, at least 0.
  case fixedSizeList(Field, size: Int)
  case `struct`([Field])
  /// Entries of a key, which is never null, and a value.
  case map(key: Field, value: Field, keysSorted: Bool)
  /// Values of which each row names one by an integer.
  case dictionary(index: DataType, value: DataType, ordered: Bool)

  /// Microseconds without a time zone, what event time uses.
  public static var timestamp: DataType { .timestamp(.microsecond) }

  /// A list of items that may be null, whose field bears the customary name.
  public static func list(of item: DataType) -> DataType { .list(Field("item", item)) }

  /// A map of these types; values may be null.
  public static func map(_ key: DataType, to value: DataType) -> DataType {
    .map(key: Field("key", key, nullable: false), value: Field("value", value), keysSorted: false)
  }

  /// A dictionary with 32-bit indices.
  public static func dictionary(of value: DataType) -> DataType {
    .dictionary(index: .int32, value: value, ordered: false)
  }
}

extension DataType {
  /// The types without parameters, by the names that they bear in plans and messages.
  static let plain: [(name: String, type: DataType)] = [
    ("null", .null), ("bool", .bool), ("int8", .int8), ("int16", .int16), ("int32", .int32), ("int64", .int64),
    ("uint8", .uint8), ("uint16", .uint16), ("uint32", .uint32), ("uint64", .uint64), ("float16", .float16),
    ("float32", .float32), ("float64", .float64), ("utf8", .utf8), ("large_utf8", .largeUtf8),
    ("utf8_view", .utf8View), ("binary", .binary), ("large_binary", .largeBinary), ("binary_view", .binaryView),
    ("date32", .date32), ("date64", .date64),
  ]
}

extension DataType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .fixedSizeBinary(let width): "fixed_size_binary[\(width)]"
    case .time32(let unit): "time32[\(unit.rawValue)]"
    case .time64(let unit): "time64[\(unit.rawValue)]"
    case .timestamp(let unit, nil): "timestamp[\(unit.rawValue)]"
    case .timestamp(let unit, let zone?): "timestamp[\(unit.rawValue), \(zone)]"
    case .duration(let unit): "duration[\(unit.rawValue)]"
    case .interval(let unit): "interval[\(unit.rawValue)]"
    case .decimal128(let precision, let scale): "decimal128(\(precision), \(scale))"
    case .list(let item): "list<\(item)>"
    case .largeList(let item): "large_list<\(item)>"
    case .fixedSizeList(let item, let size): "fixed_size_list<\(item)>[\(size)]"
    case .struct(let fields): "struct<\(fields.map(\.description).joined(separator: ", "))>"
    case .map(let key, let value, let sorted): "map<\(key.type), \(value.type)\(sorted ? ", keys sorted" : "")>"
    case .dictionary(let index, let value, let ordered):
      "dictionary<\(index), \(value)\(ordered ? ", ordered" : "")>"
    default: Self.plain.first { $0.type == self }?.name ?? "unknown"
    }
  }
}
