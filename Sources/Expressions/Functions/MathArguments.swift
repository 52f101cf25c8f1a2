import Base
import Glibc
import VolleyPlan

extension FunctionCall {
  /// The float in which a function of real numbers is computed: float32 for float16 and float32, else float64, with the
  /// arguments cast to it.
  func floats() throws(Failure) -> (type: DataType, arguments: [TypedExpression]) {
    for type in types.map(\.decoded) where !type.isNumeric && type != .null {
      throw refusal("an argument is \(type), expected a number")
    }
    let isNarrow =
      types.contains { $0.decoded.floatBits != nil }
      && types.allSatisfy { ($0.decoded.floatBits ?? 16) <= 32 && !$0.decoded.isDecimal }
      && arguments.allSatisfy { ($0.type.integerShape?.bits ?? 8) <= 16 || $0.adapted(to: .float32) != nil }
    let type: DataType = isNarrow ? .float32 : .float64
    return (type, arguments.map { $0.promoted(to: type) })
  }

  /// The number type of a sole argument as its kernel takes it: float16 as float32, a null of no type as int64.
  func number() throws(Failure) -> DataType {
    let type = types[0].decoded
    switch type {
    case .null: return .int64
    case .float16: return .float32
    default:
      guard type.isNumeric else { throw refusal("an argument is \(type), expected a number") }
      return type
    }
  }

  /// All arguments as integers of the type in which they meet.
  func integers() throws(Failure) -> (type: DataType, arguments: [TypedExpression]) {
    for type in types.map(\.decoded) where type.integerShape == nil && type != .null {
      throw refusal("an argument is \(type), expected an integer")
    }
    guard let unified = Promotion.unify(arguments) else { throw refusal("the integers have no common type") }
    if unified[0].type == .null { return (.int64, unified.map { $0.promoted(to: .int64) }) }
    return (unified[0].type, unified)
  }

  /// A function of one real number, as IEEE 754 has it: infinities and NaN instead of failures.
  func real(
    cost: Double, _ double: @escaping @Sendable (Double) -> Double, _ float: @escaping @Sendable (Float) -> Float
  ) throws(Failure) -> FunctionBinding {
    let (type, arguments) = try floats()
    return kernel(arguments, type, cost: cost) { operands, count throws(Failure) in
      let column = try operands[0].column(count)
      if type == .float32 { return FloatKernels.mapped(column, as: Float.self, float) }
      return FloatKernels.mapped(column, as: Double.self, double)
    }
  }

  /// As `real`, of two numbers.
  func real(
    cost: Double, _ double: @escaping @Sendable (Double, Double) -> Double,
    _ float: @escaping @Sendable (Float, Float) -> Float
  ) throws(Failure) -> FunctionBinding {
    let (type, arguments) = try floats()
    return kernel(arguments, type, cost: cost) { operands, count throws(Failure) in
      let left = try operands[1].column == nil ? Operand.column(operands[0].column(count)) : operands[0]
      if type == .float32 {
        return FloatKernels.combined(left, operands[1], as: Float.self, type, count: count, float)
      }
      return FloatKernels.combined(left, operands[1], as: Double.self, type, count: count, double)
    }
  }
}
