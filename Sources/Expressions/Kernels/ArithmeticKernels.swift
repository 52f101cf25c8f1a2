import Arrow
import Base
import VolleyPlan

/// An operation on two integers that may not have a result.
protocol IntegerOperation {
  static var operation: ArithmeticOperation { get }
  /// The result, or anything when there is none; the sign bit of `failed` is then set. Free of branches.
  static func apply<Value: FixedWidthInteger & SignedInteger>(
    _ left: Value, _ right: Value, _ failed: inout Value
  ) -> Value
  /// Whether there is a result.
  static func succeeds<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Bool
}

/// Checked integer arithmetic. The loop computes every row, null ones as well, and collects in one word whether any
/// failed; only then are the rows looked at one by one, since the failed ones may all be null.
enum ArithmeticKernels {
  /// The operation on two operands of the type; what is no number is refused when the plan is made.
  @inline(never)  // Evaluation recurses beside it: in one frame with the loops a level would take 5 KiB of stack.
  static func column(
    _ operation: ArithmeticOperation, _ left: Operand, _ right: Operand, type: DataType, count: Int
  ) throws(Failure) -> Column {
    switch type {
    case .int32: try integers(operation, left, right, as: Int32.self, type: type, count: count)
    case .int64: try integers(operation, left, right, as: Int64.self, type: type, count: count)
    case .float64: floats(operation, left, right, count: count)
    default: preconditionFailure("there is no arithmetic on \(type)")
    }
  }

  @inline(never)  // As above.
  static func negated(_ column: Column) throws(Failure) -> Column {
    switch column.type {
    case .int32: try negatedIntegers(column, as: Int32.self)
    case .int64: try negatedIntegers(column, as: Int64.self)
    case .float64: negatedFloats(column)
    default: preconditionFailure("there is no arithmetic on \(column.type)")
    }
  }

  private static func integers<Value: FixedWidthInteger & SignedInteger & FixedValue>(
    _ operation: ArithmeticOperation, _ left: Operand, _ right: Operand, as _: Value.Type, type: DataType, count: Int
  ) throws(Failure) -> Column {
    switch operation {
    case .add: try shaped(CheckedAdd.self, left, right, as: Value.self, type, count)
    case .subtract: try shaped(CheckedSubtract.self, left, right, as: Value.self, type, count)
    case .multiply: try shaped(CheckedMultiply.self, left, right, as: Value.self, type, count)
    case .divide: try shaped(CheckedDivide.self, left, right, as: Value.self, type, count)
    case .modulo: try shaped(CheckedModulo.self, left, right, as: Value.self, type, count)
    }
  }

  private static func shaped<
    Operation: IntegerOperation, Value: FixedWidthInteger & SignedInteger & FixedValue
  >(
    _: Operation.Type, _ left: Operand, _ right: Operand, as _: Value.Type, _ type: DataType, _ count: Int
  ) throws(Failure) -> Column {
    switch (left, right) {
    case (.column(let a), .column(let b)):
      return try checked(
        Operation.self, ColumnInput<Value>(a), ColumnInput<Value>(b), commonValidity([a, b], count: count), type, count)
    case (.column(let a), .constant(let b)):
      return try checked(
        Operation.self, ColumnInput<Value>(a), ConstantInput(Value(b)), commonValidity([a], count: count), type, count)
    case (.constant(let a), .column(let b)):
      return try checked(
        Operation.self, ConstantInput(Value(a)), ColumnInput<Value>(b), commonValidity([b], count: count), type, count)
    case (.constant, .constant): preconditionFailure("arithmetic on constants is computed as on a column")
    }
  }

  private static func checked<
    Operation: IntegerOperation, Value: FixedWidthInteger & SignedInteger & FixedValue, Left: KernelInput,
    Right: KernelInput
  >(
    _: Operation.Type, _ left: Left, _ right: Right, _ validity: Buffer?, _ type: DataType, _ count: Int
  ) throws(Failure) -> Column where Left.Element == Value, Right.Element == Value {
    let target = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let values = target.unsafeMutableValues(Value.self)
    var failed: Value = 0
    for row in 0..<count { values[row] = Operation.apply(left[row], right[row], &failed) }
    if failed < 0 { try explain(Operation.self, left, right, validity, type, count) }
    return Column(type: type, length: count, validity: validity, buffers: [target])
  }

  /// Throws for the first row that holds values and has no result.
  @inline(never)
  private static func explain<
    Operation: IntegerOperation, Value: FixedWidthInteger, Left: KernelInput, Right: KernelInput
  >(
    _: Operation.Type, _ left: Left, _ right: Right, _ validity: Buffer?, _ type: DataType, _ count: Int
  ) throws(Failure) where Left.Element == Value, Right.Element == Value {
    for row in 0..<count where !Operation.succeeds(left[row], right[row]) {
      if let validity, !Bitmap.get(validity.address, row) { continue }
      throw ArithmeticFailure.noResult(
        Operation.operation, "\(left[row])", "\(right[row])", type, zero: right[row] == 0)
    }
  }

  /// IEEE 754: no failures, but infinities and NaN.
  private static func floats(_ operation: ArithmeticOperation, _ left: Operand, _ right: Operand, count: Int) -> Column
  {
    switch operation {
    case .add: floats(left, right, count) { $0 + $1 }
    case .subtract: floats(left, right, count) { $0 - $1 }
    case .multiply: floats(left, right, count) { $0 * $1 }
    case .divide: floats(left, right, count) { $0 / $1 }
    case .modulo: floats(left, right, count) { $0.truncatingRemainder(dividingBy: $1) }
    }
  }

  @inline(__always)  // So that the closure is part of each of the three loops.
  private static func floats(
    _ left: Operand, _ right: Operand, _ count: Int, _ apply: (Double, Double) -> Double
  ) -> Column {
    let target = Buffer(byteCount: count * 8)
    let values = target.unsafeMutableValues(Double.self)
    switch (left, right) {
    case (.column(let a), .column(let b)):
      let (a, b) = (a.values(Double.self), b.values(Double.self))
      for row in 0..<count { values[row] = apply(a[row], b[row]) }
    case (.column(let a), .constant(let b)):
      let (a, b) = (a.values(Double.self), Double(b))
      for row in 0..<count { values[row] = apply(a[row], b) }
    case (.constant(let a), .column(let b)):
      let (a, b) = (Double(a), b.values(Double.self))
      for row in 0..<count { values[row] = apply(a, b[row]) }
    case (.constant, .constant): preconditionFailure("arithmetic on constants is computed as on a column")
    }
    let validity = commonValidity([left.column, right.column], count: count)
    return Column(type: .float64, length: count, validity: validity, buffers: [target])
  }

  /// Zero minus the integer, checked.
  private static func negatedIntegers<Value: FixedWidthInteger & SignedInteger & FixedValue>(
    _ column: Column, as _: Value.Type
  ) throws(Failure) -> Column {
    let count = column.length
    let target = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let (values, source) = (target.unsafeMutableValues(Value.self), column.values(Value.self))
    var failed: Value = 0
    for row in 0..<count {
      let value = source[row]
      values[row] = 0 &- value
      failed |= value & (0 &- value)  // Both are negative for the least integer only.
    }
    if failed < 0 {
      for row in 0..<count where source[row] == .min && column.isValid(row) {
        throw ArithmeticFailure.doesNotFit("negate", "-(\(Value.min))", column.type)
      }
    }
    return Column(type: column.type, length: count, validity: commonValidity([column], count: count), buffers: [target])
  }

  private static func negatedFloats(_ column: Column) -> Column {
    let count = column.length
    let target = Buffer(byteCount: count * 8)
    let (values, source) = (target.unsafeMutableValues(Double.self), column.values(Double.self))
    for row in 0..<count { values[row] = -source[row] }
    return Column(type: column.type, length: count, validity: commonValidity([column], count: count), buffers: [target])
  }
}

/// The sentences for arithmetic without a result.
enum ArithmeticFailure {
  static func noResult(
    _ operation: ArithmeticOperation, _ left: String, _ right: String, _ type: DataType, zero: Bool
  ) -> Failure {
    let formula = "\(left) \(operation.symbol) \(right)"
    if zero, operation == .divide || operation == .modulo {
      return Failure(
        .data,
        "\(operation.rawValue): \(formula) has no result; "
          + "keep such rows out with a filter or a case, or divide as float64"
      )
    }
    return doesNotFit(operation.rawValue, formula, type)
  }

  static func doesNotFit(_ function: String, _ formula: String, _ type: DataType) -> Failure {
    let wider = type == .int32 ? "int64" : "float64"
    return Failure(
      .data,
      "\(function): \(formula) does not fit \(type); "
        + "cast to \(wider) first, or keep such rows out with a filter or a case"
    )
  }
}
