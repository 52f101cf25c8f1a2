import Arrow
import Base
import VolleyPlan

/// Absolute values, signs and rounding. Results are of the argument's type, float16 as float32.
extension FunctionTable {
  static var rounding: [FunctionDefinition] {
    [abs, sign, round, whole("ceil", .up), whole("floor", .down), whole("trunc", .towardZero)]
  }

  private static let abs = FunctionDefinition("abs", "abs(value)", arity: 1...1) { call throws(Failure) in
    let type = try call.number()
    let isFallible = type.integerShape?.isSigned ?? false
    return call.kernel([type], type, isFallible: isFallible, cost: 0.5) { operands, count throws(Failure) in
      let column = try operands[0].column(count)
      return switch type {
      case .int8: try SignKernels.magnitude(column, as: Int8.self)
      case .int16: try SignKernels.magnitude(column, as: Int16.self)
      case .int32: try SignKernels.magnitude(column, as: Int32.self)
      case .int64: try SignKernels.magnitude(column, as: Int64.self)
      case .decimal128: CheckedCast.mapped(column, type) { (value: Int128) in value < 0 ? 0 &- value : value }
      case .float32: FloatKernels.mapped(column, as: Float.self) { $0.magnitude }
      case .float64: FloatKernels.mapped(column, as: Double.self) { $0.magnitude }
      default: column
      }
    }
  }

  /// -1, 0 or 1: an int8 for integers, an int64 for decimals, else a float, NaN for NaN.
  private static let sign = FunctionDefinition("sign", "sign(value)", arity: 1...1) { call throws(Failure) in
    let type = try call.number()
    let result: DataType = type.integerShape != nil ? .int8 : type.isDecimal ? .int64 : type
    return call.kernel([type], result, cost: 0.5) { operands, count throws(Failure) in
      let column = try operands[0].column(count)
      return switch type {
      case .int8: SignKernels.sign(column, as: Int8.self)
      case .int16: SignKernels.sign(column, as: Int16.self)
      case .int32: SignKernels.sign(column, as: Int32.self)
      case .int64: SignKernels.sign(column, as: Int64.self)
      case .uint8: SignKernels.sign(column, as: UInt8.self)
      case .uint16: SignKernels.sign(column, as: UInt16.self)
      case .uint32: SignKernels.sign(column, as: UInt32.self)
      case .uint64: SignKernels.sign(column, as: UInt64.self)
      case .decimal128:
        CheckedCast.mapped(column, result) { (value: Int128) in value < 0 ? -1 as Int64 : value > 0 ? 1 : 0 }
      case .float32: FloatKernels.mapped(column, as: Float.self) { $0.isNaN ? $0 : $0 == 0 ? 0 : $0 < 0 ? -1 : 1 }
      default: FloatKernels.mapped(column, as: Double.self) { $0.isNaN ? $0 : $0 == 0 ? 0 : $0 < 0 ? -1 : 1 }
      }
    }
  }

  /// To so many digits behind the point, 0 by default, or in front of it when there are fewer than 0. A value in the middle
  /// goes away from zero: 2.5 to 3, -2.5 to -3. A float stays as it is when the power of ten is beyond its type, as with
  /// pyarrow: float32 from 39 digits in front of the point on.
  private static let round = FunctionDefinition("round", "round(value[, digits])", arity: 1...2) {
    call throws(Failure) in
    let digits = call.arguments.count == 2 ? try call.integer(1, "the number of digits") : 0
    guard (-308...308).contains(digits) else {
      throw call.refusal("the number of digits is \(digits), expected -308 to 308")
    }
    return try call.rounded(.toNearestOrAwayFromZero, digits: digits)
  }

  private static func whole(_ name: String, _ rule: FloatingPointRoundingRule) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(value)", arity: 1...1) { call throws(Failure) in
      try call.rounded(rule, digits: 0)
    }
  }
}

extension FunctionCall {
  fileprivate func rounded(_ rule: FloatingPointRoundingRule, digits: Int) throws(Failure) -> FunctionBinding {
    let type = try number()
    let name = definition.name
    // Calls with other digits are other functions.
    let bound = "\(name)/\(digits)"
    let argument = [arguments[0].promoted(to: type)]
    if type.integerShape != nil, digits >= 0 { return .expression(argument[0]) }
    if case .decimal128(_, let scale) = type, digits >= scale { return .expression(argument[0]) }
    return kernel(named: bound, argument, type, isFallible: type.floatBits == nil, cost: 3) {
      operands, count throws(Failure) in
      let column = try operands[0].column(count)
      return switch type {
      case .float32: RoundingKernels.floats(column, as: Float.self, rule, digits)
      case .float64: RoundingKernels.floats(column, as: Double.self, rule, digits)
      case .decimal128(let precision, let scale):
        try RoundingKernels.decimals(column, rule, drop: scale - digits, precision: precision, name)
      case .int8: try RoundingKernels.integers(column, as: Int8.self, rule, drop: -digits, name)
      case .int16: try RoundingKernels.integers(column, as: Int16.self, rule, drop: -digits, name)
      case .int32: try RoundingKernels.integers(column, as: Int32.self, rule, drop: -digits, name)
      case .int64: try RoundingKernels.integers(column, as: Int64.self, rule, drop: -digits, name)
      case .uint8: try RoundingKernels.integers(column, as: UInt8.self, rule, drop: -digits, name)
      case .uint16: try RoundingKernels.integers(column, as: UInt16.self, rule, drop: -digits, name)
      case .uint32: try RoundingKernels.integers(column, as: UInt32.self, rule, drop: -digits, name)
      default: try RoundingKernels.integers(column, as: UInt64.self, rule, drop: -digits, name)
      }
    }
  }
}

private enum SignKernels {
  static func magnitude<Value: IntegerValue>(_ column: Column, as _: Value.Type) throws(Failure) -> Column {
    let failure = { (row: Int) in
      ArithmeticFailure.doesNotFit("abs", "abs(\(column.text(at: row)))", column.type)
    }
    return try CheckedCast.checked(column, column.type, .stop, failure: failure) { (value: Value) in
      (value < 0 ? 0 &- value : value, value != .min)
    }
  }

  static func sign<Value: IntegerValue>(_ column: Column, as _: Value.Type) -> Column {
    CheckedCast.mapped(column, .int8) { (value: Value) in value < 0 ? -1 as Int8 : value > 0 ? 1 : 0 }
  }
}
