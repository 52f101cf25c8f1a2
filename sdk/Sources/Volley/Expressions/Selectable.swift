import VolleyPlan

/// What `select` and `keyBy` take: the name of a column, or an expression with a name.
public protocol Selectable {
  var selected: ColumnExpression { get }
}

extension String: Selectable {
  public var selected: ColumnExpression { col(self) }
}

extension ColumnExpression: Selectable {
  public var selected: ColumnExpression { self }

  /// The expression and its name: the one given with `as`, else the column's own.
  func named() throws(VolleyError) -> NamedExpression {
    if let name { return NamedExpression(name, expression) }
    if case .column(let name) = expression { return NamedExpression(name, expression) }
    throw VolleyError("a computed column has no name: give it one with .as(\"…\")")
  }
}
