import VolleyPlan

/// An aggregate over the rows of a key: `sum(col("amount")).as("revenue")`.
public struct AggregateExpression: Sendable {
  let function: String
  let argument: ColumnExpression?
  var name: String?

  init(_ function: String, _ argument: ColumnExpression?) {
    self.function = function
    self.argument = argument
    guard let argument else {
      name = function
      return
    }
    if let given = argument.name {
      name = "\(function)_\(given)"
    } else if case .column(let column) = argument.expression {
      name = "\(function)_\(column)"
    }
  }

  /// The name of the column that it makes; by default `count`, `sum_amount` and the like.
  public func `as`(_ name: String) -> AggregateExpression {
    var result = self
    result.name = name
    return result
  }
}

/// The number of rows.
public func count() -> AggregateExpression { AggregateExpression("count", nil) }

/// The number of rows in which the value is not null.
public func count(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("count", value) }

/// The sum of the values that are not null.
public func sum(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("sum", value) }

/// The smallest value that is not null.
public func min(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("min", value) }

/// The largest value that is not null.
public func max(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("max", value) }

/// The mean of the values that are not null.
public func avg(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("avg", value) }
