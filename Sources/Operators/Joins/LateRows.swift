import Arrow
import Base
import Observability
import State

/// The rows of a batch that do not come behind the watermark; the others are counted.
///
/// - Parameters:
///   - batch: without a selection, and so is the result.
///   - limit: the first time that is not late.
/// - Returns: nil when all are late.
func withoutLate(
  _ batch: RecordBatch, _ time: JoinTime, behind limit: Int64, _ metrics: StageMetrics
) throws(Failure) -> RecordBatch? {
  let times = try EventTimes(batch.columns[time.column], shift: time.shift)
  var lateCount = 0
  for row in 0..<times.count where times.pointer[row] < limit { lateCount &+= 1 }
  if lateCount == 0 { return batch }
  metrics.addLateDropped(rows: lateCount)
  if lateCount == times.count { return nil }
  let timely = Selection((0..<times.count).filter { times.pointer[$0] >= limit })
  withExtendedLifetime(times) {}
  return batch.selecting(timely).compacted()
}

extension RowStore {
  /// Those of the rows that have no mark.
  func unmarked(_ numbers: [UInt32]) -> Selection {
    let kept = SlotBuffer(count: numbers.count)
    let count = withUnsafeTemporaryAllocation(of: Bool.self, capacity: numbers.count) { marks in
      guard let base = marks.baseAddress else { return 0 }
      self.marks(of: numbers, count: numbers.count, into: base)
      var count = 0
      for (index, number) in numbers.enumerated() where !base[index] {
        kept.pointer[count] = number
        count &+= 1
      }
      return count
    }
    return kept.selection.prefix(count)
  }
}

extension EventTimes {
  /// Those of some rows, 8 bytes each.
  func gather(_ rows: Selection) -> Buffer {
    let buffer = Buffer(byteCount: rows.count * 8)
    let target = buffer.unsafeMutableValues(Int64.self)
    for index in 0..<rows.count { target[index] = pointer[Int(rows.rows[index])] }
    withExtendedLifetime(rows) {}
    return buffer
  }
}
