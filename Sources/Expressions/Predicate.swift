import Arrow
import Base
import VolleyPlan

/// A condition over the batches of one schema, ready to run: which rows are true, neither false nor null.
///
/// The conditions of a conjunction are looked at in their order, each for the rows that those before it left, or for
/// all when that costs less and cannot fail. One thread at a time. Legal order: open, select…, close.
public final class Predicate {
  private let graph: ExpressionGraph
  private let schema: Schema
  private let name: String?

  /// Throws a `usage` failure for an expression that does not fit the schema or is not a bool.
  ///
  /// - Parameter name: what the expression is, "the condition": a failure then tells it, and the row's values.
  public init(
    _ expression: Expression, called name: String? = nil, schema: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    self.name = name
    let typed = try expression.typed(in: schema)
    guard typed.type == .bool else {
      throw Failure(.usage, "a condition is \(typed.type) and must be bool; compare it with something")
    }
    graph = try GraphBuilder.build(Self.conjuncts(typed), functions: functions, conjunction: true)
    self.schema = schema
  }

  private static func conjuncts(_ expression: TypedExpression) -> [TypedExpression] {
    guard case .call(.and, let sides) = expression.node else { return [expression] }
    return sides.flatMap(conjuncts)
  }

  /// Opens the user functions; when one fails, those before it are closed again.
  public func open() throws(Failure) { try graph.openFunctions() }

  /// Closes every user function, and then throws the first failure.
  public func close() throws(Failure) { try graph.closeFunctions() }

  /// The rows of the batch that count and for which the condition is true, as row indices of the batch; nil when those
  /// are all of its rows. Fails as `BoundProjection.evaluate` does.
  public func select(_ batch: RecordBatch) throws(Failure) -> Selection? {
    batch.requireColumns(of: schema)
    do throws(Failure) {
      return try selected(batch)
    } catch {
      throw named(error, in: batch)
    }
  }

  /// The failure with the row that it is about.
  private func named(_ failure: Failure, in batch: RecordBatch) -> Failure {
    guard let name else { return failure }
    let part = FailedRow.Part(name: name, columns: graph.columns(of: graph.roots))
    return FailedRow.name(failure, in: batch, part: part) { rows in
      do throws(Failure) {
        _ = try selected(rows)
        return nil
      } catch {
        return (error, part)
      }
    }
  }

  private func selected(_ batch: RecordBatch) throws(Failure) -> Selection? {
    var frame = Frame(graph: graph, batch: batch)
    // The rows of the frame that are true so far; nil for all.
    var kept: Words?
    for root in graph.roots {
      if let rows = kept, !frame.isAlwaysComplete(root) {
        let ones = rows.ones
        if ones == 0 { break }
        if frame.shouldNarrow(root, to: ones) {
          frame = frame.narrowed(to: rows.selection)
          kept = nil
        }
      }
      let found = Words(trueRowsOf: try frame.column(of: root))
      if let rows = kept { found.formIntersection(rows) }
      kept = found
    }
    return selection(kept, in: frame, of: batch)
  }

  private func selection(_ kept: Words?, in frame: Frame, of batch: RecordBatch) -> Selection? {
    guard let kept else { return batch.selection }
    var rows = kept.selection
    if rows.count == frame.rowCount {
      guard let inRoot = frame.rowsInRoot else { return batch.selection }
      rows = inRoot
    } else if let inRoot = frame.rowsInRoot {
      rows = inRoot.selecting(rows)
    }
    return batch.selection?.selecting(rows) ?? rows
  }
}
