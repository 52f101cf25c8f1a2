import Arrow
import Base
import Glibc
import VolleyPlan

/// Roots, exponentials, logarithms and powers.
extension FunctionTable {
  static var powers: [FunctionDefinition] {
    [
      FunctionDefinition("sqrt", "sqrt(value)", arity: 1...1) { call throws(Failure) in
        try call.real(cost: 2, { $0.squareRoot() }, { $0.squareRoot() })
      },
      FunctionDefinition("exp", "exp(value)", arity: 1...1) { call throws(Failure) in
        try call.real(cost: 5, { exp($0) }, { expf($0) })
      },
      FunctionDefinition("ln", "ln(value)", arity: 1...1) { call throws(Failure) in
        try call.real(cost: 5, { log($0) }, { logf($0) })
      },
      FunctionDefinition("log10", "log10(value)", arity: 1...1) { call throws(Failure) in
        try call.real(cost: 5, { log10($0) }, { log10f($0) })
      },
      FunctionDefinition("log2", "log2(value)", arity: 1...1) { call throws(Failure) in
        try call.real(cost: 5, { log2($0) }, { log2f($0) })
      },
      FunctionDefinition("log", "log(value, base)", arity: 2...2) { call throws(Failure) in
        try call.real(cost: 10, { log($0) / log($1) }, { logf($0) / logf($1) })
      },
      power,
      FunctionDefinition("pi", "pi()", arity: 0...0) { _ throws(Failure) in
        .expression(TypedExpression(.float64(.pi)))
      },
    ]
  }

  /// Integers to the power of integers are integers, checked; everything else is a float.
  private static let power = FunctionDefinition("power", "power(base, exponent)", arity: 2...2) {
    call throws(Failure) in
    guard call.types.allSatisfy({ $0.decoded.integerShape != nil || $0 == .null }) else {
      return try call.real(cost: 20, { pow($0, $1) }, { powf($0, $1) })
    }
    let (type, sides) = try call.integers()
    return call.kernel(sides, type, isFallible: true, cost: 5) { operands, count throws(Failure) in
      let (base, exponent) = try (operands[0].column(count), operands[1].column(count))
      return switch type {
      case .int8: try IntegerPower.column(base, exponent, as: Int8.self)
      case .int16: try IntegerPower.column(base, exponent, as: Int16.self)
      case .int32: try IntegerPower.column(base, exponent, as: Int32.self)
      case .int64: try IntegerPower.column(base, exponent, as: Int64.self)
      case .uint8: try IntegerPower.column(base, exponent, as: UInt8.self)
      case .uint16: try IntegerPower.column(base, exponent, as: UInt16.self)
      case .uint32: try IntegerPower.column(base, exponent, as: UInt32.self)
      default: try IntegerPower.column(base, exponent, as: UInt64.self)
      }
    }
  }
}

/// Integer powers by squaring.
private enum IntegerPower {
  static func column<Value: IntegerValue>(_ base: Column, _ exponent: Column, as _: Value.Type) throws(Failure)
    -> Column
  {
    let count = base.length
    let buffer = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let values = buffer.unsafeMutableValues(Value.self)
    let (bases, exponents) = (base.values(Value.self), exponent.values(Value.self))
    let validity = commonValidity([base, exponent], count: count)
    for row in 0..<count {
      values[row] = 0
      if let validity, !Bitmap.get(validity.address, row) { continue }
      guard exponents[row] >= 0 else {
        throw Failure(
          .data,
          "power: \(bases[row]) to the power of \(exponents[row]) is no integer; cast to float64 first, "
            + "or keep such rows out with a filter or a case")
      }
      guard let value = power(bases[row], exponents[row]) else {
        throw ArithmeticFailure.doesNotFit("power", "\(bases[row]) to the power of \(exponents[row])", base.type)
      }
      values[row] = value
    }
    return Column(type: base.type, length: count, validity: validity, buffers: [buffer])
  }

  /// Nil when it does not fit.
  private static func power<Value: IntegerValue>(_ base: Value, _ exponent: Value) -> Value? {
    var (result, square, left): (Value, Value, Value) = (1, base, exponent)
    while left > 0 {
      if left & 1 != 0 {
        let (product, overflow) = result.multipliedReportingOverflow(by: square)
        if overflow { return nil }
        result = product
      }
      left >>= 1
      if left == 0 { break }
      let (next, overflow) = square.multipliedReportingOverflow(by: square)
      if overflow { return nil }
      square = next
    }
    return result
  }
}
