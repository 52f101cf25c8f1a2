import VolleyPlan

/// An aggregate over the rows of a key: `sum(col("amount")).as("revenue")`,
/// `count().filter(col("amount") > 100).as("large")`.
public struct AggregateExpression: Sendable {
  let function: String
  let argument: ColumnExpression?
  let by: ColumnExpression?
  let fraction: Double?
  var condition: ColumnExpression?
  var name: String?
  /// The author's code; nil for one of the host's.
  var user: User?

  init(
    _ function: String, _ argument: ColumnExpression?, by: ColumnExpression? = nil, fraction: Double? = nil
  ) {
    self.function = function
    self.argument = argument
    self.by = by
    self.fraction = fraction
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

  /// Only rows for which the condition is true count; several filters must all be true. Of no such row `count` is 0, and the
  /// others are null.
  public func filter(_ condition: ColumnExpression) -> AggregateExpression {
    var result = self
    result.condition = self.condition.map { $0 && condition } ?? condition
    return result
  }

  /// The user functions that it calls.
  var functions: [FunctionCode] {
    [argument, by, condition].flatMap { $0?.functions ?? [] } + (user.map { [$0.code] } ?? [])
  }

  /// The call as it stands in a plan, under that name.
  func call(named name: String) -> Plan.AggregateCall {
    Plan.AggregateCall(
      function: function, argument: user == nil ? argument?.expression : nil, name: name, by: by?.expression,
      filter: condition?.expression, fraction: fraction, user: user?.aggregate)
  }
}

/// The number of rows.
public func count() -> AggregateExpression { AggregateExpression("count", nil) }

/// The number of rows in which the value is not null.
public func count(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("count", value) }

/// The number of different values that are not null, exactly: each of them is kept. `approximateCountDistinct` keeps at most
/// 16 KiB a key.
public func countDistinct(_ value: ColumnExpression) -> AggregateExpression {
  AggregateExpression("count_distinct", value)
}

/// The sum of the values that are not null: of integers as int64 (unsigned ones as uint64), checked; of floats as float64; of
/// decimals with 38 digits.
public func sum(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("sum", value) }

/// The smallest value that is not null.
public func min(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("min", value) }

/// The largest value that is not null.
public func max(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("max", value) }

/// The mean of the values that are not null.
public func avg(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("avg", value) }

/// The value of the key's first row, which may be null. Rows come in the order of each input; between the subtasks of an input
/// there is none: order them with `by`.
public func first(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("first", value) }

/// The value of the row where `order` is least, the first such row; rows without an `order` are passed over.
public func first(_ value: ColumnExpression, by order: ColumnExpression) -> AggregateExpression {
  AggregateExpression("first", value, by: order)
}

/// The value of the key's last row, which may be null; as to the order of rows, see `first`.
public func last(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("last", value) }

/// The value of the row where `order` is greatest, the last such row; rows without an `order` are passed over.
public func last(_ value: ColumnExpression, by order: ColumnExpression) -> AggregateExpression {
  AggregateExpression("last", value, by: order)
}

/// The value of the row where `order` is least; rows where either is null are passed over.
public func argMin(_ value: ColumnExpression, by order: ColumnExpression) -> AggregateExpression {
  AggregateExpression("arg_min", value, by: order)
}

/// The value of the row where `order` is greatest; rows where either is null are passed over.
public func argMax(_ value: ColumnExpression, by order: ColumnExpression) -> AggregateExpression {
  AggregateExpression("arg_max", value, by: order)
}

/// The variance of a sample, divided by one less than the number of values; null for fewer than two.
public func variance(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("var_samp", value) }

/// The variance of all values, divided by their number.
public func populationVariance(_ value: ColumnExpression) -> AggregateExpression {
  AggregateExpression("var_pop", value)
}

/// The square root of `variance`.
public func standardDeviation(_ value: ColumnExpression) -> AggregateExpression {
  AggregateExpression("stddev_samp", value)
}

/// The square root of `populationVariance`.
public func populationStandardDeviation(_ value: ColumnExpression) -> AggregateExpression {
  AggregateExpression("stddev_pop", value)
}

/// Whether all values that are not null are true.
public func boolAnd(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("bool_and", value) }

/// Whether any value that is not null is true.
public func boolOr(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("bool_or", value) }

/// A list of the values of all rows, nulls included, in the order of `first`. All of them are kept: bound the rows of a key
/// with a filter.
public func collect(_ value: ColumnExpression) -> AggregateExpression { AggregateExpression("collect", value) }

/// About how many different values there are that are not null: with a standard error of 0.81 % from some 1,500 on.
public func approximateCountDistinct(_ value: ColumnExpression) -> AggregateExpression {
  AggregateExpression("approx_count_distinct", value)
}

/// About the value below which the fraction of the values lies: exact up to 200 values, then one whose rank differs by at most
/// 1.33 % of their number with 99 % confidence.
///
/// - Parameter fraction: 0...1; 0.5 is the median.
public func approximateQuantile(_ value: ColumnExpression, fraction: Double) -> AggregateExpression {
  AggregateExpression("approx_quantile", value, fraction: fraction)
}
