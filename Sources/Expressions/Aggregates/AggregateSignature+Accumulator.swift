import Base
import VolleyPlan

extension AggregateSignature {
  /// An accumulator without slots.
  public func makeAccumulator() -> any Accumulator {
    guard let argument else { return CountAccumulator() }
    switch function {
    case .count: return CountAccumulator()
    case .countDistinct: return DistinctCountAccumulator(argument)
    case .sum: return sum(argument)
    case .avg: return average(argument)
    case .min: return extreme(.least, argument)
    case .max: return extreme(.greatest, argument)
    case .first: return ChosenValueAccumulator(.first, argument, by: by)
    case .last: return ChosenValueAccumulator(.last, argument, by: by)
    case .argMin: return ChosenValueAccumulator(.least, argument, by: by)
    case .argMax: return ChosenValueAccumulator(.greatest, argument, by: by)
    case .varPop: return VarianceAccumulator(argument, isSample: false, isDeviation: false)
    case .varSamp: return VarianceAccumulator(argument, isSample: true, isDeviation: false)
    case .stddevPop: return VarianceAccumulator(argument, isSample: false, isDeviation: true)
    case .stddevSamp: return VarianceAccumulator(argument, isSample: true, isDeviation: true)
    case .boolAnd: return BoolExtremeAccumulator(.least)
    case .boolOr: return BoolExtremeAccumulator(.greatest)
    case .collect: return CollectAccumulator(argument)
    case .approxCountDistinct: return ApproximateCountAccumulator()
    case .approxQuantile: return ApproximateQuantileAccumulator(argument, fraction: fraction ?? 0.5)
    }
  }

  private func sum(_ argument: DataType) -> any Accumulator {
    switch argument {
    case .float16, .float32, .float64: FloatSumAccumulator()
    case .decimal128(_, let scale): DecimalSumAccumulator(scale: scale, result: result)
    default: IntegerSumAccumulator(argument, result: result)
    }
  }

  private func average(_ argument: DataType) -> any Accumulator {
    switch argument {
    case .float16, .float32, .float64: FloatAverageAccumulator()
    case .decimal128(_, let scale): DecimalSumAccumulator(scale: scale, result: result)
    default: IntegerAverageAccumulator(result: result)
    }
  }

  private func extreme(_ extreme: Extreme, _ argument: DataType) -> any Accumulator {
    switch argument {
    case .bool: BoolExtremeAccumulator(extreme)
    case .utf8, .binary, .fixedSizeBinary: BytesExtremeAccumulator(extreme, argument)
    default: FixedExtremeAccumulator(extreme, argument)
    }
  }
}
