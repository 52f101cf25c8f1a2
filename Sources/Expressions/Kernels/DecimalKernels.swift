import Arrow
import Base
import VolleyPlan

/// What an operation on decimals needs to know of their scales.
struct DecimalBounds {
  /// 10 to the power of the result's precision: its magnitude stays below.
  let limit: UInt128
  /// What the left side of a division is multiplied with so that the quotient has the result's scale.
  let factor: UInt128

  @inline(__always)  // A comparison in the loops over it.
  func holds(_ value: Int128) -> Bool { value.magnitude < limit }
}

/// An operation on two unscaled decimals.
protocol DecimalOperation {
  static var operation: ArithmeticOperation { get }
  /// The unscaled result, or nil when there is none.
  static func apply(_ left: Int128, _ right: Int128, _ bounds: DecimalBounds) -> Int128?
}

/// Arithmetic on decimal128, exact but for the digits behind a quotient's scale, which are cut off.
///
/// The scales are those of SQL, as pyarrow has them: `DecimalTypes` says which. Sides are of one scale for `add`,
/// `subtract` and `modulo`.
enum DecimalKernels {
  static func column(
    _ operation: ArithmeticOperation, _ left: Operand, _ right: Operand, type: DataType, count: Int,
    onFailure policy: FailurePolicy
  ) throws(Failure) -> Column {
    guard case .decimal128(let precision, let scale) = type,
      case .decimal128(_, let leftScale) = left.type, case .decimal128(_, let rightScale) = right.type
    else { preconditionFailure("a kernel of decimals got \(left.type) and \(right.type) for \(type)") }
    let shift = operation == .divide ? scale - leftScale + rightScale : 0
    let bounds = DecimalBounds(limit: DecimalPowers.unsigned(precision), factor: DecimalPowers.unsigned(shift))
    return switch operation {
    case .add: try shaped(DecimalAdd.self, left, right, bounds, type, count, policy)
    case .subtract: try shaped(DecimalSubtract.self, left, right, bounds, type, count, policy)
    case .multiply: try shaped(DecimalMultiply.self, left, right, bounds, type, count, policy)
    case .divide: try shaped(DecimalDivide.self, left, right, bounds, type, count, policy)
    case .modulo: try shaped(DecimalModulo.self, left, right, bounds, type, count, policy)
    }
  }

  private static func shaped<Operation: DecimalOperation>(
    _: Operation.Type, _ left: Operand, _ right: Operand, _ bounds: DecimalBounds, _ type: DataType, _ count: Int,
    _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    switch (left, right) {
    case (.column(let a), .column(let b)):
      return try loop(
        Operation.self, ColumnInput<Int128>(a), ColumnInput<Int128>(b), left, right, bounds, type, count, policy)
    case (.column(let a), .constant(let b)):
      return try loop(
        Operation.self, ColumnInput<Int128>(a), ConstantInput(Int128(b)), left, right, bounds, type, count, policy)
    case (.constant(let a), .column(let b)):
      return try loop(
        Operation.self, ConstantInput(Int128(a)), ColumnInput<Int128>(b), left, right, bounds, type, count, policy)
    case (.constant, .constant): preconditionFailure("arithmetic on constants is computed as on a column")
    }
  }

  private static func loop<Operation: DecimalOperation, Left: KernelInput, Right: KernelInput>(
    _: Operation.Type, _ a: Left, _ b: Right, _ left: Operand, _ right: Operand, _ bounds: DecimalBounds,
    _ type: DataType, _ count: Int, _ policy: FailurePolicy
  ) throws(Failure) -> Column where Left.Element == Int128, Right.Element == Int128 {
    let target = Buffer(byteCount: count * 16)
    let values = target.unsafeMutableValues(Int128.self)
    var failed = false
    for row in 0..<count {
      if let value = Operation.apply(a[row], b[row], bounds) {
        values[row] = value
      } else {
        values[row] = 0
        failed = true
      }
    }
    var validity = commonValidity([left.column, right.column], count: count)
    if failed {
      validity = try policy.settle(validity, count: count) { row in
        Operation.apply(a[row], b[row], bounds) != nil
      } failure: { row in
        ArithmeticFailure.noResult(
          Operation.operation, left.literal(at: row).text, right.literal(at: row).text, type, zero: b[row] == 0)
      }
    }
    return Column(type: type, length: count, validity: validity, buffers: [target])
  }
}

extension Literal {
  /// As a person writes it, for messages.
  var text: String { Column.constant(self, count: 1).text(at: 0) }
}

// Each `apply` is inlined so that its optional never exists: 3 instead of 9 ns a row for a sum.

enum DecimalAdd: DecimalOperation {
  static let operation = ArithmeticOperation.add

  @inline(__always)
  static func apply(_ left: Int128, _ right: Int128, _ bounds: DecimalBounds) -> Int128? {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow || !bounds.holds(sum) ? nil : sum
  }
}

enum DecimalSubtract: DecimalOperation {
  static let operation = ArithmeticOperation.subtract

  @inline(__always)
  static func apply(_ left: Int128, _ right: Int128, _ bounds: DecimalBounds) -> Int128? {
    let (difference, overflow) = left.subtractingReportingOverflow(right)
    return overflow || !bounds.holds(difference) ? nil : difference
  }
}

enum DecimalMultiply: DecimalOperation {
  static let operation = ArithmeticOperation.multiply

  @inline(__always)
  static func apply(_ left: Int128, _ right: Int128, _ bounds: DecimalBounds) -> Int128? {
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow || !bounds.holds(product) ? nil : product
  }
}

enum DecimalDivide: DecimalOperation {
  static let operation = ArithmeticOperation.divide

  @inline(__always)
  static func apply(_ left: Int128, _ right: Int128, _ bounds: DecimalBounds) -> Int128? {
    guard right != 0 else { return nil }
    let (low, overflow) = left.magnitude.multipliedReportingOverflow(by: bounds.factor)
    let quotient: UInt128
    if !overflow {
      quotient = low / right.magnitude
    } else {
      let product = left.magnitude.multipliedFullWidth(by: bounds.factor)
      guard product.high < right.magnitude else { return nil }
      quotient = right.magnitude.dividingFullWidth(product).quotient
    }
    guard quotient < bounds.limit else { return nil }
    // Below 10^38, so it fits with either sign.
    let value = Int128(truncatingIfNeeded: quotient)
    return (left < 0) != (right < 0) ? 0 &- value : value
  }
}

/// The remainder has the sign of the left side.
enum DecimalModulo: DecimalOperation {
  static let operation = ArithmeticOperation.modulo

  @inline(__always)
  static func apply(_ left: Int128, _ right: Int128, _ bounds: DecimalBounds) -> Int128? {
    guard right != 0 else { return nil }
    let rest = Int128(truncatingIfNeeded: left.magnitude % right.magnitude)
    return left < 0 ? 0 &- rest : rest
  }
}

/// Powers of ten.
enum DecimalPowers {
  /// 10^0 ... 10^38.
  private static let powers: [UInt128] = {
    var powers: [UInt128] = [1]
    for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
    return powers
  }()

  /// - Parameter exponent: 0...38.
  static func unsigned(_ exponent: Int) -> UInt128 { powers[exponent] }

  /// - Parameter exponent: 0...38.
  static func signed(_ exponent: Int) -> Int128 { Int128(powers[exponent]) }
}
