import Arrow
import Base
import Dataflow
import Expressions
import VolleyPlan

/// Computes columns: `select`, and with the input's columns kept, `extend`.
///
/// A select of plain columns hands the selection on; anything computed is computed on the selected rows only, whose inputs
/// are gathered once.
public final class ProjectOperator: Operator {
  private let output: Schema
  private let projection: BoundProjection
  /// For a projection of plain columns only: their indices, which need no computing.
  private let moved: [Int]?

  public init(
    columns: [NamedExpression], input: Schema, output: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    self.output = output
    projection = try BoundProjection(
      columns.map(\.expression), called: columns.map { "column '\($0.name)'" }, schema: input, functions: functions)
    let indices = columns.map { column -> Int? in
      if case .column(let name) = column.expression { input.index(of: name) } else { nil }
    }
    moved = indices.contains(nil) ? nil : indices.compactMap { $0 }
  }

  public func open() throws(Failure) { try projection.open() }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if let moved {
      try collector.emit(
        RecordBatch(
          schema: output, columns: moved.map { batch.columns[$0] }, length: batch.length, selection: batch.selection),
        output: 0)
      return
    }
    try collector.emit(
      RecordBatch(schema: output, columns: try projection.evaluate(batch), length: batch.rowCount), output: 0)
  }

  public func close() throws(Failure) { try projection.close() }
}
