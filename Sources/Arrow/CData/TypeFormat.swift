import VolleyPlan

/// The format strings of the C data interface.
/// Source: https://arrow.apache.org/docs/format/CDataInterface.html#data-type-description-format-strings
enum TypeFormat {
  /// A struct, which is what a batch is.
  static let structure = "+s"

  static func format(_ type: DataType) -> String {
    switch type {
    case .bool: "b"
    case .int32: "i"
    case .int64: "l"
    case .float64: "g"
    case .utf8: "u"
    case .timestamp(let unit, let zone): "ts\(letter(unit)):\(zone ?? "")"
    }
  }

  /// nil when this version does not know the format.
  static func type(_ format: String) -> DataType? {
    switch format {
    case "b": return .bool
    case "i": return .int32
    case "l": return .int64
    case "g": return .float64
    case "u": return .utf8
    default:
      let letters = Array(format.utf8.prefix(4))
      guard letters.count == 4, format.hasPrefix("ts"), letters[3] == UInt8(ascii: ":"),
        let unit = TimeUnit.allCases.first(where: { letter($0).utf8.first == letters[2] })
      else { return nil }
      let zone = String(format.dropFirst(4))
      return .timestamp(unit, timezone: zone.isEmpty ? nil : zone)
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
