import Arrow
import Base
import VolleyPlan

/// The aggregate functions that a plan may name.
public enum AggregateFunction: String, Sendable, Hashable, CaseIterable {
  /// Rows, or values that are not null. int64.
  case count
  /// int64 for integers, checked; float64 for float64.
  case sum
  /// The least value, of the argument's type. A NaN is passed over unless there is nothing else.
  case min
  /// The greatest value, of the argument's type. A NaN is passed over unless there is nothing else.
  case max
  /// float64: the sum, exact for integers, divided by the count.
  case avg

  /// Throws a `usage` failure that lists the functions, the nearest first.
  public init(named name: String) throws(Failure) {
    guard let function = AggregateFunction(rawValue: name) else {
      let names = Self.allCases.map(\.rawValue)
      throw Failure(.usage, "there is no aggregate '\(name)'; there are \(namesNearestFirst(to: name, among: names))")
    }
    self = function
  }

  /// The type of the results for arguments of that type; nil stands for rows.
  public func resultType(_ argument: DataType?) throws(Failure) -> DataType {
    guard let argument else {
      if self == .count { return .int64 }
      throw Failure(.usage, "\(rawValue): takes an argument; only count may go without, and then counts rows")
    }
    switch self {
    case .count: return .int64
    case .min, .max: return argument
    case .sum:
      guard argument.isNumeric else { throw wrongType(argument, "summed") }
      return argument == .float64 ? .float64 : .int64
    case .avg:
      guard argument.isNumeric else { throw wrongType(argument, "averaged") }
      return .float64
    }
  }

  private func wrongType(_ argument: DataType, _ verb: String) -> Failure {
    Failure(
      .usage, "\(rawValue): \(argument) cannot be \(verb); \(rawValue) takes int32, int64 or float64; cast it first")
  }
}

extension Plan.AggregateCall {
  /// The type of the aggregate over rows of `schema`, and whether it may be null in a group of at least one row.
  public func resolvedType(in schema: Schema) throws(Failure) -> (type: DataType, nullable: Bool) {
    let function = try AggregateFunction(named: function)
    guard let argument else { return (try function.resultType(nil), false) }
    let resolved = try argument.resolvedType(in: schema)
    return (try function.resultType(resolved.type), function != .count && resolved.nullable)
  }
}

/// An accumulator without slots for "count", "sum", "min", "max" or "avg" of values of that type; nil stands for rows.
///
/// Throws a `usage` failure for another function and for a type that it does not take.
public func makeAccumulator(_ function: String, argument: DataType?) throws(Failure) -> any Accumulator {
  let function = try AggregateFunction(named: function)
  let result = try function.resultType(argument)
  switch (function, argument) {
  case (.count, _): return CountAccumulator()
  case (.sum, .float64): return FloatSumAccumulator()
  case (.sum, _): return IntegerSumAccumulator()
  case (.avg, .float64): return FloatAverageAccumulator()
  case (.avg, _): return IntegerAverageAccumulator()
  case (.min, .bool), (.max, .bool): return BoolExtremeAccumulator(function == .min ? .least : .greatest)
  case (.min, .utf8), (.max, .utf8): return TextExtremeAccumulator(function == .min ? .least : .greatest)
  case (.min, _), (.max, _): return FixedExtremeAccumulator(function == .min ? .least : .greatest, result)
  }
}
