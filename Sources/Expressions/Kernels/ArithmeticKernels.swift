import Arrow
import Base
import VolleyPlan

/// An operation on two integers that may not have a result.
protocol IntegerOperation {
  static var operation: ArithmeticOperation { get }
  /// The result, or what wraps around when there is none; the top bit of `failed` is then set. Free of branches.
  static func apply<Value: FixedWidthInteger>(_ left: Value, _ right: Value, _ failed: inout Value) -> Value
  /// Whether there is a result.
  static func succeeds<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Bool
}

/// Integer arithmetic, checked or not. The loop computes every row, null ones as well, and collects in one word whether
/// any failed; only then are the rows looked at one by one, since the failed ones may all be null.
enum ArithmeticKernels {
  /// The operation on two operands of the type (decimals: of any two decimals), at least one a column; what is no number is
  /// refused when the plan is made.
  @inline(never)  // Evaluation recurses beside it: in one frame with the loops a level would take 5 KiB of stack.
  static func column(
    _ operation: ArithmeticOperation, _ left: Operand, _ right: Operand, type: DataType, count: Int,
    onFailure policy: FailurePolicy = .stop
  ) throws(Failure) -> Column {
    switch type {
    case .int8: try integers(operation, left, right, as: Int8.self, type, count, policy)
    case .int16: try integers(operation, left, right, as: Int16.self, type, count, policy)
    case .int32: try integers(operation, left, right, as: Int32.self, type, count, policy)
    case .int64: try integers(operation, left, right, as: Int64.self, type, count, policy)
    case .uint8: try integers(operation, left, right, as: UInt8.self, type, count, policy)
    case .uint16: try integers(operation, left, right, as: UInt16.self, type, count, policy)
    case .uint32: try integers(operation, left, right, as: UInt32.self, type, count, policy)
    case .uint64: try integers(operation, left, right, as: UInt64.self, type, count, policy)
    case .float32: FloatKernels.arithmetic(operation, left, right, as: Float.self, type, count: count)
    case .float64: FloatKernels.arithmetic(operation, left, right, as: Double.self, type, count: count)
    case .decimal128: try DecimalKernels.column(operation, left, right, type: type, count: count, onFailure: policy)
    default: preconditionFailure("there is no arithmetic on \(type)")
    }
  }

  /// Zero minus the value: of a signed type, or wrapping.
  @inline(never)  // As above.
  static func negated(_ column: Column, onFailure policy: FailurePolicy = .stop) throws(Failure) -> Column {
    switch column.type {
    case .int8: try negatedIntegers(column, as: Int8.self, policy)
    case .int16: try negatedIntegers(column, as: Int16.self, policy)
    case .int32: try negatedIntegers(column, as: Int32.self, policy)
    case .int64: try negatedIntegers(column, as: Int64.self, policy)
    case .uint8: try negatedIntegers(column, as: UInt8.self, policy)
    case .uint16: try negatedIntegers(column, as: UInt16.self, policy)
    case .uint32: try negatedIntegers(column, as: UInt32.self, policy)
    case .uint64: try negatedIntegers(column, as: UInt64.self, policy)
    case .float32: FloatKernels.mapped(column, as: Float.self) { -$0 }
    case .float64: FloatKernels.mapped(column, as: Double.self) { -$0 }
    // Its magnitude stays below 10^38.
    case .decimal128: try negatedIntegers(column, as: Int128.self, .wrap)
    default: preconditionFailure("there is no arithmetic on \(column.type)")
    }
  }

  private static func integers<Value: IntegerValue>(
    _ operation: ArithmeticOperation, _ left: Operand, _ right: Operand, as _: Value.Type, _ type: DataType,
    _ count: Int, _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    switch operation {
    case .add: try shaped(CheckedAdd.self, left, right, as: Value.self, type, count, policy)
    case .subtract: try shaped(CheckedSubtract.self, left, right, as: Value.self, type, count, policy)
    case .multiply: try shaped(CheckedMultiply.self, left, right, as: Value.self, type, count, policy)
    case .divide: try shaped(CheckedDivide.self, left, right, as: Value.self, type, count, policy)
    case .modulo: try shaped(CheckedModulo.self, left, right, as: Value.self, type, count, policy)
    }
  }

  private static func shaped<Operation: IntegerOperation, Value: IntegerValue>(
    _: Operation.Type, _ left: Operand, _ right: Operand, as _: Value.Type, _ type: DataType, _ count: Int,
    _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    let validity = commonValidity([left.column, right.column], count: count)
    switch (left, right) {
    case (.column(let a), .column(let b)):
      return try checked(
        Operation.self, ColumnInput<Value>(a), ColumnInput<Value>(b), validity, type, count, policy)
    case (.column(let a), .constant(let b)):
      return try checked(
        Operation.self, ColumnInput<Value>(a), ConstantInput(Value(b)), validity, type, count, policy)
    case (.constant(let a), .column(let b)):
      return try checked(
        Operation.self, ConstantInput(Value(a)), ColumnInput<Value>(b), validity, type, count, policy)
    case (.constant, .constant): preconditionFailure("arithmetic on constants is computed as on a column")
    }
  }

  private static func checked<Operation: IntegerOperation, Value: IntegerValue, Left: KernelInput, Right: KernelInput>(
    _: Operation.Type, _ left: Left, _ right: Right, _ validity: Buffer?, _ type: DataType, _ count: Int,
    _ policy: FailurePolicy
  ) throws(Failure) -> Column where Left.Element == Value, Right.Element == Value {
    let target = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let values = target.unsafeMutableValues(Value.self)
    var failed: Value = 0
    for row in 0..<count { values[row] = Operation.apply(left[row], right[row], &failed) }
    var validity = validity
    if failed.leadingZeroBitCount == 0 {
      validity = try settle(Operation.self, left, right, validity, type, count, policy)
    }
    return Column(type: type, length: count, validity: validity, buffers: [target])
  }

  @inline(never)  // Off the path of batches that do not fail.
  private static func settle<Operation: IntegerOperation, Value: IntegerValue, Left: KernelInput, Right: KernelInput>(
    _: Operation.Type, _ left: Left, _ right: Right, _ validity: Buffer?, _ type: DataType, _ count: Int,
    _ policy: FailurePolicy
  ) throws(Failure) -> Buffer? where Left.Element == Value, Right.Element == Value {
    try policy.settle(validity, count: count) { row in
      Operation.succeeds(left[row], right[row])
    } failure: { row in
      ArithmeticFailure.noResult(Operation.operation, "\(left[row])", "\(right[row])", type, zero: right[row] == 0)
    }
  }

  /// Zero minus the integer.
  private static func negatedIntegers<Value: FixedWidthInteger & BitwiseCopyable>(
    _ column: Column, as _: Value.Type, _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    let count = column.length
    let target = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let (values, source) = (target.unsafeMutableValues(Value.self), column.values(Value.self))
    var failed: Value = 0
    for row in 0..<count {
      let value = source[row]
      values[row] = 0 &- value
      failed |= value & (0 &- value)  // Both have the top bit for the least integer only.
    }
    var validity = commonValidity([column], count: count)
    if policy != .wrap, failed.leadingZeroBitCount == 0 {
      validity = try policy.settle(validity, count: count) { row in
        source[row] != .min
      } failure: { _ in
        ArithmeticFailure.doesNotFit("negate", "-(\(Value.min))", column.type)
      }
    }
    return Column(type: column.type, length: count, validity: validity, buffers: [target])
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
    let wider: DataType =
      switch type {
      case .int8, .int16, .int32, .uint8, .uint16, .uint32: .int64
      default: .float64
      }
    return Failure(
      .data,
      "\(function): \(formula) does not fit \(type); "
        + "cast to \(wider) first, or keep such rows out with a filter or a case"
    )
  }
}
