import VolleyPlan

/// Precision and scale of results of decimal arithmetic: SQL's rules as pyarrow has them, with a ceiling of 38 digits where
/// pyarrow refuses.
/// Source: https://arrow.apache.org/docs/cpp/compute.html#arithmetic-functions
enum DecimalTypes {
  static let largestPrecision = 38

  /// The type that holds every value of both, as far as 38 digits go.
  static func common(_ left: DataType, _ right: DataType) -> DataType? {
    guard case .decimal128(let leftPrecision, let leftScale) = left,
      case .decimal128(let rightPrecision, let rightScale) = right
    else { return nil }
    let scale = max(leftScale, rightScale)
    let digits = max(leftPrecision - leftScale, rightPrecision - rightScale)
    return of(digits + scale, scale)
  }

  /// The decimal that holds every value of an integer type.
  static func holding(_ type: DataType) -> DataType? {
    let digits: Int
    switch type {
    case .int8, .uint8: digits = 3
    case .int16, .uint16: digits = 5
    case .int32, .uint32: digits = 10
    case .int64: digits = 19
    case .uint64: digits = 20
    case .decimal128: return type
    default: return nil
    }
    return .decimal128(precision: digits, scale: 0)
  }

  /// The types that the sides of an operation are cast to, and the type of its result; nil when there is none.
  static func arithmetic(
    _ operation: ArithmeticOperation, _ left: DataType, _ right: DataType
  ) -> (left: DataType, right: DataType, result: DataType)? {
    guard case .decimal128(let leftPrecision, let leftScale) = left,
      case .decimal128(let rightPrecision, let rightScale) = right
    else { return nil }
    switch operation {
    case .add, .subtract, .modulo:
      let scale = max(leftScale, rightScale)
      let (leftDigits, rightDigits) = (leftPrecision - leftScale, rightPrecision - rightScale)
      let digits = operation == .modulo ? min(leftDigits, rightDigits) : max(leftDigits, rightDigits) + 1
      guard let sideLeft = of(leftDigits + scale, scale), let sideRight = of(rightDigits + scale, scale),
        let result = of(digits + scale, scale)
      else { return nil }
      return (sideLeft, sideRight, result)
    case .multiply:
      return of(leftPrecision + rightPrecision + 1, leftScale + rightScale).map { (left, right, $0) }
    case .divide:
      var scale = max(4, leftScale + rightPrecision - rightScale + 1)
      let digits = leftPrecision - leftScale + rightScale
      // As many places as there is room for, but no fewer than six where there are as many.
      if digits + scale > largestPrecision { scale = max(largestPrecision - digits, min(scale, 6)) }
      let shift = scale - leftScale + rightScale
      guard shift >= 0, shift <= largestPrecision, let result = of(digits + scale, scale) else { return nil }
      return (left, right, result)
    }
  }

  /// Nil for a scale that no decimal of 38 digits is computed with.
  private static func of(_ precision: Int, _ scale: Int) -> DataType? {
    guard scale <= largestPrecision, scale >= -largestPrecision else { return nil }
    return .decimal128(precision: min(largestPrecision, max(1, precision)), scale: scale)
  }
}
