import Arrow
import VolleyPlan

/// What a binary operation works on: a column, or a constant that is not null.
enum Operand {
  case column(Column)
  case constant(Literal)

  var column: Column? { if case .column(let column) = self { column } else { nil } }

  var type: DataType {
    switch self {
    case .column(let column): column.type
    case .constant(let literal): literal.type
    }
  }

  /// The value of a row that is not null.
  func literal(at row: Int) -> Literal {
    switch self {
    case .column(let column): column.literal(at: row)
    case .constant(let literal): literal
    }
  }
}
