import Arrow
import Base
import VolleyPlan

/// The bits of integers, in the type in which they meet.
extension FunctionTable {
  static var bitwise: [FunctionDefinition] {
    [
      binary("bit_and", BitAnd.self), binary("bit_or", BitOr.self), binary("bit_xor", BitXor.self),
      FunctionDefinition("bit_not", "bit_not(value)", arity: 1...1) { call throws(Failure) in
        let (type, arguments) = try call.integers()
        return call.kernel(arguments, type, cost: 0.4) { operands, count throws(Failure) in
          try BitwiseKernels.not(operands[0].column(count))
        }
      },
      shift("shift_left", ShiftLeft.self), shift("shift_right", ShiftRight.self),
    ]
  }

  private static func binary<Operation: BitOperation>(_ name: String, _: Operation.Type) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(left, right)", arity: 2...2) { call throws(Failure) in
      let (type, sides) = try call.integers()
      return call.kernel(sides, type, cost: 0.5) { operands, count throws(Failure) in
        try BitwiseKernels.column(Operation.self, operands[0].column(count), operands[1].column(count), name)
      }
    }
  }

  /// By 0 bits or more, and by fewer than the type has. A shift to the right fills with the sign.
  private static func shift<Operation: BitOperation>(_ name: String, _: Operation.Type) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(value, bits)", arity: 2...2) { call throws(Failure) in
      let (type, sides) = try call.integers()
      return call.kernel(sides, type, isFallible: true, cost: 1) { operands, count throws(Failure) in
        try BitwiseKernels.column(Operation.self, operands[0].column(count), operands[1].column(count), name)
      }
    }
  }
}

/// An operation on the bits of two integers.
private protocol BitOperation: Sendable {
  static func apply<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Value
  static func succeeds<Value: FixedWidthInteger>(_ right: Value) -> Bool
}

// Inlined so that the loop over them is vectorised.

private enum BitAnd: BitOperation {
  @inline(__always) static func apply<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Value { left & right }
  @inline(__always) static func succeeds<Value: FixedWidthInteger>(_ right: Value) -> Bool { true }
}

private enum BitOr: BitOperation {
  @inline(__always) static func apply<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Value { left | right }
  @inline(__always) static func succeeds<Value: FixedWidthInteger>(_ right: Value) -> Bool { true }
}

private enum BitXor: BitOperation {
  @inline(__always) static func apply<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Value { left ^ right }
  @inline(__always) static func succeeds<Value: FixedWidthInteger>(_ right: Value) -> Bool { true }
}

private enum ShiftLeft: BitOperation {
  // The masking shift never traps; rows that it masks fail.
  @inline(__always)
  static func apply<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Value { left &<< right }
  @inline(__always)
  static func succeeds<Value: FixedWidthInteger>(_ right: Value) -> Bool {
    right >= 0 && right < Value(truncatingIfNeeded: Value.bitWidth)
  }
}

private enum ShiftRight: BitOperation {
  @inline(__always)  // As above.
  static func apply<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Value { left &>> right }
  @inline(__always)
  static func succeeds<Value: FixedWidthInteger>(_ right: Value) -> Bool { ShiftLeft.succeeds(right) }
}

private enum BitwiseKernels {
  static func column<Operation: BitOperation>(
    _: Operation.Type, _ left: Column, _ right: Column, _ name: String
  ) throws(Failure) -> Column {
    switch left.type {
    case .int8: try loop(Operation.self, left, right, Int8.self, name)
    case .int16: try loop(Operation.self, left, right, Int16.self, name)
    case .int32: try loop(Operation.self, left, right, Int32.self, name)
    case .int64: try loop(Operation.self, left, right, Int64.self, name)
    case .uint8: try loop(Operation.self, left, right, UInt8.self, name)
    case .uint16: try loop(Operation.self, left, right, UInt16.self, name)
    case .uint32: try loop(Operation.self, left, right, UInt32.self, name)
    default: try loop(Operation.self, left, right, UInt64.self, name)
    }
  }

  private static func loop<Operation: BitOperation, Value: IntegerValue>(
    _: Operation.Type, _ left: Column, _ right: Column, _: Value.Type, _ name: String
  ) throws(Failure) -> Column {
    let count = left.length
    let buffer = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let values = buffer.unsafeMutableValues(Value.self)
    let (lefts, rights) = (left.values(Value.self), right.values(Value.self))
    var failed = 0
    for row in 0..<count {
      values[row] = Operation.apply(lefts[row], rights[row])
      failed |= Operation.succeeds(rights[row]) ? 0 : 1
    }
    let validity = commonValidity([left, right], count: count)
    if failed != 0 {
      _ = try FailurePolicy.stop.settle(validity, count: count) { row in
        Operation.succeeds(rights[row])
      } failure: { row in
        Failure(
          .data,
          "\(name): \(lefts[row]) cannot be shifted by \(rights[row]) bits; a shift of \(left.type) is by 0 to "
            + "\(Value.bitWidth - 1); keep such rows out with a filter or a case")
      }
    }
    return Column(type: left.type, length: count, validity: validity, buffers: [buffer])
  }

  static func not(_ column: Column) -> Column {
    switch column.type.integerShape?.bits {
    case 8: CheckedCast.mapped(column, column.type) { (value: UInt8) in ~value }
    case 16: CheckedCast.mapped(column, column.type) { (value: UInt16) in ~value }
    case 32: CheckedCast.mapped(column, column.type) { (value: UInt32) in ~value }
    default: CheckedCast.mapped(column, column.type) { (value: UInt64) in ~value }
    }
  }
}
