import Arrow
import Base

/// Scatters the rows of a batch. One instance a sending subtask.
public protocol Partitioner: AnyObject {
  /// The batch's rows by target, in their order; nil or empty where a target gets none. `batch` may carry a selection; the
  /// parts do not.
  func partition(_ batch: RecordBatch, targets: Int) throws(Failure) -> [RecordBatch?]
}
