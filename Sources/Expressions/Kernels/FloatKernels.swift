import Arrow
import VolleyPlan

/// Arithmetic of IEEE 754: no failures, but infinities and NaN.
enum FloatKernels {
  static func arithmetic<Value: FloatValue>(
    _ operation: ArithmeticOperation, _ left: Operand, _ right: Operand, as _: Value.Type, _ type: DataType, count: Int
  ) -> Column {
    switch operation {
    case .add: combined(left, right, as: Value.self, type, count: count) { $0 + $1 }
    case .subtract: combined(left, right, as: Value.self, type, count: count) { $0 - $1 }
    case .multiply: combined(left, right, as: Value.self, type, count: count) { $0 * $1 }
    case .divide: combined(left, right, as: Value.self, type, count: count) { $0 / $1 }
    case .modulo: combined(left, right, as: Value.self, type, count: count) { $0.truncatingRemainder(dividingBy: $1) }
    }
  }

  /// The function of each row's two values. Not of two constants.
  @inline(__always)  // So that the closure is part of each of the three loops.
  static func combined<Value: FloatValue>(
    _ left: Operand, _ right: Operand, as _: Value.Type, _ type: DataType, count: Int, _ apply: (Value, Value) -> Value
  ) -> Column {
    let target = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let values = target.unsafeMutableValues(Value.self)
    switch (left, right) {
    case (.column(let a), .column(let b)):
      let (a, b) = (a.values(Value.self), b.values(Value.self))
      for row in 0..<count { values[row] = apply(a[row], b[row]) }
    case (.column(let a), .constant(let b)):
      let (a, b) = (a.values(Value.self), Value(b))
      for row in 0..<count { values[row] = apply(a[row], b) }
    case (.constant(let a), .column(let b)):
      let (a, b) = (Value(a), b.values(Value.self))
      for row in 0..<count { values[row] = apply(a, b[row]) }
    case (.constant, .constant): preconditionFailure("arithmetic on constants is computed as on a column")
    }
    let validity = commonValidity([left.column, right.column], count: count)
    return Column(type: type, length: count, validity: validity, buffers: [target])
  }

  /// The function of each value.
  @inline(__always)  // So that the closure is part of the loop.
  static func mapped<Value: FloatValue>(_ column: Column, as _: Value.Type, _ apply: (Value) -> Value) -> Column {
    let target = Buffer(byteCount: column.length * MemoryLayout<Value>.size)
    let (values, source) = (target.unsafeMutableValues(Value.self), column.values(Value.self))
    for row in 0..<column.length { values[row] = apply(source[row]) }
    return column.replacing(values: target, type: column.type)
  }
}
