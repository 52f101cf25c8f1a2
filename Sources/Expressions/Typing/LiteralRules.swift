import Base
import VolleyPlan

/// Whether a plan's constant is a value of the type that it says. A plugin writes plans, so nothing holds by itself.
enum LiteralRules {
  /// Why not; nil when it is.
  static func objection(to literal: Literal) -> String? { objection(to: literal, in: literal.type) }

  /// - Parameter type: what stands there for the literal's own type: the values' of a dictionary.
  private static func objection(to literal: Literal, in type: DataType) -> String? {
    if case .null = literal { return nil }
    if case .dictionary(_, let value, _) = type { return objection(to: literal, in: value) }
    switch literal {
    case .null, .bool, .int32, .int64, .float64, .utf8, .timestamp: return nil
    case .integer(let value, _):
      guard let bounds = bounds(type) else { return "a value of \(type) is not one integer" }
      return bounds.contains(value) ? nil : "\(value) is no value of \(type)"
    case .float:
      return type == .float16 || type == .float32 ? nil : "a value of \(type) is not given as a float"
    case .string:
      return [.utf8, .largeUtf8, .utf8View].contains(type) ? nil : "a value of \(type) is not a text"
    case .binary(let bytes, _):
      if case .fixedSizeBinary(let width) = type {
        return bytes.count == width ? nil : "\(bytes.count) bytes are no value of \(type)"
      }
      return [.binary, .largeBinary, .binaryView].contains(type) ? nil : "a value of \(type) is not bytes"
    case .interval(let months, let days, let nanoseconds, let unit):
      switch unit {
      case .monthDayNano: return nil
      case .yearMonth: return days == 0 && nanoseconds == 0 ? nil : "a value of \(type) has months only"
      case .dayTime:
        let fits = Int32(exactly: nanoseconds / 1_000_000) != nil && nanoseconds % 1_000_000 == 0
        return months == 0 && fits ? nil : "a value of \(type) has days and 32 bits of whole milliseconds only"
      }
    case .nested(let items, _): return objection(to: items, in: type)
    }
  }

  private static func objection(to items: [Literal], in type: DataType) -> String? {
    let types: [DataType]
    switch type {
    case .list(let item), .largeList(let item): types = Array(repeating: item.type, count: items.count)
    case .fixedSizeList(let item, let size):
      guard items.count == size else { return "\(items.count) items are no value of \(type)" }
      types = Array(repeating: item.type, count: size)
    case .struct(let fields):
      guard items.count == fields.count else { return "\(items.count) fields are no value of \(type)" }
      types = fields.map(\.type)
    case .map(let key, let value, _):
      for item in items {
        guard case .nested(let entry, _) = item, entry.count == 2 else {
          return "an entry of \(type) is a key and a value"
        }
        if case .null = entry[0] { return "a key of \(type) is null" }
        if let objection = objection(to: entry, of: [key.type, value.type], in: type) { return objection }
      }
      return nil
    default: return "a value of \(type) has no items"
    }
    return objection(to: items, of: types, in: type)
  }

  private static func objection(to items: [Literal], of types: [DataType], in type: DataType) -> String? {
    for (item, expected) in zip(items, types) {
      if case .null = item { continue }
      var plain = expected
      if case .dictionary(_, let value, _) = expected { plain = value }
      guard item.type == expected || item.type == plain else {
        return "a \(item.type) stands in \(type) where a \(expected) is expected"
      }
      if let objection = objection(to: item, in: plain) { return objection }
    }
    return nil
  }

  /// The integers that are values; nil for a type whose values are not one integer.
  private static func bounds(_ type: DataType) -> ClosedRange<Int128>? {
    func of<Value: FixedWidthInteger>(_: Value.Type) -> ClosedRange<Int128> { Int128(Value.min)...Int128(Value.max) }
    switch type {
    case .int8: return of(Int8.self)
    case .int16: return of(Int16.self)
    case .int32, .date32, .time32, .interval(.yearMonth): return of(Int32.self)
    case .int64, .date64, .time64, .timestamp, .duration: return of(Int64.self)
    case .uint8: return of(UInt8.self)
    case .uint16: return of(UInt16.self)
    case .uint32: return of(UInt32.self)
    case .uint64: return of(UInt64.self)
    case .decimal128(let precision, _):
      guard (1...38).contains(precision) else { return nil }
      let bound = (0..<precision).reduce(Int128(1)) { power, _ in power * 10 } - 1
      return -bound...bound
    default: return nil
    }
  }
}
