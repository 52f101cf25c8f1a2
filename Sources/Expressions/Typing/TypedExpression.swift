import VolleyPlan

/// An expression whose names are resolved, whose types are known, and in which every implicit conversion is a cast.
struct TypedExpression {
  var node: Node
  var type: DataType
  /// Whether a row's value may be null.
  var nullable: Bool

  indirect enum Node {
    /// Index in the schema.
    case column(Int)
    case literal(Literal)
    case call(BuiltinFunction, [TypedExpression])
    case function(BoundFunction, [TypedExpression])
    /// To the expression's type.
    case cast(TypedExpression)
    /// As `cast`, but null where that fails.
    case tryCast(TypedExpression)
    case caseWhen([Branch], otherwise: TypedExpression?)
    case userFunction(Expression.UserFunction, [TypedExpression])
  }

  struct Branch {
    var condition: TypedExpression
    var value: TypedExpression
  }

  init(_ node: Node, _ type: DataType, nullable: Bool) {
    self.node = node
    self.type = type
    self.nullable = nullable
  }

  init(_ literal: Literal) {
    node = .literal(literal)
    type = literal.type
    nullable = if case .null = literal { true } else { false }
  }
}

extension TypedExpression {
  /// The same value as `target`, by a cast when it is of another type.
  func promoted(to target: DataType) -> TypedExpression {
    if type == target { return self }
    if let adapted = adapted(to: target) { return adapted }
    return TypedExpression(.cast(self), target, nullable: nullable)
  }

  /// An integer literal as a literal of another numeric type that holds its value; nil for everything else.
  func adapted(to target: DataType) -> TypedExpression? {
    guard let integer = integerLiteral else { return nil }
    switch target {
    case .int32: return Int32(exactly: integer).map { TypedExpression(.int32($0)) }
    case .int64: return TypedExpression(.int64(integer))
    case .float64: return TypedExpression(.float64(Double(integer)))
    default: return nil
    }
  }

  var isIntegerLiteral: Bool { integerLiteral != nil }

  private var integerLiteral: Int64? {
    switch node {
    case .literal(.int32(let value)): Int64(value)
    case .literal(.int64(let value)): value
    default: nil
    }
  }
}
