import Arrow
import Base
import VolleyPlan

extension Expression {
  /// The type of the expression's values over rows of `schema`, and whether they may be null.
  ///
  /// Throws a `usage` failure, in one sentence, for a column or function that does not exist and for types that do not
  /// fit.
  public func resolvedType(in schema: Schema) throws(Failure) -> (type: DataType, nullable: Bool) {
    let typed = try typed(in: schema)
    return (typed.type, typed.nullable)
  }

  func typed(in schema: Schema) throws(Failure) -> TypedExpression {
    try ExpressionTyping(schema: schema).resolve(self, depth: 1)
  }
}

/// Resolves names and types of expressions over one schema.
struct ExpressionTyping {
  /// Deepest nesting that is accepted: what evaluates an expression recurses into it.
  static let depthLimit = 256

  let schema: Schema

  func resolve(_ expression: Expression, depth: Int) throws(Failure) -> TypedExpression {
    guard depth <= Self.depthLimit else {
      throw Failure(
        .usage,
        "an expression is nested more than \(Self.depthLimit) levels deep; compute parts of it in an earlier step")
    }
    switch expression {
    case .column(let name): return try column(name)
    case .literal(let literal):
      if let objection = LiteralRules.objection(to: literal) {
        throw Failure(.usage, "a constant of \(literal.type) in the plan is none: \(objection)")
      }
      return TypedExpression(literal)
    case .call(let name, let arguments):
      let arguments = try resolve(arguments, depth: depth + 1)
      if let definition = FunctionTable.definition(name) { return try call(definition, arguments) }
      return try call(try builtin(name), arguments)
    case .cast(let argument, let type): return try cast(try resolve(argument, depth: depth + 1), to: type)
    case .tryCast(let argument, let type):
      let cast = try cast(try resolve(argument, depth: depth + 1), to: type)
      guard case .cast(let argument) = cast.node else { return cast }
      return TypedExpression(.tryCast(argument), type, nullable: true)
    case .caseWhen(let branches, let otherwise):
      return try caseWhen(branches, otherwise: otherwise, depth: depth + 1)
    case .userFunction(let function):
      return try userFunction(function, try resolve(function.arguments, depth: depth + 1))
    }
  }

  private func resolve(_ expressions: [Expression], depth: Int) throws(Failure) -> [TypedExpression] {
    var resolved: [TypedExpression] = []
    for expression in expressions { resolved.append(try resolve(expression, depth: depth)) }
    return resolved
  }

  private func column(_ name: String) throws(Failure) -> TypedExpression {
    guard let index = schema.index(of: name) else {
      let names = schema.fields.map(\.name)
      throw Failure(
        .usage,
        names.isEmpty
          ? "there is no column '\(name)': the input has no columns"
          : "there is no column '\(name)'; the input has \(namesNearestFirst(to: name, among: names))")
    }
    let field = schema.fields[index]
    return TypedExpression(.column(index), field.type, nullable: field.nullable)
  }

  private func builtin(_ name: String) throws(Failure) -> BuiltinFunction {
    guard let function = BuiltinFunction(rawValue: name) else {
      throw Failure(
        .usage,
        "there is no function '\(name)'; there are \(namesNearestFirst(to: name, among: FunctionTable.names, limit: 24))"
      )
    }
    return function
  }

  private func cast(_ argument: TypedExpression, to type: DataType) throws(Failure) -> TypedExpression {
    if argument.type == type { return argument }
    if let objection = CastRules.objection(from: argument.type, to: type) {
      throw Failure(.usage, "cast: \(argument.type) cannot be cast to \(type): \(objection)")
    }
    return TypedExpression(.cast(argument), type, nullable: argument.nullable)
  }

  private func caseWhen(
    _ branches: [Expression.Branch], otherwise: Expression?, depth: Int
  ) throws(Failure) -> TypedExpression {
    guard !branches.isEmpty else {
      throw Failure(.usage, "case: there is no branch; give at least one condition with its value")
    }
    var conditions: [TypedExpression] = []
    var values: [TypedExpression] = []
    for branch in branches {
      let condition = try resolve(branch.condition, depth: depth)
      guard condition.type == .bool else {
        throw Failure(.usage, "case: a condition is \(condition.type) and must be bool; compare it with something")
      }
      conditions.append(condition)
      values.append(try resolve(branch.value, depth: depth))
    }
    if let otherwise { values.append(try resolve(otherwise, depth: depth)) }
    guard let unified = Promotion.unify(values) else {
      let types = values.map(\.type.description).joined(separator: ", ")
      throw Failure(.usage, "case: the values are \(types), which have no common type; cast them to one type")
    }
    let typedBranches = zip(conditions, unified).map { TypedExpression.Branch(condition: $0, value: $1) }
    let typedOtherwise = otherwise == nil ? nil : unified[unified.count - 1]
    return TypedExpression(
      .caseWhen(typedBranches, otherwise: typedOtherwise), unified[0].type,
      nullable: otherwise == nil || unified.contains(where: \.nullable))
  }

  private func userFunction(
    _ function: Expression.UserFunction, _ arguments: [TypedExpression]
  ) throws(Failure) -> TypedExpression {
    let types = function.parameterTypes
    guard arguments.count == types.count else {
      throw Failure(
        .usage,
        "the function '\(function.function)' takes \(count(types.count, "argument")), found \(arguments.count); "
          + "it takes (\(types.map(\.description).joined(separator: ", ")))")
    }
    var promoted: [TypedExpression] = []
    for (index, (argument, type)) in zip(arguments, types).enumerated() {
      guard argument.type == type || argument.adapted(to: type) != nil || Promotion.common(argument.type, type) == type
      else {
        throw Failure(
          .usage,
          "the function '\(function.function)' takes \(type) as argument \(index + 1), found \(argument.type); "
            + "cast it to \(type)")
      }
      promoted.append(argument.promoted(to: type))
    }
    return TypedExpression(.userFunction(function, promoted), function.resultType, nullable: true)
  }
}

/// "1 argument", "2 arguments".
func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
