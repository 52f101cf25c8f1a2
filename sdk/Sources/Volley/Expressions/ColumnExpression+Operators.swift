// The operators of expressions. A null operand makes the result null, but for `&&` and `||`: there, false and true decide
// whatever the other operand is (Kleene's three-valued logic).

extension ColumnExpression {
  public static func + (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("add", [left, right])
  }

  public static func - (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("subtract", [left, right])
  }

  public static func * (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("multiply", [left, right])
  }

  public static func / (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("divide", [left, right])
  }

  public static func % (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("modulo", [left, right])
  }

  public static func == (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("equal", [left, right])
  }

  public static func != (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("not_equal", [left, right])
  }

  public static func < (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("less_than", [left, right])
  }

  public static func <= (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("less_than_or_equal", [left, right])
  }

  public static func > (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("greater_than", [left, right])
  }

  public static func >= (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("greater_than_or_equal", [left, right])
  }

  public static func && (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("and", [left, right])
  }

  public static func || (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("or", [left, right])
  }

  public static prefix func - (operand: ColumnExpression) -> ColumnExpression { .call("negate", [operand]) }

  public static prefix func ! (operand: ColumnExpression) -> ColumnExpression { .call("not", [operand]) }
}
