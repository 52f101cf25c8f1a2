import Base
import VolleyPlan

/// All functions that a plan may call by name, beside the operators of `BuiltinFunction`. Each family is an extension of
/// its own file.
enum FunctionTable {
  private static let families: [[FunctionDefinition]] = [
    arithmetic,
    bitwise,
    classification,
    conditional,
    extremes,
    jsonExtraction,
    nested,
    powers,
    regularExpressions,
    rounding,
    sets,
    stringBuilding,
    stringCase,
    stringLengths,
    stringMatching,
    stringParts,
    temporal,
    trigonometry,
  ]

  private static let byName: [String: FunctionDefinition] = {
    var byName: [String: FunctionDefinition] = [:]
    for definition in families.joined() {
      let earlier = byName.updateValue(definition, forKey: definition.name)
      precondition(
        earlier == nil && BuiltinFunction(rawValue: definition.name) == nil,
        "the function \(definition.name) is defined once")
    }
    return byName
  }()

  static func definition(_ name: String) -> FunctionDefinition? { byName[name] }

  /// The names of all functions, operators included.
  static var names: [String] { BuiltinFunction.allCases.map(\.rawValue) + byName.keys.sorted() }
}

extension ExpressionTyping {
  /// A call of a function of the table, with its arguments cast to what the kernel takes.
  func call(_ definition: FunctionDefinition, _ arguments: [TypedExpression]) throws(Failure) -> TypedExpression {
    let call = FunctionCall(definition: definition, arguments: arguments)
    guard definition.arity.contains(arguments.count) else {
      let (low, high) = (definition.arity.lowerBound, definition.arity.upperBound)
      let expected =
        high == .max ? "\(low) or more arguments" : low == high ? count(low, "argument") : "\(low) to \(high) arguments"
      throw call.refusal("takes \(expected), found \(arguments.count)")
    }
    switch try definition.bind(call) {
    case .expression(let expression): return expression
    case .kernel(let function):
      precondition(function.argumentTypes.count == arguments.count, "a kernel has a type for each argument")
      var cast: [TypedExpression] = []
      for (argument, type) in zip(arguments, function.argumentTypes) {
        if argument.type != type, argument.adapted(to: type) == nil,
          let objection = CastRules.objection(from: argument.type, to: type)
        {
          throw call.refusal("an argument is \(argument.type), expected \(type) (\(objection))")
        }
        cast.append(argument.promoted(to: type))
      }
      return TypedExpression(
        .function(function, cast), function.resultType,
        nullable: function.makesNulls || cast.contains(where: \.nullable))
    }
  }
}
