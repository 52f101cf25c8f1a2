import VolleyPlan

/// An expression over the columns of a row: `col("price") * 1.19`, `tax(col("price"), col("rate")).as("tax")`.
///
/// Names and types are checked by the host when the plan is built.
public struct ColumnExpression: Sendable {
  var expression: Expression
  /// The name of the column that it makes, when one was given.
  var name: String?
  /// The user functions that it calls.
  var functions: [FunctionCode]

  init(_ expression: Expression, functions: [FunctionCode] = []) {
    self.expression = expression
    self.functions = functions
  }

  /// A built-in function of the host's.
  static func call(_ function: String, _ arguments: [ColumnExpression]) -> ColumnExpression {
    ColumnExpression(.call(function, arguments.map(\.expression)), functions: arguments.flatMap(\.functions))
  }

  /// The same value under a name.
  public func `as`(_ name: String) -> ColumnExpression {
    var result = self
    result.name = name
    return result
  }

  /// The value as another type; a value that the type cannot hold stops the job.
  public func cast(to type: DataType) -> ColumnExpression {
    ColumnExpression(.cast(expression, type), functions: functions)
  }

  /// True for a null, never null itself.
  public var isNull: ColumnExpression { .call("is_null", [self]) }

  /// False for a null, never null itself.
  public var isNotNull: ColumnExpression { .call("is_not_null", [self]) }
}

/// The column of that name.
public func col(_ name: String) -> ColumnExpression { ColumnExpression(.column(name)) }

/// A constant of any type that a `ColumnValue` has.
public func lit(_ value: some LiteralValue) -> ColumnExpression { ColumnExpression(.literal(value.literal)) }

/// A null of that type.
public func null(_ type: DataType) -> ColumnExpression { ColumnExpression(.literal(.null(type))) }

extension ColumnExpression: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral
{
  public init(booleanLiteral value: Bool) { self.init(.literal(.bool(value))) }
  public init(integerLiteral value: Int64) { self.init(.literal(.int64(value))) }
  public init(floatLiteral value: Double) { self.init(.literal(.float64(value))) }
  /// Text, not the name of a column: that is `col("name")`.
  public init(stringLiteral value: String) { self.init(.literal(.utf8(value))) }
}
