import CVolley
import VolleyPlan

extension Schema {
  /// Reads the columns of a struct schema that the host lends.
  init(_ schema: UnsafePointer<ArrowSchema>) throws(VolleyError) { self.init(try Self.children(of: schema.pointee)) }

  private static func children(of schema: ArrowSchema) throws(VolleyError) -> [Field] {
    var fields: [Field] = []
    for index in 0..<Int(schema.n_children) {
      guard let child = schema.children?[index] else {
        throw VolleyError("a schema came without its column \(index)", domain: .internal)
      }
      fields.append(try field(of: child.pointee))
    }
    return fields
  }

  private static func field(of schema: ArrowSchema) throws(VolleyError) -> Field {
    let name = schema.name.map { String(cString: $0) } ?? ""
    let format = schema.format.map { String(cString: $0) } ?? ""
    let isSorted = schema.flags & Int64(ARROW_FLAG_MAP_KEYS_SORTED) != 0
    guard var type = DataType(arrowFormat: format, children: try children(of: schema), keysSorted: isSorted) else {
      throw VolleyError("column '\(name)' has the Arrow format '\(format)', which this SDK does not know")
    }
    if let values = schema.dictionary {
      let isOrdered = schema.flags & Int64(ARROW_FLAG_DICTIONARY_ORDERED) != 0
      type = .dictionary(index: type, value: try field(of: values.pointee).type, ordered: isOrdered)
    }
    return Field(name, type, nullable: schema.flags & Int64(ARROW_FLAG_NULLABLE) != 0)
  }
}

extension DataType {
  /// The formats that stand for one type by themselves.
  private static let formats: [String: DataType] = [
    "n": .null, "b": .bool, "c": .int8, "C": .uint8, "s": .int16, "S": .uint16, "i": .int32, "I": .uint32, "l": .int64,
    "L": .uint64, "e": .float16, "f": .float32, "g": .float64, "z": .binary, "Z": .largeBinary, "vz": .binaryView,
    "u": .utf8, "U": .largeUtf8, "vu": .utf8View, "tdD": .date32, "tdm": .date64, "tts": .time32(.second),
    "ttm": .time32(.millisecond), "ttu": .time64(.microsecond), "ttn": .time64(.nanosecond), "tDs": .duration(.second),
    "tDm": .duration(.millisecond), "tDu": .duration(.microsecond), "tDn": .duration(.nanosecond),
    "tiM": .interval(.yearMonth), "tiD": .interval(.dayTime), "tin": .interval(.monthDayNano),
  ]

  /// Nil for a format that this SDK does not know, and for children that do not fit it.
  ///
  /// Source: https://arrow.apache.org/docs/format/CDataInterface.html#data-type-description-format-strings
  init?(arrowFormat format: String, children: [Field], keysSorted: Bool) {
    if let type = Self.formats[format] {
      self = type
      return
    }
    let parts = format.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count == 2 ? parts[1] : nil, children.count) {
    case ("+l", nil, 1): self = .list(children[0])
    case ("+L", nil, 1): self = .largeList(children[0])
    case ("+s", nil, _): self = .struct(children)
    case ("+m", nil, 1):
      guard case .struct(let entry) = children[0].type, entry.count == 2 else { return nil }
      self = .map(key: Field(entry[0].name, entry[0].type, nullable: false), value: entry[1], keysSorted: keysSorted)
    case ("+w", let size?, 1):
      guard let size = Int(size), size >= 0 else { return nil }
      self = .fixedSizeList(children[0], size: size)
    case ("w", let width?, 0):
      guard let width = Int(width), width >= 0 else { return nil }
      self = .fixedSizeBinary(width)
    case ("d", let digits?, 0):
      let numbers = digits.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      guard numbers.count == 2 || numbers.count == 3 && numbers[2] == 128, let precision = numbers[0],
        let scale = numbers[1]
      else { return nil }
      self = .decimal128(precision: precision, scale: scale)
    case (let prefix, let zone?, 0):
      let units: [String: TimeUnit] = ["tss": .second, "tsm": .millisecond, "tsu": .microsecond, "tsn": .nanosecond]
      guard let unit = units[prefix] else { return nil }
      self = .timestamp(unit, timezone: zone.isEmpty ? nil : zone)
    default: return nil
    }
  }
}
