import Arrow
import ArrowTestSupport
import TestSupport
import VolleyPlan

/// Keys to draw from: rows of random values, and which of them are the same key.
struct KeyPool {
  let types: [DataType]
  /// A key a row: one value a column.
  let rows: [[Literal]]
  /// Per row the first row that is the same key: every NaN is one key, and -0.0 is 0.0.
  let identities: [Int]

  /// Types that rows can be keyed by, and one of each layout.
  static let oneColumnTypes: [DataType] = [
    .bool, .int8, .uint16, .int32, .int64, .uint64, .float16, .float32, .float64, .timestamp, .date32, .utf8,
    .largeUtf8,
    .utf8View, .binary, .binaryView, .fixedSizeBinary(3), .decimal128(precision: 38, scale: 4), .dictionary(of: .utf8),
    .dictionary(index: .uint16, value: .int64, ordered: false), .null,
  ]

  init(_ types: [DataType], count: Int, _ generator: inout SeededGenerator) {
    self.types = types
    var rows: [[Literal]] = []
    for _ in 0..<count { rows.append(types.map { Self.value($0, &generator) }) }
    self.rows = rows
    var known: [[Literal]: Int] = [:]
    identities = rows.enumerated().map { index, row in
      let key = row.map(Self.key)
      let identity = known[key] ?? index
      known[key] = identity
      return identity
    }
  }

  private static func value(_ type: DataType, _ generator: inout SeededGenerator) -> Literal {
    if Int.random(in: 0..<25, using: &generator) == 0 { return .null(type) }
    let special = Int.random(in: 0..<12, using: &generator)
    switch (type, special) {
    case (.float64, 0): return .float64(.nan)
    case (.float64, 1): return .float64(-0.0)
    case (.float64, 2): return .float64(0)
    case (.float32, 0), (.float16, 0): return .float(.nan, type)
    case (.float32, 1), (.float16, 1): return .float(-0.0, type)
    case (.float32, 2), (.float16, 2): return .float(0, type)
    // Long texts that begin alike.
    case (.utf8, 0...3): return .utf8("a common beginning \(Int.random(in: 0..<300, using: &generator))\u{0}")
    case (.dictionary(_, let value, _), _): return RandomColumns.value(value, &generator)
    default: return RandomColumns.value(type, &generator)
    }
  }

  /// A value as what equals itself just when the keys do.
  static func key(_ value: Literal) -> Literal {
    switch value {
    case .float64(let number): number.isNaN ? .utf8("NaN") : .float64(number == 0 ? 0 : number)
    case .float(let number, let type): number.isNaN ? .utf8("NaN") : .float(number == 0 ? 0 : number, type)
    case .null: .null(.null)
    default: value
    }
  }

  /// The key columns of these rows of the pool, which begin `padding` rows into their buffers.
  func columns(_ picks: [Int], padding: Int) -> [Column] {
    types.indices.map { column in
      RandomColumns.column(types[column], picks.map { rows[$0][column] }, offset: padding)
    }
  }
}
