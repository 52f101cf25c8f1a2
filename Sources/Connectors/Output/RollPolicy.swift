import Arrow
import Base

/// When a file of a directory is complete and the next one begins. Without bounds, at the job's end.
struct RollPolicy: Sendable {
  /// A file that has so many bytes is complete.
  var bytes: Int?
  /// A file that is so many nanoseconds old is complete.
  var nanoseconds: Int64?

  /// Whether a part is full.
  func isFull(_ part: OutputPart) -> Bool {
    guard let bytes else { return false }
    return part.byteCount >= bytes
  }

  /// When a part is old enough.
  func due(_ part: OutputPart) -> MonotonicTime? { nanoseconds.map { part.since + $0 } }

  /// Rows to write before the size is looked at again, of at most `most`: half of those that still fit, so that a file is
  /// larger than asked for by a row or so, also when rows grow.
  func step(_ part: OutputPart, _ batch: RecordBatch, most: Int) -> Int {
    guard let bytes else { return most }
    let rowBytes =
      part.rows > 0 ? max(1, part.byteCount / part.rows) : max(1, batch.byteCount / max(1, batch.length))
    return max(1, min(most, (bytes - part.byteCount) / rowBytes / 2))
  }
}
