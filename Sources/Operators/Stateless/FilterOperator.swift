import Arrow
import Base
import Dataflow
import Expressions
import VolleyPlan

/// Keeps the rows for which a condition is true. No column is copied: the batch goes on with a selection.
public final class FilterOperator: Operator {
  private let predicate: Predicate

  /// - Parameter name: what failures call the condition.
  public init(
    condition: Expression, called name: String = "the condition", input: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    predicate = try Predicate(condition, called: name, schema: input, functions: functions)
  }

  public func open() throws(Failure) { try predicate.open() }

  public func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    guard let selection = try predicate.select(batch) else {
      try output.emit(batch, output: 0)
      return
    }
    if selection.count == 0 { return }
    var kept = batch
    kept.selection = selection
    try output.emit(kept, output: 0)
  }

  public func close() throws(Failure) { try predicate.close() }
}
