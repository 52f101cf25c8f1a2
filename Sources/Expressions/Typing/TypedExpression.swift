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
    case .int64: return Int64(exactly: integer).map { TypedExpression(.int64($0)) }
    case .float64: return TypedExpression(.float64(Double(integer)))
    case .float32: return Float(exactly: integer).map { TypedExpression(.float(Double($0), target)) }
    case .float16: return Float16(exactly: integer).map { TypedExpression(.float(Double($0), target)) }
    case .decimal128(let precision, let scale):
      guard scale >= 0, scale <= 38 else { return nil }
      let (value, overflow) = integer.multipliedReportingOverflow(by: DecimalPowers.signed(scale))
      let fits = !overflow && value.magnitude < DecimalPowers.unsigned(precision)
      return fits ? TypedExpression(.integer(value, target)) : nil
    default:
      guard let shape = target.integerShape else { return nil }
      let low: Int128 = shape.isSigned ? -(1 << (shape.bits - 1)) : 0
      let high: Int128 = 1 << (shape.isSigned ? shape.bits - 1 : shape.bits)
      return integer >= low && integer < high ? TypedExpression(.integer(integer, target)) : nil
    }
  }

  var isIntegerLiteral: Bool { integerLiteral != nil }

  /// The value of a literal of an integer type.
  var integerLiteral: Int128? {
    switch node {
    case .literal(.int32(let value)): Int128(value)
    case .literal(.int64(let value)): Int128(value)
    case .literal(.integer(let value, let type)) where type.isInteger: value
    default: nil
    }
  }
}
