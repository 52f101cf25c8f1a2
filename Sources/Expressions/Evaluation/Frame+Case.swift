import Arrow
import Base
import VolleyPlan

extension Frame {
  /// The value of the first branch whose condition is true, else `otherwise`, else null. A condition is computed for
  /// the rows that no branch before it took, a value for the rows that take it: for more rows only if it cannot fail.
  func caseWhen(
    _ branches: [ExpressionGraph.Branch], _ otherwise: Int?, _ type: DataType
  ) throws(Failure) -> Column {
    var left: Words?
    var parts: [ColumnMerger.Part] = []
    for branch in branches {
      let taken = try trueRows(of: branch.condition, among: left)
      let ones = taken.ones
      if ones == 0 { continue }
      if ones == rowCount { return try column(of: branch.value) }
      parts.append(try part(branch.value, taken.selection))
      let rest = left ?? Words(repeating: true, count: rowCount)
      rest.subtract(taken)
      left = rest
    }
    if let otherwise {
      guard let left else { return try column(of: otherwise) }
      let rows = left.selection
      if rows.count > 0 { parts.append(try part(otherwise, rows)) }
    }
    return try ColumnMerger.merge(parts, type: type, count: rowCount)
  }

  private func part(_ node: Int, _ rows: Selection) throws(Failure) -> ColumnMerger.Part {
    if let constant = graph.constant(node) { return .init(rows: rows, values: .constant(constant)) }
    if let column = available(node) { return .init(rows: rows, values: .inPlace(column)) }
    if !isAlwaysComplete(node), shouldNarrow(node, to: rows.count) {
      return .init(rows: rows, values: .dense(try narrowed(to: rows).column(of: node)))
    }
    return .init(rows: rows, values: .inPlace(try column(of: node)))
  }
}
