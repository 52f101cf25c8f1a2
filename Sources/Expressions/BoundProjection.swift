import Arrow
import Base
import VolleyPlan

/// Several expressions over the batches of one schema, ready to run: equal subexpressions are computed once a batch,
/// and a column that a selection makes necessary to gather is gathered once.
///
/// One thread at a time. Legal order: open, evaluate…, close.
public final class BoundProjection {
  /// The type of each result, and whether it may hold nulls.
  public let types: [(type: DataType, nullable: Bool)]
  private let graph: ExpressionGraph
  private let schema: Schema
  private let names: [String]

  /// Throws a `usage` failure for an expression that does not fit the schema.
  ///
  /// - Parameter names: what each expression is, "column 'total'": a failure then tells which one has no value, and the row's values. Without names it
  ///   tells neither.
  public init(
    _ expressions: [Expression], called names: [String] = [], schema: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    precondition(names.isEmpty || names.count == expressions.count, "each expression has a name, or none has")
    self.names = names
    var typed: [TypedExpression] = []
    for expression in expressions { typed.append(try expression.typed(in: schema)) }
    types = typed.map { ($0.type, $0.nullable) }
    graph = try GraphBuilder.build(typed, functions: functions)
    self.schema = schema
  }

  /// Opens the user functions; when one fails, those before it are closed again.
  public func open() throws(Failure) { try graph.openFunctions() }

  /// Closes every user function, and then throws the first failure.
  public func close() throws(Failure) { try graph.closeFunctions() }

  /// A column for each expression, of `batch.rowCount` rows. The batch must have the schema's columns.
  ///
  /// Throws a `data` failure for a row that an expression has no value for (an overflow, a division by zero, a text
  /// that is no number), and what user functions throw. Rows outside the selection and rows that a null, a case or a
  /// decided `and`/`or` excludes never make it fail.
  public func evaluate(_ batch: RecordBatch) throws(Failure) -> [Column] {
    batch.requireColumns(of: schema)
    var index = 0
    do throws(Failure) {
      return try columns(of: batch, &index)
    } catch {
      throw named(error, in: batch, index)
    }
  }

  /// - Parameter index: the expression that is being computed.
  private func columns(of batch: RecordBatch, _ index: inout Int) throws(Failure) -> [Column] {
    let frame = Frame(graph: graph, batch: batch)
    var columns: [Column] = []
    columns.reserveCapacity(graph.roots.count)
    while index < graph.roots.count {
      columns.append(try frame.column(of: graph.roots[index]))
      index += 1
    }
    return columns
  }

  /// The failure with the expression and the row that it is about.
  private func named(_ failure: Failure, in batch: RecordBatch, _ index: Int) -> Failure {
    if names.isEmpty { return failure }
    func part(_ index: Int) -> FailedRow.Part {
      .init(name: names[index], columns: graph.columns(of: [graph.roots[index]]))
    }
    return FailedRow.name(failure, in: batch, part: part(index)) { rows in
      var index = 0
      do throws(Failure) {
        _ = try columns(of: rows, &index)
        return nil
      } catch {
        return (error, part(index))
      }
    }
  }
}
