import Arrow
import Base

/// The times of rows, as microseconds.
struct RowTimes {
  private let time: RowTime
  /// Microseconds that are added to times and taken from them.
  private let margin: Int64
  /// Microseconds that are added on top of them.
  private let lateness: Int64

  init(_ time: RowTime, margin: Int64, lateness: Int64 = 0) {
    self.time = time
    self.margin = margin
    self.lateness = lateness
  }

  var isProcessingTime: Bool { if case .processing = time { true } else { false } }

  /// Those of a batch with at least one row: 8 bytes each.
  ///
  /// - Throws: a `data` failure for a time that is too far away from 1970.
  func values(of batch: RecordBatch) throws(Failure) -> Buffer {
    let count = batch.rowCount
    let buffer = Buffer(byteCount: count * 8)
    let values = buffer.unsafeMutableValues(Int64.self)
    switch time {
    case .processing(let clock): values.update(repeating: clock.now.microseconds, count: count)
    case .event(let column, let shift):
      let times = try EventTimes(batch.compactedColumn(column), shift: shift)
      values.update(from: times.pointer, count: count)
      withExtendedLifetime(times) {}
    case .bounds: preconditionFailure("rows that tell their windows are in no session")
    }
    var (earliest, latest) = (values[0], values[0])
    for row in 0..<count {
      earliest = min(earliest, values[row])
      latest = max(latest, values[row])
    }
    guard earliest > .min + 2 * margin, latest < .max - 4 * margin - lateness else { throw PaneSplit.beyond }
    return buffer
  }
}
