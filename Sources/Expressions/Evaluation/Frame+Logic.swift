import Arrow
import Base
import VolleyPlan

extension Frame {
  /// Whether the node is to be computed for these rows only, of all that the frame has: it must when it may fail, and
  /// it should when that costs less.
  func shouldNarrow(_ node: Int, to rows: Int) -> Bool {
    if rows == rowCount { return false }
    let node = graph.nodes[node]
    if node.fallible { return true }
    return Double(rows) * (node.cost + narrowingCost(node)) < Double(rowCount) * node.cost
  }

  /// Whether the node is to be computed for all rows, however few need it.
  func isAlwaysComplete(_ node: Int) -> Bool {
    let node = graph.nodes[node]
    return !node.fallible && node.cost <= 1
  }

  /// What gathering the node's columns and scattering its values costs a row.
  private func narrowingCost(_ node: ExpressionGraph.Node) -> Double {
    node.columns.reduce(1) { cost, _ in cost + 1 }
  }

  /// Kleene's `and` (decided by false) or `or` (decided by true). The right side is computed for the rows that the
  /// left one leaves undecided, or for all when that costs less and cannot fail.
  func logic(_ left: Int, _ right: Int, decisive: Bool) throws(Failure) -> Column {
    let leftColumn = try column(of: left)
    let rightColumn = try rightSide(right, undecidedBy: leftColumn, decisive: decisive)
    guard let rightColumn else { return leftColumn }
    return decisive ? LogicKernels.or(leftColumn, rightColumn) : LogicKernels.and(leftColumn, rightColumn)
  }

  /// The right side, anything in the rows that the left one decides; nil when it decides all.
  private func rightSide(_ node: Int, undecidedBy left: Column, decisive: Bool) throws(Failure) -> Column? {
    if available(node) != nil || isAlwaysComplete(node) { return try column(of: node) }
    let values = Bits(valuesOf: left)
    let validity = Bits(validityOf: left)
    let flip: UInt64 = decisive ? .max : 0
    let undecided = Words(count: rowCount) { row, rows in
      (values.word(row, rows) ^ flip) | ~(validity?.word(row, rows) ?? .max)
    }
    let ones = undecided.ones
    if ones == 0 && rowCount > 0 { return nil }
    guard shouldNarrow(node, to: ones) else { return try column(of: node) }
    let rows = undecided.selection
    return try spread(try narrowed(to: rows).column(of: node), rows)
  }

  /// A `bool` column for these rows, false in the rows that are not named.
  private func spread(_ column: Column, _ rows: Selection) throws(Failure) -> Column {
    let values = Words(repeating: false, count: rowCount)
    values.scatter(.dense(Bits(valuesOf: column)), rows)
    guard let validity = Bits(validityOf: column) else { return values.column() }
    let valid = Words(repeating: true, count: rowCount)
    valid.replace(validity, rows)
    return values.column(validity: valid.buffer)
  }

  /// The rows of `candidates` (nil: all) for which the node is true, not null. It is computed for no other row if it
  /// may fail.
  func trueRows(of node: Int, among candidates: Words?) throws(Failure) -> Words {
    guard let candidates else { return Words(trueRowsOf: try column(of: node)) }
    let ones = candidates.ones
    if ones == 0 && rowCount > 0 { return candidates }
    guard available(node) == nil, !isAlwaysComplete(node), shouldNarrow(node, to: ones) else {
      let rows = Words(trueRowsOf: try column(of: node))
      rows.formIntersection(candidates)
      return rows
    }
    let rows = candidates.selection
    let found = Words(trueRowsOf: try narrowed(to: rows).column(of: node))
    let spread = Words(repeating: false, count: rowCount)
    spread.scatter(.dense(Bits(found.buffer.address)), rows)
    return spread
  }
}
