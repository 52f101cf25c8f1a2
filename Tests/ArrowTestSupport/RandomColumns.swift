import Arrow
import TestSupport
import VolleyPlan

/// Columns beside their values as plain Swift, which are what the columns are compared with.
public enum RandomColumns {
  public static let types: [DataType] =
    [
      .bool, .int32, .int64, .float64, .utf8, .timestamp, .timestamp(.nanosecond, timezone: "UTC"),
    ] + WideValues.types

  public static func value(_ type: DataType, _ generator: inout SeededGenerator) -> Literal {
    switch type {
    case .bool: .bool(Bool.random(using: &generator))
    case .int32: .int32(Int32.random(in: .min ... .max, using: &generator))
    case .int64: .int64(Int64.random(in: .min ... .max, using: &generator))
    case .float64: .float64(Double.random(in: -1e9...1e9, using: &generator))
    case .utf8: .utf8(string(&generator))
    case .timestamp(let unit, let zone):
      .timestamp(Int64.random(in: .min ... .max, using: &generator), unit, timezone: zone)
    default: WideValues.value(type, &generator)
    }
  }

  /// Strings around the lengths at which kernels change their ways.
  public static func string(_ generator: inout SeededGenerator) -> String {
    let lengths = [0, 1, 3, 7, 8, 15, 16, 17, 31, 40]
    let length = lengths[Int.random(in: 0..<lengths.count, using: &generator)]
    return String(
      decoding: (0..<length).map { _ in UInt8.random(in: 32...126, using: &generator) }, as: UTF8.self)
  }

  /// - Parameter nulls: one row in this many is null; 0: none.
  public static func values(
    _ type: DataType, _ count: Int, nulls: Int, _ generator: inout SeededGenerator
  ) -> [Literal] {
    (0..<count).map { _ in
      nulls > 0 && Int.random(in: 0..<nulls, using: &generator) == 0 ? .null(type) : value(type, &generator)
    }
  }

  /// A column of these values that starts `offset` rows into its buffers, after other values.
  public static func column(_ type: DataType, _ values: [Literal], offset: Int = 0) -> Column {
    let builder = ColumnBuilder(type)
    var generator = SeededGenerator(seed: UInt64(offset))
    for row in 0..<offset {
      if row % 3 == 1 { builder.appendNull() } else { builder.append(value(type, &generator)) }
    }
    for value in values { builder.append(value) }
    if offset > 0 { builder.append(value(type, &generator)) }
    return builder.finish().slice(offset..<offset + values.count)
  }
}

extension Column {
  /// All values, one by one.
  public var literals: [Literal] { (0..<length).map { literal(at: $0) } }
}
