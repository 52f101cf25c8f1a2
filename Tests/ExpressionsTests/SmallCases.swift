import VolleyPlan

/// Values where things go wrong, and some between, of each type.
enum SmallCases {
  static let types: [DataType] = [.bool, .int32, .int64, .float64, .utf8, .timestamp]

  static func values(_ type: DataType) -> [Literal] {
    switch type {
    case .bool: [.bool(false), .bool(true)]
    case .int32: [Int32.min, .min + 1, -46_341, -7, -1, 0, 1, 2, 7, 46_341, .max].map { .int32($0) }
    case .int64: [Int64.min, .min + 1, -3_037_000_500, -7, -1, 0, 1, 2, 7, 3_037_000_500, .max].map { .int64($0) }
    case .float64:
      [-Double.infinity, -1e308, -2.5, -0.0, 0.0, .leastNonzeroMagnitude, 1, 2.5, 1e308, .infinity, .nan].map {
        .float64($0)
      }
    case .utf8: ["", "\0", "a", "a\0", "ab", "b", "é", "a longer text than sixteen bytes", "zz"].map { .utf8($0) }
    case .timestamp(let unit, let zone):
      [Int64.min, -1, 0, 1, 1_700_000_000_000_000, .max].map { .timestamp($0, unit, timezone: zone) }
    default: preconditionFailure("no small cases of \(type) are kept here")
    }
  }

  static let comparisons = [
    "equal", "not_equal", "less_than", "less_than_or_equal", "greater_than", "greater_than_or_equal",
  ]
  static let arithmetic = ["add", "subtract", "multiply", "divide", "modulo"]
}
