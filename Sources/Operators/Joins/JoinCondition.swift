import Arrow
import Base
import Expressions
import VolleyPlan

/// The condition of a join, for pairs of rows of which only the columns that it names are put together.
final class JoinCondition {
  private let predicate: Predicate
  private let schema: Schema
  private let rows: JoinRows

  init(
    _ condition: Expression, _ layout: JoinLayout, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    let names = condition.columnNames
    let columns = layout.joined.filter { names.contains($0.field.name) }
    schema = Schema(columns.map(\.field))
    rows = JoinRows(columns)
    predicate = try Predicate(condition, called: "the condition", schema: schema, functions: functions)
  }

  func open() throws(Failure) { try predicate.open() }
  func close() throws(Failure) { try predicate.close() }

  /// The pairs for which it is true; nil: all.
  func select(_ parts: [JoinPart], count: Int) throws(Failure) -> Selection? {
    try predicate.select(
      RecordBatch(schema: schema, columns: try rows.columns(parts, count: count), length: count))
  }
}
