import Base
import VolleyPlan

extension ExpressionTyping {
  /// A call of a built-in function with its arguments promoted to what the function takes.
  func call(_ function: BuiltinFunction, _ arguments: [TypedExpression]) throws(Failure) -> TypedExpression {
    guard arguments.count == function.arity else {
      throw Failure(
        .usage, "\(function.rawValue): takes \(count(function.arity, "argument")), found \(arguments.count)")
    }
    switch function {
    case .add, .subtract, .multiply, .divide, .modulo: return try arithmetic(function, arguments)
    case .negate: return try negate(arguments[0])
    case .equal, .notEqual, .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual:
      return try comparison(function, arguments)
    case .and, .or, .not: return try logic(function, arguments)
    case .isNull, .isNotNull: return TypedExpression(.call(function, arguments), .bool, nullable: false)
    }
  }

  private func arithmetic(
    _ function: BuiltinFunction, _ arguments: [TypedExpression]
  ) throws(Failure) -> TypedExpression {
    if arguments.contains(where: \.type.isTemporal),
      let resolved = try TemporalArithmetic.resolve(function, arguments[0], arguments[1])
    {
      return resolved
    }
    guard arguments.allSatisfy(\.type.isNumeric), let unified = Promotion.unify(arguments) else {
      let (left, right) = (arguments[0].type, arguments[1].type)
      let verb = function.arithmetic?.participle ?? function.rawValue
      throw Failure(
        .usage, "\(function.rawValue): \(left) and \(right) cannot be \(verb); \(arithmeticRemedy(left, right))")
    }
    return TypedExpression(
      .call(function, unified), unified[0].type, nullable: unified.contains(where: \.nullable))
  }

  private func arithmeticRemedy(_ left: DataType, _ right: DataType) -> String {
    if left.isTemporal || right.isTemporal {
      return "a time takes a duration or an interval, or another time of its type; date_add adds other units"
    }
    return "arithmetic takes int32, int64 or float64; cast the other types first"
  }

  private func negate(_ argument: TypedExpression) throws(Failure) -> TypedExpression {
    guard argument.type.isNumeric else {
      throw Failure(
        .usage, "negate: \(argument.type) cannot be negated; arithmetic takes int32, int64 or float64; cast it first")
    }
    // A negative literal stays a literal, and so adapts to the other side's type.
    switch argument.node {
    case .literal(.int32(let value)) where value != .min: return TypedExpression(.int32(-value))
    case .literal(.int64(let value)) where value != .min: return TypedExpression(.int64(-value))
    default: return TypedExpression(.call(.negate, [argument]), argument.type, nullable: argument.nullable)
    }
  }

  private func comparison(
    _ function: BuiltinFunction, _ arguments: [TypedExpression]
  ) throws(Failure) -> TypedExpression {
    guard let unified = Promotion.unify(arguments, by: Promotion.compared) else {
      let (left, right) = (arguments[0].type, arguments[1].type)
      throw Failure(
        .usage,
        "\(function.rawValue): \(left) and \(right) cannot be compared; cast one to the type of the other")
    }
    return TypedExpression(.call(function, unified), .bool, nullable: unified.contains(where: \.nullable))
  }

  private func logic(_ function: BuiltinFunction, _ arguments: [TypedExpression]) throws(Failure) -> TypedExpression {
    for argument in arguments where argument.type != .bool {
      throw Failure(
        .usage, "\(function.rawValue): takes bool, found \(argument.type); compare it with something first")
    }
    return TypedExpression(.call(function, arguments), .bool, nullable: arguments.contains(where: \.nullable))
  }
}

extension DataType {
  var isNumeric: Bool {
    switch self {
    case .int32, .int64, .float64: true
    default: false
    }
  }

}
