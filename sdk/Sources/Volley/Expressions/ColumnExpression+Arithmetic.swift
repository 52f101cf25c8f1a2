import VolleyPlan

// Arithmetic that does not stop the job. `+`, `-`, `*`, `/` and `%` stop for integers and decimals without a result.

extension ColumnExpression {
  /// The sum of integers, which wraps around where it does not fit. Floats add as with `+`; decimals are refused.
  public static func &+ (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("add_wrapping", [left, right])
  }

  /// The difference of integers, which wraps around where it does not fit.
  public static func &- (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("subtract_wrapping", [left, right])
  }

  /// The product of integers, which wraps around where it does not fit.
  public static func &* (left: ColumnExpression, right: ColumnExpression) -> ColumnExpression {
    .call("multiply_wrapping", [left, right])
  }

  /// 0 minus the integer, which wraps around for the least one. Unsigned integers stay unsigned.
  public func negateWrapping() -> ColumnExpression { .call("negate_wrapping", [self]) }

  /// The sum, null where it does not fit.
  public func tryAdd(_ other: ColumnExpression) -> ColumnExpression { .call("try_add", [self, other]) }

  /// The difference, null where it does not fit.
  public func trySubtract(_ other: ColumnExpression) -> ColumnExpression { .call("try_subtract", [self, other]) }

  /// The product, null where it does not fit.
  public func tryMultiply(_ other: ColumnExpression) -> ColumnExpression { .call("try_multiply", [self, other]) }

  /// The quotient, null where it does not fit and, for integers and decimals, where 0 divides.
  public func tryDivide(_ other: ColumnExpression) -> ColumnExpression { .call("try_divide", [self, other]) }

  /// The remainder of the truncated quotient, null where there is none.
  public func tryModulo(_ other: ColumnExpression) -> ColumnExpression { .call("try_modulo", [self, other]) }

  /// 0 minus the value, null where it does not fit.
  public func tryNegate() -> ColumnExpression { .call("try_negate", [self]) }
}
