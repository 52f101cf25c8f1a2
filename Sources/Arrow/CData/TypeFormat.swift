import VolleyPlan

/// The format strings of the C data interface.
/// Source: https://arrow.apache.org/docs/format/CDataInterface.html#data-type-description-format-strings
enum TypeFormat {
  /// A struct, which is also what a batch is.
  static let structure = "+s"

  /// The formats that stand for one type by themselves.
  private static let plain: [(String, DataType)] = [
    ("n", .null), ("b", .bool), ("c", .int8), ("C", .uint8), ("s", .int16), ("S", .uint16), ("i", .int32),
    ("I", .uint32), ("l", .int64), ("L", .uint64), ("e", .float16), ("f", .float32), ("g", .float64), ("z", .binary),
    ("Z", .largeBinary), ("vz", .binaryView), ("u", .utf8), ("U", .largeUtf8), ("vu", .utf8View), ("tdD", .date32),
    ("tdm", .date64), ("tts", .time32(.second)), ("ttm", .time32(.millisecond)), ("ttu", .time64(.microsecond)),
    ("ttn", .time64(.nanosecond)), ("tDs", .duration(.second)), ("tDm", .duration(.millisecond)),
    ("tDu", .duration(.microsecond)), ("tDn", .duration(.nanosecond)), ("tiM", .interval(.yearMonth)),
    ("tiD", .interval(.dayTime)), ("tin", .interval(.monthDayNano)),
  ]

  static func format(_ type: DataType) -> String {
    switch type {
    case .timestamp(let unit, let zone): "ts\(letter(unit)):\(zone ?? "")"
    case .fixedSizeBinary(let width): "w:\(width)"
    case .decimal128(let precision, let scale): "d:\(precision),\(scale)"
    case .list: "+l"
    case .largeList: "+L"
    case .fixedSizeList(_, let size): "+w:\(size)"
    case .struct: structure
    case .map: "+m"
    case .dictionary(let index, _, _): format(index)
    default: plain.first { $0.1 == type }?.0 ?? ""
    }
  }

  /// nil when this version does not know the format, or the children do not fit it.
  ///
  /// - Parameter keysSorted: the flag of a map.
  static func type(_ format: String, children: [Field], keysSorted: Bool) -> DataType? {
    guard let type = unchecked(format, children, keysSorted), type.parameterObjection == nil,
      type.childFields.count == children.count
    else { return nil }
    return type
  }

  private static func unchecked(_ format: String, _ children: [Field], _ keysSorted: Bool) -> DataType? {
    if let type = plain.first(where: { $0.0 == format })?.1 { return type }
    switch format {
    case "+l": return children.first.map { .list($0) }
    case "+L": return children.first.map { .largeList($0) }
    case "+s": return .struct(children)
    case "+m":
      guard children.count == 1, case .struct(let entry) = children[0].type, entry.count == 2 else { return nil }
      // Some makers flag the keys as nullable; they never hold a null.
      return .map(key: Field(entry[0].name, entry[0].type, nullable: false), value: entry[1], keysSorted: keysSorted)
    default: break
    }
    let parts = format.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { return nil }
    switch parts[0] {
    case "w": return Int(parts[1]).map { .fixedSizeBinary($0) }
    case "+w":
      guard let size = Int(parts[1]), let item = children.first else { return nil }
      return .fixedSizeList(item, size: size)
    case "d":
      let numbers = parts[1].split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      guard numbers.count == 2 || numbers.count == 3 && numbers[2] == 128, let precision = numbers[0],
        let scale = numbers[1]
      else { return nil }
      return .decimal128(precision: precision, scale: scale)
    default:
      guard let unit = TimeUnit.allCases.first(where: { "ts\(letter($0))" == parts[0] }) else { return nil }
      return .timestamp(unit, timezone: parts[1].isEmpty ? nil : parts[1])
    }
  }

  private static func letter(_ unit: TimeUnit) -> String {
    switch unit {
    case .second: "s"
    case .millisecond: "m"
    case .microsecond: "u"
    case .nanosecond: "n"
    }
  }
}
