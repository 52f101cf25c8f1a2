import Arrow
import TestSupport
import VolleyPlan

/// Values of the types beyond the first six.
public enum WideValues {
  public static let types: [DataType] =
    [
      .null, .int8, .int16, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .largeUtf8, .utf8View, .binary,
      .largeBinary, .binaryView, .fixedSizeBinary(3), .fixedSizeBinary(16), .date32, .date64, .time32(.second),
      .time32(.millisecond), .time64(.microsecond), .time64(.nanosecond), .duration(.second), .duration(.nanosecond),
      .interval(.yearMonth), .interval(.dayTime), .interval(.monthDayNano), .decimal128(precision: 38, scale: 4),
    ] + nested

  public static let nested: [DataType] = [
    .list(of: .int32), .list(of: .utf8), .largeList(Field("item", .float64)),
    .fixedSizeList(Field("item", .int16), size: 3), .struct([Field("a", .int64), Field("b", .utf8)]),
    .map(.utf8, to: .int32), .dictionary(of: .utf8), .dictionary(index: .uint8, value: .int64, ordered: false),
    .list(of: .struct([Field("x", .bool), Field("y", .list(of: .date32))])), .list(of: .list(of: .utf8View)),
  ]

  public static func value(_ type: DataType, _ generator: inout SeededGenerator) -> Literal {
    func integer<Value: FixedWidthInteger>(_: Value.Type) -> Literal {
      .integer(Int128(Value.random(in: .min ... .max, using: &generator)), type)
    }
    switch type {
    case .null: return .null(.null)
    case .int8: return integer(Int8.self)
    case .int16: return integer(Int16.self)
    case .uint8: return integer(UInt8.self)
    case .uint16: return integer(UInt16.self)
    case .uint32: return integer(UInt32.self)
    case .uint64: return integer(UInt64.self)
    case .float16: return .float(Double(Float16(Float.random(in: -60000...60000, using: &generator))), type)
    case .float32: return .float(Double(Float.random(in: -1e9...1e9, using: &generator)), type)
    case .date32: return .integer(Int128(Int32.random(in: -100_000...100_000, using: &generator)), type)
    case .date64: return .integer(Int128(Int64.random(in: -100_000...100_000, using: &generator) * 86_400_000), type)
    case .time32(let unit):
      return .integer(Int128(Int32.random(in: 0..<(unit == .second ? 86_400 : 86_400_000), using: &generator)), type)
    case .time64(let unit):
      let bound: Int64 = unit == .microsecond ? 86_400_000_000 : 86_400_000_000_000
      return .integer(Int128(Int64.random(in: 0..<bound, using: &generator)), type)
    case .duration: return integer(Int64.self)
    case .decimal128:
      let bound: Int128 = 99_999_999_999_999_999_999_999_999_999_999_999_999
      return .integer(Int128.random(in: -bound...bound, using: &generator), type)
    case .interval(let unit):
      let months = Int32.random(in: -1000...1000, using: &generator)
      let days = Int32.random(in: -1000...1000, using: &generator)
      let milliseconds = Int64(Int32.random(in: .min ... .max, using: &generator))
      return .interval(
        months: unit == .dayTime ? 0 : months, days: unit == .yearMonth ? 0 : days,
        nanoseconds: unit == .yearMonth ? 0 : milliseconds * 1_000_000, unit)
    case .utf8: return .utf8(RandomColumns.string(&generator))
    case .largeUtf8, .utf8View: return .string(RandomColumns.string(&generator), type)
    case .binary, .largeBinary, .binaryView: return .binary(Array(RandomColumns.string(&generator).utf8), type)
    case .fixedSizeBinary(let width):
      return .binary((0..<width).map { _ in UInt8.random(in: .min ... .max, using: &generator) }, type)
    case .list(let item), .largeList(let item):
      return .nested(items(item, Int.random(in: 0...4, using: &generator), &generator), type)
    case .fixedSizeList(let item, let size): return .nested(items(item, size, &generator), type)
    case .struct(let fields): return .nested(fields.map { items($0, 1, &generator)[0] }, type)
    case .map(let key, let value, _):
      // Keys of one map differ, whatever they are.
      var known: Set<Literal> = []
      var entries: [Literal] = []
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        let key = RandomColumns.value(key.type, &generator)
        guard known.insert(key).inserted else { continue }
        entries.append(.nested([key, items(value, 1, &generator)[0]], type.childFields[0].type))
      }
      return .nested(entries, type)
    case .dictionary(_, let value, _):
      // Few enough for every index type.
      var few = SeededGenerator(seed: UInt64(Int.random(in: 0..<20, using: &generator)))
      return RandomColumns.value(value, &few)
    default: return RandomColumns.value(type, &generator)
    }
  }

  private static func items(_ field: Field, _ count: Int, _ generator: inout SeededGenerator) -> [Literal] {
    (0..<count).map { _ in
      field.nullable && Int.random(in: 0..<5, using: &generator) == 0
        ? .null(field.type) : RandomColumns.value(field.type, &generator)
    }
  }
}
