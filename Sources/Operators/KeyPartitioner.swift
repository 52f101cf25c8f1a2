import Arrow
import Base
import Dataflow
import Keys

/// Scatters rows by key group, so that equal keys meet in one subtask.
public final class KeyPartitioner: Partitioner {
  private let keys: [Int]
  private let maxKeyGroups: Int
  /// Made at the first batch, which tells how many targets there are.
  private var assignment: KeyGroupAssignment?

  /// - Parameters:
  ///   - keys: the key's columns in the batches.
  ///   - maxKeyGroups: a power of two.
  public init(keys: [Int], maxKeyGroups: Int) {
    self.keys = keys
    self.maxKeyGroups = maxKeyGroups
  }

  public func partition(_ batch: RecordBatch, targets: Int) throws(Failure) -> [RecordBatch?] {
    let batch = batch.compacted()
    if targets == 1 { return [batch] }
    let rowCount = batch.length
    if assignment?.parallelism != targets {
      assignment = KeyGroupAssignment(maxKeyGroups: maxKeyGroups, parallelism: targets)
    }
    guard let assignment else { preconditionFailure("the assignment was just made") }
    let hashBuffer = Buffer(byteCount: rowCount * 8)
    let hashes = hashBuffer.unsafeMutableValues(UInt64.self)
    KeyHasher.hash(columns: try KeyColumn.plain(keys.map { batch.columns[$0] }), rows: rowCount, into: hashes)
    let targetBuffer = Buffer(byteCount: rowCount * 4)
    assignment.targets(hashes, count: rowCount, into: targetBuffer.unsafeMutableValues(UInt32.self))
    withExtendedLifetime(hashBuffer) {}
    defer { withExtendedLifetime(targetBuffer) {} }
    return batch.scattered(targets: targetBuffer.values(UInt32.self), targetCount: targets)
  }
}
