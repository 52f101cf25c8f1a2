import Arrow
import Base
import VolleyPlan

/// Arithmetic that does not stop: integers that wrap around, and results that are null where there is none.
extension FunctionTable {
  static var arithmetic: [FunctionDefinition] {
    let wrapping: [FunctionDefinition] = [
      binary("add_wrapping", .add, .wrap), binary("subtract_wrapping", .subtract, .wrap),
      binary("multiply_wrapping", .multiply, .wrap), negate("negate_wrapping", .wrap),
    ]
    return wrapping + [
      binary("try_add", .add, .null), binary("try_subtract", .subtract, .null),
      binary("try_multiply", .multiply, .null), binary("try_divide", .divide, .null),
      binary("try_modulo", .modulo, .null), negate("try_negate", .null),
    ]
  }

  private static func binary(
    _ name: String, _ operation: ArithmeticOperation, _ policy: FailurePolicy
  ) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(left, right)", arity: 2...2) { call throws(Failure) in
      guard let resolved = ArithmeticTyping.resolve(operation, call.arguments) else {
        throw call.refusal("\(call.types[0]) and \(call.types[1]) cannot be \(operation.participle); cast to numbers")
      }
      if policy == .wrap, resolved.type.isDecimal {
        throw call.refusal("decimals do not wrap around; call \(operation.rawValue) or try_\(operation.rawValue)")
      }
      let type = resolved.type
      let sides = policy == .null ? call.trying(resolved.sides) : resolved.sides
      return call.kernel(
        sides, type, makesNulls: policy == .null && type.floatBits == nil, cost: 1
      ) { sides, count throws(Failure) in
        // Of two constants, the left one becomes a column.
        let left = try sides[1].column == nil ? Operand.column(sides[0].column(count)) : sides[0]
        return try ArithmeticKernels.column(operation, left, sides[1], type: type, count: count, onFailure: policy)
      }
    }
  }

  private static func negate(_ name: String, _ policy: FailurePolicy) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(value)", arity: 1...1) { call throws(Failure) in
      let given = call.types[0].decoded
      // An unsigned integer that wraps around stays one.
      guard let negated = ArithmeticTyping.negated(given) else {
        throw call.refusal("\(given) cannot be negated; cast to a number")
      }
      let type = policy == .wrap && given.integerShape != nil ? given : negated
      if policy == .wrap, type.isDecimal { throw call.refusal("decimals do not wrap around; call negate") }
      let promoted = [call.arguments[0].promoted(to: type)]
      let arguments = policy == .null ? call.trying(promoted) : promoted
      return call.kernel(arguments, type, makesNulls: policy == .null && type.integerShape != nil, cost: 0.5) {
        sides, count throws(Failure) in
        try ArithmeticKernels.negated(sides[0].column(count), onFailure: policy)
      }
    }
  }
}

extension FunctionCall {
  /// The promoted arguments with null for what does not fit the type to which an argument was promoted.
  fileprivate func trying(_ promoted: [TypedExpression]) -> [TypedExpression] {
    zip(arguments, promoted).map { argument, promoted in
      guard argument.type != promoted.type, case .cast(let inner) = promoted.node,
        CastRules.canFail(from: inner.type, to: promoted.type)
      else { return promoted }
      return TypedExpression(.tryCast(inner), promoted.type, nullable: true)
    }
  }

  /// A kernel over arguments that were changed: cast, or adapted as literals.
  ///
  /// - Parameter name: what tells the function from others of the same types, when constants do; else its name.
  func kernel(
    named name: String? = nil, _ arguments: [TypedExpression], _ resultType: DataType, makesNulls: Bool = false,
    isStrict: Bool = true,
    isFallible: Bool = false, cost: Double, _ kernel: @escaping BoundFunction.Kernel
  ) -> FunctionBinding {
    let function = BoundFunction(
      name ?? definition.name, arguments.map(\.type), resultType, makesNulls: makesNulls, isStrict: isStrict,
      isFallible: isFallible, cost: cost, kernel: kernel)
    let nullable = makesNulls || (isStrict ? arguments.contains(where: \.nullable) : arguments.allSatisfy(\.nullable))
    return .expression(TypedExpression(.function(function, arguments), resultType, nullable: nullable))
  }
}
