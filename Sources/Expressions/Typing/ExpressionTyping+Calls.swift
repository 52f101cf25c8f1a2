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
    guard let operation = function.arithmetic, let resolved = ArithmeticTyping.resolve(operation, arguments) else {
      throw refusal(function.rawValue, function.arithmetic, arguments)
    }
    return TypedExpression(
      .call(function, resolved.sides), resolved.type, nullable: resolved.sides.contains(where: \.nullable))
  }

  /// Why two values are not computed with.
  func refusal(
    _ name: String, _ operation: ArithmeticOperation?, _ arguments: [TypedExpression]
  ) -> Failure {
    let (left, right) = (arguments[0].type, arguments[1].type)
    return Failure(
      .usage,
      "\(name): \(left) and \(right) cannot be \(operation?.participle ?? name); \(arithmeticRemedy(left, right))")
  }

  private func arithmeticRemedy(_ left: DataType, _ right: DataType) -> String {
    if left.isTemporal || right.isTemporal {
      return "a time takes a duration or an interval, or another time of its type; date_add adds other units"
    }
    if left.decoded.isNumeric, right.decoded.isNumeric {
      return "the result would have more than 38 digits; cast to decimals of fewer digits, or to float64, first"
    }
    return "arithmetic takes numbers; cast the other types first"
  }

  private func negate(_ argument: TypedExpression) throws(Failure) -> TypedExpression {
    guard let type = ArithmeticTyping.negated(argument.type) else {
      throw Failure(
        .usage, "negate: \(argument.type) cannot be negated; arithmetic takes numbers; cast it first")
    }
    // A negative literal stays a literal, and so adapts to the other side's type.
    switch argument.node {
    case .literal(.int32(let value)) where value != .min: return TypedExpression(.int32(-value))
    case .literal(.int64(let value)) where value != .min: return TypedExpression(.int64(-value))
    default:
      let argument = argument.promoted(to: type)
      return TypedExpression(.call(.negate, [argument]), type, nullable: argument.nullable)
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
    let arguments = arguments.map { $0.type.decoded == .bool || $0.type == .null ? $0.promoted(to: .bool) : $0 }
    for argument in arguments where argument.type != .bool {
      throw Failure(
        .usage, "\(function.rawValue): takes bool, found \(argument.type); compare it with something first")
    }
    return TypedExpression(.call(function, arguments), .bool, nullable: arguments.contains(where: \.nullable))
  }
}
