import Arrow
import VolleyPlan

/// Expressions over one schema as a graph without cycles, in which equal subexpressions are one node and constants are
/// folded.
struct ExpressionGraph {
  var nodes: [Node] = []
  /// The node of each expression.
  var roots: [Int] = []
  /// The user functions that nodes call, one a place of use.
  var functions: [UserFunctionCall] = []

  struct Node {
    var operation: Operation
    var type: DataType
    /// Whether a row's value may make the job stop. Such a node is never computed for a row that does not need it.
    var fallible: Bool
    /// About how many nanoseconds a row takes, operands included.
    var cost: Double
    /// The columns that it reads, without repetition.
    var columns: [Int]
    /// How many operations and roots use it.
    var uses = 0
    /// Whether every row of a batch needs it, whatever the data.
    var unconditional = false
  }

  /// What a node does with the nodes that it names.
  enum Operation: Hashable {
    case column(Int)
    /// A field of a struct column, or of a struct within it: the fields' places from the column down.
    case field(Int, [Int])
    case constant(Constant)
    case arithmetic(ArithmeticOperation, Int, Int)
    case negate(Int)
    case compare(Comparison, Int, Int)
    case and(Int, Int)
    case or(Int, Int)
    case not(Int)
    case isNull(Int)
    case isNotNull(Int)
    case cast(Int)
    case tryCast(Int)
    case function(BoundFunction, [Int])
    case caseWhen([Branch], otherwise: Int?)
    /// Index in `functions`.
    case userFunction(Int, [Int])
  }

  struct Branch: Hashable {
    var condition: Int
    var value: Int
  }

  /// A literal that is equal to another one only if it is the same in every bit: 0.0 is not -0.0, and NaN is itself.
  struct Constant: Hashable {
    var literal: Literal

    static func == (left: Constant, right: Constant) -> Bool { same(left.literal, right.literal) }

    private static func same(_ left: Literal, _ right: Literal) -> Bool {
      switch (left, right) {
      case (.float64(let a), .float64(let b)): a.bitPattern == b.bitPattern
      case (.float(let a, let type), .float(let b, let other)): a.bitPattern == b.bitPattern && type == other
      case (.nested(let a, let type), .nested(let b, let other)):
        type == other && a.count == b.count && zip(a, b).allSatisfy(same)
      default: left == right
      }
    }

    func hash(into hasher: inout Hasher) {
      switch literal {
      case .float64(let value), .float(let value, _): hasher.combine(value.bitPattern)
      // What it holds may be NaN, whose hash is no use.
      case .nested(let items, let type):
        hasher.combine(type)
        hasher.combine(items.count)
      default: hasher.combine(literal)
      }
    }
  }

  /// The constant that a node is, if it is one.
  func constant(_ node: Int) -> Literal? {
    if case .constant(let constant) = nodes[node].operation { constant.literal } else { nil }
  }

  /// The columns that these nodes read, ascending.
  func columns(of nodes: [Int]) -> [Int] { Set(nodes.flatMap { self.nodes[$0].columns }).sorted() }

  /// Whether the node is a null for every row.
  func isNull(_ node: Int) -> Bool { if case .null = constant(node) { true } else { false } }

  /// What gathering one row of a column costs in nanoseconds, about.
  static func gatherCost(_ type: DataType) -> Double {
    switch type.layout {
    case .none: 0
    case .bits, .fixed, .dictionary, .view: 1
    case .variable32, .variable64: 5
    case .list32, .list64, .fixedList, .record: 20
    }
  }
}

extension ExpressionGraph.Operation {
  var operands: [Int] {
    switch self {
    case .column, .field, .constant: []
    case .arithmetic(_, let left, let right), .compare(_, let left, let right), .and(let left, let right),
      .or(let left, let right):
      [left, right]
    case .negate(let operand), .not(let operand), .isNull(let operand), .isNotNull(let operand), .cast(let operand),
      .tryCast(let operand):
      [operand]
    case .caseWhen(let branches, let otherwise):
      branches.flatMap { [$0.condition, $0.value] } + (otherwise.map { [$0] } ?? [])
    case .userFunction(_, let arguments), .function(_, let arguments): arguments
    }
  }

  /// The operands that every row needs that needs this one.
  var unconditionalOperands: [Int] {
    switch self {
    case .and(let left, _), .or(let left, _): [left]
    case .caseWhen(let branches, _): branches.first.map { [$0.condition] } ?? []
    default: operands
    }
  }
}
