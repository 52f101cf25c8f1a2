import Arrow
import Base
import Dataflow

/// Leaves columns out, before rows travel to one who does not read them. Rows are not touched.
public final class NarrowOperator: Operator {
  private let columns: [Int]
  private let output: Schema

  /// - Parameter columns: of the input, those of the output.
  public init(columns: [Int], output: Schema) {
    self.columns = columns
    self.output = output
  }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    try collector.emit(
      RecordBatch(
        schema: output, columns: columns.map { batch.columns[$0] }, length: batch.length, selection: batch.selection),
      output: 0)
  }
}
