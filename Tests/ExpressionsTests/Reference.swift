import Arrow
import VolleyPlan

/// What an expression means, one row at a time and with no care for speed: what the kernels are compared with.
///
/// Built-in functions over one physical type each; the expressions given to it need no promotion.
struct Reference {
  enum Stop: Error { case noValue }

  let row: [Literal?]

  func value(_ expression: Expression) throws -> Literal? {
    switch expression {
    case .column(let name): return row[Int(name.utf8.first! - 97)]
    case .literal(.null): return nil
    case .literal(let literal): return literal
    case .call("and", let sides): return try logic(sides, decisive: false)
    case .call("or", let sides): return try logic(sides, decisive: true)
    case .call("is_null", let arguments): return .bool(try value(arguments[0]) == nil)
    case .call("is_not_null", let arguments): return .bool(try value(arguments[0]) != nil)
    case .call(let function, let arguments):
      let values = try arguments.map(value)
      guard values.allSatisfy({ $0 != nil }) else { return nil }
      return try Self.strict(function, values.map { $0! })
    case .caseWhen(let branches, let otherwise):
      for branch in branches where try value(branch.condition) == .bool(true) { return try value(branch.value) }
      return try otherwise.flatMap(value)
    case .cast, .tryCast, .userFunction: fatalError("the reference has no \(expression)")
    }
  }

  private func logic(_ sides: [Expression], decisive: Bool) throws -> Literal? {
    let left = try value(sides[0])
    if left == .bool(decisive) { return left }
    let right = try value(sides[1])
    if right == .bool(decisive) { return right }
    return left == nil || right == nil ? nil : .bool(!decisive)
  }

  static func strict(_ function: String, _ values: [Literal]) throws -> Literal {
    switch (values[0], values.count > 1 ? values[1] : nil) {
    case (.bool(let x), nil): return .bool(!x)
    case (.int32(let x), nil): return .int32(try checked(Int32(0).subtractingReportingOverflow(x)))
    case (.int64(let x), nil): return .int64(try checked(Int64(0).subtractingReportingOverflow(x)))
    case (.float64(let x), nil): return .float64(-x)
    case (.int32(let x), .int32(let y)):
      return try comparison(function, x, y) ?? .int32(integer(function, x, y))
    case (.int64(let x), .int64(let y)):
      return try comparison(function, x, y) ?? .int64(integer(function, x, y))
    case (.float64(let x), .float64(let y)): return comparison(function, x, y) ?? .float64(float(function, x, y))
    case (.bool(let x), .bool(let y)): return comparison(function, x ? 1 : 0, y ? 1 : 0)!
    case (.utf8(let x), .utf8(let y)):
      return comparison(function, Bytes(x), Bytes(y))!
    case (.timestamp(let x, _, _), .timestamp(let y, _, _)): return comparison(function, x, y)!
    default: fatalError("the reference does not promote \(values)")
    }
  }

  /// Strings as bytes, in their order.
  private struct Bytes: Comparable {
    var bytes: [UInt8]
    init(_ text: String) { bytes = Array(text.utf8) }
    static func < (left: Bytes, right: Bytes) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
  }

  private static func comparison<Value: Comparable>(_ function: String, _ x: Value, _ y: Value) -> Literal? {
    switch function {
    case "equal": .bool(x == y)
    case "not_equal": .bool(x != y)
    case "less_than": .bool(x < y)
    case "less_than_or_equal": .bool(x <= y)
    case "greater_than": .bool(x > y)
    case "greater_than_or_equal": .bool(x >= y)
    default: nil
    }
  }

  private static func checked<Value>(_ result: (partialValue: Value, overflow: Bool)) throws -> Value {
    if result.overflow { throw Stop.noValue }
    return result.partialValue
  }

  private static func integer<Value: FixedWidthInteger>(_ function: String, _ x: Value, _ y: Value) throws -> Value {
    switch function {
    case "add": try checked(x.addingReportingOverflow(y))
    case "subtract": try checked(x.subtractingReportingOverflow(y))
    case "multiply": try checked(x.multipliedReportingOverflow(by: y))
    case "divide": try checked(x.dividedReportingOverflow(by: y))
    case "modulo": try checked(x.remainderReportingOverflow(dividingBy: y))
    default: fatalError("the reference has no function \(function)")
    }
  }

  private static func float(_ function: String, _ x: Double, _ y: Double) -> Double {
    switch function {
    case "add": x + y
    case "subtract": x - y
    case "multiply": x * y
    case "divide": x / y
    case "modulo": x.truncatingRemainder(dividingBy: y)
    default: fatalError("the reference has no function \(function)")
    }
  }
}
