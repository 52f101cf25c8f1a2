import Base
import VolleyPlan

/// Functions that choose among values. They are cases, so that a value is computed only for the rows that take it.
extension FunctionTable {
  static var conditional: [FunctionDefinition] { [coalesce, nullIf, between] }

  /// The first argument that is not null.
  private static let coalesce = FunctionDefinition("coalesce", "coalesce(a, b, …)", arity: 1...Int.max) {
    call throws(Failure) in
    guard let values = Promotion.unify(call.arguments) else {
      let types = call.types.map(\.description).joined(separator: ", ")
      throw call.refusal("the values are \(types), which have no common type; cast them to one type")
    }
    // What follows a value that is never null is never taken.
    let last = values.firstIndex { !$0.nullable } ?? values.count - 1
    let branches = values[..<last].map { value in
      TypedExpression.Branch(
        condition: TypedExpression(.call(.isNotNull, [value]), .bool, nullable: false), value: value)
    }
    if branches.isEmpty { return .expression(values[last]) }
    return .expression(
      TypedExpression(.caseWhen(branches, otherwise: values[last]), values[0].type, nullable: values[last].nullable))
  }

  /// Null where both arguments are equal, else the first.
  private static let nullIf = FunctionDefinition("null_if", "null_if(value, other)", arity: 2...2) {
    call throws(Failure) in
    guard let sides = Promotion.unify(call.arguments, by: Promotion.compared) else {
      throw call.refusal("\(call.types[0]) and \(call.types[1]) cannot be compared; cast one to the type of the other")
    }
    let value = call.arguments[0]
    let equal = TypedExpression(.call(.equal, sides), .bool, nullable: sides.contains(where: \.nullable))
    let branch = TypedExpression.Branch(condition: equal, value: TypedExpression(.null(value.type)))
    return .expression(TypedExpression(.caseWhen([branch], otherwise: value), value.type, nullable: true))
  }

  /// Whether a value lies between two others, both included.
  private static let between = FunctionDefinition("between", "between(value, low, high)", arity: 3...3) {
    call throws(Failure) in
    func side(_ function: BuiltinFunction, _ bound: TypedExpression) throws(Failure) -> TypedExpression {
      guard let sides = Promotion.unify([call.arguments[0], bound], by: Promotion.compared) else {
        throw call.refusal("\(call.types[0]) and \(bound.type) cannot be compared; cast one to the type of the other")
      }
      return TypedExpression(.call(function, sides), .bool, nullable: sides.contains(where: \.nullable))
    }
    let low = try side(.greaterThanOrEqual, call.arguments[1])
    let high = try side(.lessThanOrEqual, call.arguments[2])
    return .expression(TypedExpression(.call(.and, [low, high]), .bool, nullable: low.nullable || high.nullable))
  }
}
