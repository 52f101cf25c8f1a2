import Arrow
import Base
import Dataflow
import VolleyPlan

/// Gives each row that an update takes back the event time of the one that takes its place: the time from which on it
/// does not hold.
///
/// The two rows of an update are known by standing next to each other in a batch; behind an exchange by another key
/// they part.
public final class UpdateTimesOperator: Operator {
  private let time: Int

  /// - Parameter time: the column of the event time; the first column is `row_kind`.
  public init(time: Int) { self.time = time }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    var batch = batch.compacted()
    let kinds = batch.columns[0]
    var sources = (0..<UInt32(truncatingIfNeeded: batch.length)).map { $0 }
    var changes = false
    for row in 1..<max(1, batch.length)
    where RowChanges.is(kinds, row, .updateAfter) && RowChanges.is(kinds, row - 1, .updateBefore) {
      sources[row - 1] += 1
      changes = true
    }
    if changes { batch.columns[time] = batch.columns[time].gather(sources, count: sources.count) }
    try collector.emit(batch, output: 0)
  }
}
