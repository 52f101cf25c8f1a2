import Base
import VolleyPlan

/// Which types the aggregates take and give. Types are plain ones (`PlainColumn`).
enum AggregateTyping {
  static func result(
    _ function: AggregateFunction, _ argument: DataType?, by: DataType?, fraction: Double?
  ) throws(Failure) -> DataType {
    try checkParameters(function, by: by, fraction: fraction)
    guard let argument else {
      if function == .count { return .int64 }
      throw Failure(.usage, "\(function.rawValue): takes an argument; only count may go without, and then counts rows")
    }
    switch function {
    case .count: return .int64
    case .sum: return try sum(argument)
    case .avg: return try average(argument)
    case .varPop, .varSamp, .stddevPop, .stddevSamp:
      guard argument.isSummable else { throw wrong(function, argument, "numbers") }
      return .float64
    case .min, .max:
      guard RowOrder.takes(argument) else { throw wrong(function, argument, "values that can be ordered") }
      return argument
    case .first, .last, .argMin, .argMax: return argument
    case .boolAnd, .boolOr:
      guard argument == .bool else { throw wrong(function, argument, "bool") }
      return .bool
    case .collect: return .list(of: argument)
    case .countDistinct, .approxCountDistinct:
      guard DistinctCountAccumulator.takes(argument) else {
        throw wrong(function, argument, "values that are no lists, structs or maps")
      }
      return .int64
    case .approxQuantile:
      guard OrderedColumn.hasKeys(argument), argument != .bool else {
        throw wrong(function, argument, "numbers and times of at most 64 bits")
      }
      return argument
    }
  }

  private static func checkParameters(_ function: AggregateFunction, by: DataType?, fraction: Double?) throws(Failure) {
    let name = function.rawValue
    switch function {
    case .argMin, .argMax:
      guard by != nil else {
        throw Failure(.usage, "\(name): takes a value to order the rows by; give it one with 'by'")
      }
    case .first, .last: break
    default:
      if by != nil { throw Failure(.usage, "\(name): is not ordered by anything; leave 'by' out") }
    }
    if let by, !RowOrder.takes(by) {
      throw Failure(.usage, "\(name): rows cannot be ordered by \(by); order them by numbers, times, text or bytes")
    }
    if function == .approxQuantile {
      guard let fraction else { throw Failure(.usage, "\(name): takes a fraction; give it one, 0.5 for the median") }
      guard fraction >= 0, fraction <= 1 else {
        throw Failure(.usage, "\(name): the fraction is \(fraction), and must be 0...1")
      }
    } else if fraction != nil {
      throw Failure(.usage, "\(name): takes no fraction; leave it out")
    }
  }

  private static func sum(_ argument: DataType) throws(Failure) -> DataType {
    switch argument {
    case .int8, .int16, .int32, .int64: .int64
    case .uint8, .uint16, .uint32, .uint64: .uint64
    case .float16, .float32, .float64: .float64
    case .decimal128(_, let scale): .decimal128(precision: 38, scale: scale)
    case .duration: argument
    default: throw wrong(.sum, argument, "numbers and durations")
    }
  }

  private static func average(_ argument: DataType) throws(Failure) -> DataType {
    if case .duration = argument { return argument }
    guard argument.isSummable else { throw wrong(.avg, argument, "numbers and durations") }
    return .float64
  }

  private static func wrong(_ function: AggregateFunction, _ type: DataType, _ taken: String) -> Failure {
    Failure(
      .usage, "\(function.rawValue): the argument is \(type), and \(function.rawValue) takes \(taken); cast it first")
  }
}

extension DataType {
  /// Whether its values are numbers: integers, floats or decimals.
  var isSummable: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .decimal128:
      true
    default: false
    }
  }
}
