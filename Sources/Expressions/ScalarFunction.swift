import Arrow
import Base
import VolleyPlan

/// A function of the user's: columns to a column. One instance a subtask and place of use, one thread at a time.
public protocol ScalarFunction: AnyObject {
  func open() throws(Failure)
  /// `arguments` have `rowCount` rows each. The result has the declared type and exactly `rowCount` rows. After a failure
  /// it may be called again for some of the rows, to find the one that failed.
  func call(_ arguments: [Column], rowCount: Int) throws(Failure) -> Column
  func close() throws(Failure)
}

/// Makes the user functions that an expression names, and the user's aggregates. `PluginLoading` is one.
public protocol ScalarFunctionProvider {
  func makeScalarFunction(_ function: Expression.UserFunction) throws(Failure) -> any ScalarFunction
  func makeAggregate(_ aggregate: Plan.UserAggregate) throws(Failure) -> any UserAggregate
}

extension ScalarFunctionProvider {
  public func makeAggregate(_ aggregate: Plan.UserAggregate) throws(Failure) -> any UserAggregate {
    throw Failure(.usage, "the aggregate '\(aggregate.function)' is a plugin's, and none can be called here")
  }
}

/// For expressions that may not hold user code.
public struct NoScalarFunctions: ScalarFunctionProvider {
  public init() {}

  public func makeScalarFunction(_ function: Expression.UserFunction) throws(Failure) -> any ScalarFunction {
    throw Failure(.usage, "the function '\(function.function)' is a plugin's, and none can be called here")
  }
}
