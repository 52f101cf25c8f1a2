import VolleyPlan

extension Expression {
  /// The columns that it reads.
  public var columnNames: Set<String> {
    switch self {
    case .column(let name): [name]
    case .literal: []
    case .call(_, let arguments): Self.columnNames(arguments)
    case .cast(let value, _), .tryCast(let value, _): value.columnNames
    case .caseWhen(let branches, let otherwise):
      Self.columnNames(branches.flatMap { [$0.condition, $0.value] } + [otherwise].compactMap { $0 })
    case .userFunction(let function): Self.columnNames(function.arguments)
    }
  }

  private static func columnNames(_ expressions: [Expression]) -> Set<String> {
    expressions.reduce(into: []) { $0.formUnion($1.columnNames) }
  }
}
