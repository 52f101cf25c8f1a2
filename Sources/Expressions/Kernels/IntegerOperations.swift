// Each `apply` and `succeeds` is inlined so that the loop over it is one loop of machine code, vectorised where the
// processor can: checked Int64 addition takes 0.2 ns a row, and 2 ns when it is called.

enum CheckedAdd: IntegerOperation {
  static let operation = ArithmeticOperation.add

  @inline(__always)
  static func apply<Value: FixedWidthInteger>(
    _ left: Value, _ right: Value, _ failed: inout Value
  ) -> Value {
    let sum = left &+ right
    // Signed: the sum's sign differs from that of both. Unsigned: the carry out of the top bit.
    failed |= Value.isSigned ? (left ^ sum) & (right ^ sum) : (left & right) | ((left | right) & ~sum)
    return sum
  }

  static func succeeds<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Bool {
    !left.addingReportingOverflow(right).overflow
  }
}

enum CheckedSubtract: IntegerOperation {
  static let operation = ArithmeticOperation.subtract

  @inline(__always)
  static func apply<Value: FixedWidthInteger>(
    _ left: Value, _ right: Value, _ failed: inout Value
  ) -> Value {
    let difference = left &- right
    // Signed: the sides' signs differ, and the result has the right one's. Unsigned: the borrow into the top bit.
    failed |=
      Value.isSigned
      ? (left ^ right) & (left ^ difference) : (~left & right) | (~(left ^ right) & difference)
    return difference
  }

  static func succeeds<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Bool {
    !left.subtractingReportingOverflow(right).overflow
  }
}

enum CheckedMultiply: IntegerOperation {
  static let operation = ArithmeticOperation.multiply

  @inline(__always)
  static func apply<Value: FixedWidthInteger>(
    _ left: Value, _ right: Value, _ failed: inout Value
  ) -> Value {
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    failed |= overflow ? ~0 : 0
    return product
  }

  static func succeeds<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Bool {
    !left.multipliedReportingOverflow(by: right).overflow
  }
}

/// The quotient, truncated toward zero.
enum CheckedDivide: IntegerOperation {
  static let operation = ArithmeticOperation.divide

  @inline(__always)
  static func apply<Value: FixedWidthInteger>(
    _ left: Value, _ right: Value, _ failed: inout Value
  ) -> Value {
    let fails = !succeeds(left, right)
    failed |= fails ? ~0 : 0
    return left / (fails ? 1 : right)
  }

  @inline(__always)
  static func succeeds<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Bool {
    right != 0 && !(Value.isSigned && right == ~0 && left == .min)  // ~0 is -1.
  }
}

/// The remainder of the truncated quotient: it has the sign of the left side. As its quotient does not fit, the least
/// integer modulo -1 has no result.
enum CheckedModulo: IntegerOperation {
  static let operation = ArithmeticOperation.modulo

  @inline(__always)
  static func apply<Value: FixedWidthInteger>(
    _ left: Value, _ right: Value, _ failed: inout Value
  ) -> Value {
    let fails = !CheckedDivide.succeeds(left, right)
    failed |= fails ? ~0 : 0
    return left % (fails ? 1 : right)
  }

  static func succeeds<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Bool {
    CheckedDivide.succeeds(left, right)
  }
}
