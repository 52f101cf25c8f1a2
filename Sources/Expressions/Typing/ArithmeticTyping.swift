import VolleyPlan

/// The types that arithmetic is computed in.
enum ArithmeticTyping {
  /// The sides as the kernel takes them, and the type of the result; nil when the sides are no numbers. A null of no type
  /// is a number of the other side's type. float16 is computed as float32.
  static func resolve(
    _ operation: ArithmeticOperation, _ sides: [TypedExpression]
  ) -> (sides: [TypedExpression], type: DataType)? {
    let types = sides.map(\.type.decoded)
    guard types.allSatisfy({ $0.isNumeric || $0 == .null }) else { return nil }
    if types.allSatisfy({ $0 == .null }) { return (sides.map { $0.promoted(to: .int64) }, .int64) }
    if types.contains(where: \.isDecimal), !types.contains(where: { $0.floatBits != nil }) {
      return decimals(operation, sides)
    }
    guard let unified = Promotion.unify(sides) else { return nil }
    guard unified[0].type == .float16 else { return (unified, unified[0].type) }
    return (unified.map { $0.promoted(to: .float32) }, .float32)
  }

  private static func decimals(
    _ operation: ArithmeticOperation, _ sides: [TypedExpression]
  ) -> (sides: [TypedExpression], type: DataType)? {
    let other = sides[0].type.decoded.isDecimal ? sides[0].type.decoded : sides[1].type.decoded
    // A literal counts with the digits that it has, not with those of its type.
    let types = sides.map { side in
      side.literalDecimal ?? DecimalTypes.holding(side.type.decoded) ?? other
    }
    guard let rule = DecimalTypes.arithmetic(operation, types[0], types[1]) else { return nil }
    return ([sides[0].promoted(to: rule.left), sides[1].promoted(to: rule.right)], rule.result)
  }

  /// The type of a negated value; nil for what is no number. Unsigned integers become signed ones that hold the result.
  static func negated(_ type: DataType) -> DataType? {
    switch type.decoded {
    case .uint8: .int16
    case .uint16: .int32
    case .uint32, .uint64, .null: .int64
    case .float16: .float32
    case let type: type.isNumeric ? type : nil
    }
  }
}

extension TypedExpression {
  /// The smallest decimal that holds an integer literal.
  fileprivate var literalDecimal: DataType? {
    guard let value = integerLiteral else { return nil }
    return .decimal128(precision: String(value.magnitude).count, scale: 0)
  }
}
