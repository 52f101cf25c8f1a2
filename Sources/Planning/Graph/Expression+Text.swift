import Arrow
import VolleyPlan

extension NamedExpression {
  /// As SQL would say it.
  var text: String { isPlain ? name : "\(expression.text) as \(name)" }
}

extension Plan.AggregateCall {
  /// As SQL would say it.
  var text: String {
    var arguments = argument?.text ?? "*"
    if let user { arguments = user.arguments.map(\.expression.text).joined(separator: ", ") }
    if let by { arguments += " by \(by.text)" }
    if let fraction { arguments += ", \(fraction)" }
    let rows = filter.map { " filter (where \($0.text))" } ?? ""
    return "\(function)(\(arguments))\(rows) as \(name)"
  }
}

extension Expression {
  private static let infix: [String: String] = [
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "modulo": "%", "equal": "=", "not_equal": "<>",
    "less_than": "<", "less_than_or_equal": "<=", "greater_than": ">", "greater_than_or_equal": ">=", "and": "and",
    "or": "or",
  ]

  /// As SQL would say it.
  var text: String {
    switch self {
    case .column(let name): return name
    case .literal(let literal): return literal.text
    case .call(let function, let arguments):
      if let sign = Self.infix[function], arguments.count == 2 {
        return "(\(arguments[0].text) \(sign) \(arguments[1].text))"
      }
      switch (function, arguments.count) {
      case ("not", 1): return "not \(arguments[0].text)"
      case ("negate", 1): return "-\(arguments[0].text)"
      case ("is_null", 1): return "\(arguments[0].text) is null"
      case ("is_not_null", 1): return "\(arguments[0].text) is not null"
      default: return "\(function)(\(arguments.map(\.text).joined(separator: ", ")))"
      }
    case .cast(let expression, let type): return "cast(\(expression.text) as \(type))"
    case .tryCast(let expression, let type): return "try_cast(\(expression.text) as \(type))"
    case .caseWhen(let branches, let otherwise):
      let cases = branches.map { "when \($0.condition.text) then \($0.value.text)" }.joined(separator: " ")
      return "case \(cases)\(otherwise.map { " else \($0.text)" } ?? "") end"
    case .userFunction(let function):
      return "\(function.function)(\(function.arguments.map(\.text).joined(separator: ", ")))"
    }
  }
}

extension Expression {
  /// What failures call a condition: of a long one the beginning.
  var nameAsCondition: String {
    let limit = 100
    let text = text
    return "the condition \(text.count > limit ? text.prefix(limit) + "…" : text)"
  }
}

extension Literal {
  fileprivate var text: String {
    switch self {
    case .bool(let value): "\(value)"
    case .int32(let value): "\(value)"
    case .int64(let value): "\(value)"
    case .float64(let value): "\(value)"
    case .utf8(let value): "'\(value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
    case .timestamp(let value, let unit, let zone): "timestamp \(value) \(unit.rawValue)\(zone.map { " \($0)" } ?? "")"
    case .null: "null"
    case .string(let value, _): Literal.utf8(value).text
    case .integer, .float, .binary, .interval, .nested:
      "\(type) \(Column.constant(self, count: 1).text(at: 0))"
    }
  }
}
