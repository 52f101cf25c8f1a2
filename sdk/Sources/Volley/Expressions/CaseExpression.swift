import VolleyPlan

/// The value of the first branch whose condition is true.
///
///     when(col("amount") > 100, then: "large").when(col("amount") > 10, then: "medium").otherwise("small")
public func when(_ condition: ColumnExpression, then value: ColumnExpression) -> CaseExpression {
  CaseExpression(branches: [(condition, value)])
}

/// Branches, until `otherwise` or `otherwiseNull` makes them an expression.
public struct CaseExpression: Sendable {
  var branches: [(condition: ColumnExpression, value: ColumnExpression)]

  public func when(_ condition: ColumnExpression, then value: ColumnExpression) -> CaseExpression {
    CaseExpression(branches: branches + [(condition, value)])
  }

  /// The value when no condition is true.
  public func otherwise(_ value: ColumnExpression) -> ColumnExpression { make(value) }

  /// Null when no condition is true.
  public func otherwiseNull() -> ColumnExpression { make(nil) }

  private func make(_ otherwise: ColumnExpression?) -> ColumnExpression {
    ColumnExpression(
      .caseWhen(
        branches.map { .init(condition: $0.condition.expression, value: $0.value.expression) },
        otherwise: otherwise?.expression),
      functions: branches.flatMap { $0.condition.functions + $0.value.functions } + (otherwise?.functions ?? []))
  }
}
