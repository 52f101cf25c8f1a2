import Arrow
import VolleyPlan

/// What a binary operation works on: a column, or a constant that is not null.
enum Operand {
  case column(Column)
  case constant(Literal)

  var column: Column? { if case .column(let column) = self { column } else { nil } }

  /// The value of a row that is not null.
  func literal(at row: Int) -> Literal {
    switch self {
    case .column(let column): column.literal(at: row)
    case .constant(let literal): literal
    }
  }
}

/// The Swift type that keeps a fixed-width column's values. Timestamps share Int64's kernels.
protocol FixedValue: BitwiseCopyable, Comparable {
  /// The value of a literal whose type is kept as this type.
  init(_ literal: Literal)
}

extension Int32: FixedValue {
  init(_ literal: Literal) {
    guard case .int32(let value) = literal else { preconditionFailure("an int32 kernel got a \(literal.type)") }
    self = value
  }
}

extension Int64: FixedValue {
  init(_ literal: Literal) {
    switch literal {
    case .int64(let value), .timestamp(let value, _, _): self = value
    default: preconditionFailure("an int64 kernel got a \(literal.type)")
    }
  }
}

extension Double: FixedValue {
  init(_ literal: Literal) {
    guard case .float64(let value) = literal else { preconditionFailure("a float64 kernel got a \(literal.type)") }
    self = value
  }
}
