/// By type and value, so that two literals are equal only where no expression tells them apart. Text is compared by its
/// bytes: Swift's own equality takes letters for equal that are composed differently. Floats are compared by their bits
/// (0.0 is not -0.0), but all NaNs are equal.
extension Literal {
  public static func == (left: Literal, right: Literal) -> Bool {
    switch (left, right) {
    case (.bool(let left), .bool(let right)): left == right
    case (.int32(let left), .int32(let right)): left == right
    case (.int64(let left), .int64(let right)): left == right
    case (.float64(let left), .float64(let right)): bits(left) == bits(right)
    case (.utf8(let left), .utf8(let right)): left.utf8.elementsEqual(right.utf8)
    case (.timestamp(let left, let leftUnit, let leftZone), .timestamp(let right, let rightUnit, let rightZone)):
      left == right && leftUnit == rightUnit && leftZone == rightZone
    case (.null(let left), .null(let right)): left == right
    case (.integer(let left, let leftType), .integer(let right, let rightType)): left == right && leftType == rightType
    case (.float(let left, let leftType), .float(let right, let rightType)):
      bits(left) == bits(right) && leftType == rightType
    case (.string(let left, let leftType), .string(let right, let rightType)):
      left.utf8.elementsEqual(right.utf8) && leftType == rightType
    case (.binary(let left, let leftType), .binary(let right, let rightType)): left == right && leftType == rightType
    case (
      .interval(let leftMonths, let leftDays, let left, let leftUnit),
      .interval(let rightMonths, let rightDays, let right, let rightUnit)
    ):
      leftMonths == rightMonths && leftDays == rightDays && left == right && leftUnit == rightUnit
    case (.nested(let left, let leftType), .nested(let right, let rightType)): left == right && leftType == rightType
    default: false
    }
  }

  public func hash(into hasher: inout Hasher) {
    // Values of different types may share a hash: few places hold literals of more than one.
    switch self {
    case .bool(let value): hasher.combine(value)
    case .int32(let value): hasher.combine(value)
    case .int64(let value), .timestamp(let value, _, _): hasher.combine(value)
    case .float64(let value), .float(let value, _): hasher.combine(Self.bits(value))
    case .utf8(let value), .string(let value, _):
      var value = value
      value.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    case .null(let type): hasher.combine(type)
    case .integer(let value, _): hasher.combine(value)
    case .binary(let bytes, _): hasher.combine(bytes)
    case .interval(let months, let days, let nanoseconds, _):
      hasher.combine(months)
      hasher.combine(days)
      hasher.combine(nanoseconds)
    case .nested(let items, _): hasher.combine(items)
    }
  }

  private static func bits(_ value: Double) -> UInt64 { value.isNaN ? Double.nan.bitPattern : value.bitPattern }
}
