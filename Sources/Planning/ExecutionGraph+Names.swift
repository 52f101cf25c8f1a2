import Arrow
import VolleyPlan

extension TypedNode {
  /// What a report calls it: "filter", "aggregate revenue".
  var label: String {
    if let uid = node.uid { "\(node.operator.kindName) \(uid)" } else { node.operator.kindName }
  }

  /// What it does, in one line, for `inspect`.
  var summary: String {
    switch node.operator {
    case .source(let source): "schema (\(outputs[0]))\(source.badRecords.summary)"
    case .filter(let filter): filter.condition.text
    case .select(let select): select.columns.map(\.text).joined(separator: ", ")
    case .extend(let extend): extend.columns.map(\.text).joined(separator: ", ")
    case .batchFunction(let function): function.function
    case .keyBy(let keyBy): keyBy.keys.map(\.text).joined(separator: ", ")
    case .aggregate(let aggregate):
      aggregate.aggregates.map(\.text).joined(separator: ", ")
        + (aggregate.emission == .perRecord ? ", once per record" : "")
    case .union, .sink: ""
    }
  }
}

extension ExecutionGraph {
  /// Whether rows on their way to this aggregate go to another subtask than the one that has them.
  func travels(to typed: TypedNode) -> Bool {
    parallelism(of: typed.node.inputs[0].node) > 1 || parallelism(of: typed.node.id) > 1
  }

  /// Whether rows are combined by key before they travel to this node.
  func combines(_ typed: TypedNode) -> Bool {
    guard case .aggregate(let aggregate) = typed.node.operator else { return false }
    return aggregate.emission == .perBatch && travels(to: typed)
  }

  /// What a node does, in one line, for `inspect`.
  func summary(of typed: TypedNode) -> String {
    combines(typed) ? "\(typed.summary), combined by key before the exchange" : typed.summary
  }

  /// The labels of a task's operators in a row.
  func taskName(_ task: Task) -> String {
    task.nodes.compactMap { byID[$0]?.label }.joined(separator: " → ")
  }
}

extension Plan.BadRecords {
  fileprivate var summary: String {
    switch self {
    case .stop: ""
    case .deadLetter(let path): ", bad records to \(path)"
    }
  }
}

extension NamedExpression {
  fileprivate var text: String { isPlain ? name : "\(expression.text) as \(name)" }
}

extension Plan.AggregateCall {
  fileprivate var text: String {
    var arguments = argument?.text ?? "*"
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
