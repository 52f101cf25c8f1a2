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

/// A constant: a `Bool`, `Int32`, `Int64`, `Int`, `Double`, `String` or `Timestamp`.
public func lit(_ value: some LiteralValue) -> ColumnExpression { ColumnExpression(.literal(value.literal)) }

/// A null of that type.
public func null(_ type: DataType) -> ColumnExpression { ColumnExpression(.literal(.null(type))) }

/// What `lit` takes.
public protocol LiteralValue: ColumnValue {
  /// The constant as it stands in a plan.
  var literal: Literal { get }
}

extension Bool: LiteralValue { public var literal: Literal { .bool(self) } }
extension Int32: LiteralValue { public var literal: Literal { .int32(self) } }
extension Int64: LiteralValue { public var literal: Literal { .int64(self) } }
extension Int: LiteralValue { public var literal: Literal { .int64(Int64(self)) } }
extension Double: LiteralValue { public var literal: Literal { .float64(self) } }
extension String: LiteralValue { public var literal: Literal { .utf8(self) } }
extension Timestamp: LiteralValue {
  public var literal: Literal { .timestamp(microseconds, .microsecond, timezone: nil) }
}

extension ColumnExpression: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral
{
  public init(booleanLiteral value: Bool) { self.init(.literal(.bool(value))) }
  public init(integerLiteral value: Int64) { self.init(.literal(.int64(value))) }
  public init(floatLiteral value: Double) { self.init(.literal(.float64(value))) }
  /// Text, not the name of a column: that is `col("name")`.
  public init(stringLiteral value: String) { self.init(.literal(.utf8(value))) }
}
