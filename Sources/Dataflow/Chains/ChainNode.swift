import Arrow
import Base

/// Something in a chain that takes batches: an operator, a sink, an output of the task.
protocol ChainNode: AnyObject {
  /// Takes a batch, which is not empty and may have a selection. Returns when all that follows from it has been done.
  func receive(_ batch: RecordBatch, size: BatchSize, input: Int) throws(Failure)
}

/// A consumer, and as which of its inputs.
struct ChainTarget {
  var node: any ChainNode
  var input: Int
}

extension [ChainTarget] {
  /// Hands a batch to each.
  func receive(_ batch: RecordBatch, size: BatchSize) throws(Failure) {
    for target in self { try target.node.receive(batch, size: size, input: target.input) }
  }
}
