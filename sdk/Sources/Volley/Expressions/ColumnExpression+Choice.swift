import VolleyPlan

/// The first of the values that is not null. A value is computed only for the rows for which those before it are null.
public func coalesce(_ values: ColumnExpression...) -> ColumnExpression { .call("coalesce", values) }

/// The hash that decides a key's key group, as uint64; never null.
public func hash(_ values: ColumnExpression...) -> ColumnExpression { .call("hash", values) }

extension ColumnExpression {
  /// Null where the value is equal to the other, else the value.
  public func nullIf(_ other: ColumnExpression) -> ColumnExpression { .call("null_if", [self, other]) }

  /// Whether the value lies between two others, both included.
  public func isBetween(_ low: ColumnExpression, and high: ColumnExpression) -> ColumnExpression {
    .call("between", [self, low, high])
  }

  /// Whether the value is equal to one of the others. As in SQL, null where it is null, and where no value is equal and one
  /// of them is null.
  ///
  /// - Parameter values: at least one.
  public func isIn(_ values: [ColumnExpression]) -> ColumnExpression { .call("in", [self] + values) }

  /// The value as another type, null where the type cannot hold it.
  public func tryCast(to type: DataType) -> ColumnExpression {
    ColumnExpression(.tryCast(expression, type), functions: functions)
  }
}
