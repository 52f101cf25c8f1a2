import Arrow
import Base
import VolleyPlan

/// Makes an `ExpressionGraph` of typed expressions.
struct GraphBuilder {
  private let provider: any ScalarFunctionProvider
  private var graph = ExpressionGraph()
  private var known: [Key: Int] = [:]

  private struct Key: Hashable {
    var operation: ExpressionGraph.Operation
    var type: DataType
  }

  private init(provider: any ScalarFunctionProvider) { self.provider = provider }

  /// - Parameter conjunction: whether each expression counts only for rows for which those before it are true.
  static func build(
    _ expressions: [TypedExpression], functions: any ScalarFunctionProvider, conjunction: Bool = false
  ) throws(Failure) -> ExpressionGraph {
    var builder = GraphBuilder(provider: functions)
    for expression in expressions { builder.graph.roots.append(try builder.node(expression)) }
    builder.countUses()
    builder.markUnconditional(from: conjunction ? builder.graph.roots.prefix(1) : builder.graph.roots[...])
    return builder.graph
  }

  private mutating func node(_ expression: TypedExpression) throws(Failure) -> Int {
    switch expression.node {
    case .column(let index): return add(.column(index), expression.type)
    case .literal(let literal): return add(.constant(.init(literal: literal)), expression.type)
    case .call(let function, let arguments):
      return call(function, try nodes(arguments), expression.type)
    case .function(let function, let arguments):
      let operands = try nodes(arguments)
      if let field = function.structField, let path = graph.path(to: field, of: operands[0]) {
        return add(path, expression.type)
      }
      let operation = ExpressionGraph.Operation.function(function, operands)
      return function.isStrict ? strict(operation, operands, expression.type) : folded(operation, expression.type)
    case .cast(let argument): return folded(.cast(try node(argument)), expression.type)
    case .tryCast(let argument): return folded(.tryCast(try node(argument)), expression.type)
    case .caseWhen(let branches, let otherwise): return try caseWhen(branches, otherwise, expression.type)
    case .userFunction(let function, let arguments):
      let operands = try nodes(arguments)
      graph.functions.append(UserFunctionCall(function, try provider.makeScalarFunction(function)))
      return add(.userFunction(graph.functions.count - 1, operands), expression.type)
    }
  }

  private mutating func nodes(_ expressions: [TypedExpression]) throws(Failure) -> [Int] {
    var nodes: [Int] = []
    for expression in expressions { nodes.append(try node(expression)) }
    return nodes
  }

  private mutating func call(_ function: BuiltinFunction, _ operands: [Int], _ type: DataType) -> Int {
    if let operation = function.arithmetic {
      return strict(.arithmetic(operation, operands[0], operands[1]), operands, type)
    }
    if let comparison = function.comparison {
      return strict(.compare(comparison, operands[0], operands[1]), operands, type)
    }
    switch function {
    case .negate: return strict(.negate(operands[0]), operands, type)
    case .not: return strict(.not(operands[0]), operands, type)
    case .and: return logic(.and(operands[0], operands[1]), operands, decisive: false)
    case .or: return logic(.or(operands[0], operands[1]), operands, decisive: true)
    case .isNull: return folded(.isNull(operands[0]), type)
    case .isNotNull: return folded(.isNotNull(operands[0]), type)
    default: preconditionFailure("\(function.rawValue) is arithmetic or a comparison")
    }
  }

  /// An operation that is null where an operand is: null as a whole when one is a constant null and none can fail.
  private mutating func strict(
    _ operation: ExpressionGraph.Operation, _ operands: [Int], _ type: DataType
  ) -> Int {
    if operands.contains(where: { graph.isNull($0) }), !operands.contains(where: { graph.nodes[$0].fallible }) {
      return add(.constant(.init(literal: .null(type))), type)
    }
    return folded(operation, type)
  }

  /// `and` (decided by false) or `or` (decided by true), where the left side is known or the right one changes nothing.
  private mutating func logic(
    _ operation: ExpressionGraph.Operation, _ operands: [Int], decisive: Bool
  ) -> Int {
    if case .bool(let left) = graph.constant(operands[0]) { return left == decisive ? operands[0] : operands[1] }
    if case .bool(let right) = graph.constant(operands[1]) {
      if right != decisive { return operands[0] }
      if !graph.nodes[operands[0]].fallible { return operands[1] }
    }
    return folded(operation, .bool)
  }

  private mutating func caseWhen(
    _ branches: [TypedExpression.Branch], _ otherwise: TypedExpression?, _ type: DataType
  ) throws(Failure) -> Int {
    var kept: [ExpressionGraph.Branch] = []
    for branch in branches {
      let condition = try node(branch.condition)
      switch graph.constant(condition) {
      case .bool(true):
        return finishCase(kept, otherwise: try node(branch.value), type)
      case .bool(false), .null: continue
      default: kept.append(.init(condition: condition, value: try node(branch.value)))
      }
    }
    var last: Int?
    if let otherwise { last = try node(otherwise) }
    return finishCase(kept, otherwise: last, type)
  }

  private mutating func finishCase(_ branches: [ExpressionGraph.Branch], otherwise: Int?, _ type: DataType) -> Int {
    if branches.isEmpty { return otherwise ?? add(.constant(.init(literal: .null(type))), type) }
    return add(.caseWhen(branches, otherwise: otherwise), type)
  }

  /// The operation, or its result when all its operands are constants. One that fails stays, and fails on the first row
  /// that needs it: there may be none.
  private mutating func folded(_ operation: ExpressionGraph.Operation, _ type: DataType) -> Int {
    let node = add(operation, type)
    guard operation.operands.allSatisfy({ graph.constant($0) != nil }) else { return node }
    var single = graph
    single.roots = [node]
    guard let column = try? Frame(graph: single, columns: [], rowCount: 1).column(of: node) else { return node }
    let literal = column.literal(at: 0)
    // A dictionary has no constants of its own.
    return literal.type == type ? add(.constant(.init(literal: literal)), type) : node
  }

  /// The node of that operation, made unless there is one.
  private mutating func add(_ operation: ExpressionGraph.Operation, _ type: DataType) -> Int {
    let key = Key(operation: operation, type: type)
    if let node = known[key] { return node }
    graph.nodes.append(graph.describe(operation, type))
    known[key] = graph.nodes.count - 1
    return graph.nodes.count - 1
  }

  private mutating func countUses() {
    var reached = [Bool](repeating: false, count: graph.nodes.count)
    for root in graph.roots {
      graph.nodes[root].uses += 1
      reached[root] = true
    }
    // Operands come before what uses them.
    for node in graph.nodes.indices.reversed() where reached[node] {
      for operand in graph.nodes[node].operation.operands {
        graph.nodes[operand].uses += 1
        reached[operand] = true
      }
    }
  }

  private mutating func markUnconditional(from roots: ArraySlice<Int>) {
    for root in roots { graph.nodes[root].unconditional = true }
    for node in graph.nodes.indices.reversed() where graph.nodes[node].unconditional {
      for operand in graph.nodes[node].operation.unconditionalOperands { graph.nodes[operand].unconditional = true }
    }
  }
}

extension ExpressionGraph {
  /// The field of a struct that is a column or lies within one; nil for a struct that is computed.
  fileprivate func path(to field: Int, of node: Int) -> Operation? {
    switch nodes[node].operation {
    case .column(let index): .field(index, [field])
    case .field(let index, let path): .field(index, path + [field])
    default: nil
    }
  }

  /// A node for the operation, with what its operands and types tell about it.
  fileprivate func describe(_ operation: Operation, _ type: DataType) -> Node {
    let operands = operation.operands.map { nodes[$0] }
    var columns = Array(Set(operands.flatMap(\.columns))).sorted()
    switch operation {
    case .column(let index), .field(let index, _): columns = [index]
    default: break
    }
    return Node(
      operation: operation, type: type, fallible: operands.contains(where: \.fallible) || canFail(operation, type),
      cost: operands.reduce(ownCost(operation, type)) { $0 + $1.cost }, columns: columns)
  }

  private func canFail(_ operation: Operation, _ type: DataType) -> Bool {
    switch operation {
    case .arithmetic: type.floatBits == nil
    case .negate: type.integerShape != nil
    case .cast(let operand): CastRules.canFail(from: nodes[operand].type, to: type)
    case .userFunction: true
    case .function(let function, _): function.isFallible
    default: false
    }
  }

  private func ownCost(_ operation: Operation, _ type: DataType) -> Double {
    switch operation {
    case .column, .field, .constant: 0
    case .arithmetic(let operation, _, _): operation == .divide || operation == .modulo ? 3 : 0.5
    case .compare(_, let left, _): nodes[left].type.isText || nodes[left].type.isBinary ? 5 : 0.3
    case .and, .or, .not, .isNull, .isNotNull: 0.05
    case .negate: 0.4
    case .cast(let operand), .tryCast(let operand): castCost(from: nodes[operand].type, to: type)
    case .function(let function, _): function.cost
    case .caseWhen(let branches, _): 2 + Double(branches.count)
    case .userFunction: 100
    }
  }
  private func castCost(from source: DataType, to target: DataType) -> Double {
    if source.isNested || target.isNested { return 40 }
    if source.isText != target.isText { return 20 }
    return source.isText || source.isBinary || source.isDecimal || target.isDecimal ? 5 : 0.5
  }
}
