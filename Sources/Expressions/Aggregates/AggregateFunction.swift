import Arrow
import Base
import VolleyPlan

/// The aggregate functions that a plan may name.
///
/// Rows that the call's filter excludes are passed over, and so are nulls but by `first`, `last` and `collect`. Of no value
/// `count`, `count_distinct` and `approx_count_distinct` are 0 and the others null.
public enum AggregateFunction: String, Sendable, Hashable, CaseIterable {
  /// Rows, or values that are not null. int64.
  case count
  /// Values that are different. int64.
  case countDistinct = "count_distinct"
  /// int64 for signed integers, uint64 for unsigned ones, durations for durations, 38 digits for decimals, all checked; float64
  /// for floats.
  case sum
  /// The least value, of the argument's type. A NaN is passed over unless there is nothing else.
  case min
  /// The greatest value, of the argument's type. A NaN is passed over unless there is nothing else.
  case max
  /// float64: the sum, exact for integers and decimals, divided by the count; for durations one, rounded towards zero.
  case avg
  /// The value of the first row, or of the first one of the least `by`. Nulls are values; rows without a `by` are passed over.
  case first
  /// The value of the last row, or of the last one of the greatest `by`. Nulls are values; rows without a `by` are passed over.
  case last
  /// The value of the first row of the least `by`; rows where either is null are passed over.
  case argMin = "arg_min"
  /// The value of the first row of the greatest `by`; rows where either is null are passed over.
  case argMax = "arg_max"
  /// The variance of all values. float64.
  case varPop = "var_pop"
  /// The variance of a sample, null for one value. float64.
  case varSamp = "var_samp"
  /// The square root of `var_pop`. float64.
  case stddevPop = "stddev_pop"
  /// The square root of `var_samp`. float64.
  case stddevSamp = "stddev_samp"
  /// Whether all values are true.
  case boolAnd = "bool_and"
  /// Whether any value is true.
  case boolOr = "bool_or"
  /// A list of all values, nulls included.
  case collect
  /// About how many values are different: `HyperLogLog`. int64.
  case approxCountDistinct = "approx_count_distinct"
  /// About the value below which the fraction of the values lies, of the argument's type: `QuantileSketch`.
  case approxQuantile = "approx_quantile"

  /// Throws a `usage` failure that lists the functions, the nearest first.
  public init(named name: String) throws(Failure) {
    guard let function = AggregateFunction(rawValue: name) else {
      let names = Self.allCases.map(\.rawValue)
      throw Failure(.usage, "there is no aggregate '\(name)'; there are \(namesNearestFirst(to: name, among: names))")
    }
    self = function
  }

  /// Whether the result is null for no value.
  public var isNullOfNothing: Bool {
    switch self {
    case .count, .countDistinct, .approxCountDistinct: false
    default: true
    }
  }

  /// Whether a null is a value like others.
  var takesNulls: Bool {
    switch self {
    case .first, .last, .collect: true
    default: false
    }
  }
}

/// What an aggregate is called with, by type: what its accumulator is made from.
public struct AggregateSignature: Sendable, Hashable {
  public var function: AggregateFunction
  /// Nil for a count of rows.
  public var argument: DataType?
  /// The type of what orders the rows.
  public var by: DataType?
  /// Of a quantile.
  public var fraction: Double?
  /// The type of the results.
  public let result: DataType

  /// Dictionaries are taken as the values that they name, text and bytes of any layout with 32-bit offsets: results are of
  /// those types.
  ///
  /// Throws a `usage` failure for what the function does not take.
  public init(
    _ function: String, argument: DataType?, by: DataType? = nil, fraction: Double? = nil
  ) throws(Failure) {
    let function = try AggregateFunction(named: function)
    self.function = function
    self.argument = argument.map(PlainColumn.type)
    self.by = by.map(PlainColumn.type)
    self.fraction = fraction
    result = try AggregateTyping.result(function, self.argument, by: self.by, fraction: fraction)
  }
}

extension Plan.AggregateCall {
  /// The types of the call over rows of `schema`. Throws a `usage` failure for what does not fit.
  public func signature(in schema: Schema) throws(Failure) -> AggregateSignature {
    if let filter {
      let type = try filter.resolvedType(in: schema).type
      guard type == .bool else {
        throw Failure(.usage, "the filter of \(function) is \(type) and must be bool; compare it with something")
      }
    }
    return try AggregateSignature(
      function, argument: try argument?.resolvedType(in: schema).type, by: try by?.resolvedType(in: schema).type,
      fraction: fraction)
  }

  /// The type of the aggregate over rows of `schema`, and whether it may be null in a group of at least one row.
  public func resolvedType(in schema: Schema) throws(Failure) -> (type: DataType, nullable: Bool) {
    let signature = try signature(in: schema)
    let canLackValues = filter != nil || signature.function == .varSamp || signature.function == .stddevSamp
    var nullable = try argument?.resolvedType(in: schema).nullable ?? false
    if let by, try by.resolvedType(in: schema).nullable { nullable = true }
    return (signature.result, signature.function.isNullOfNothing && (canLackValues || nullable))
  }
}
