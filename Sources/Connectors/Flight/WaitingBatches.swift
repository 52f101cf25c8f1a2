import Arrow
import Base
import Flight

/// Batches that wait for room in a stream, on its loop.
struct WaitingBatches {
  private struct Entry {
    let batch: RecordBatch
    let byteCount: Int
  }

  /// From `first` on.
  private var entries: [Entry] = []
  private var first = 0

  var isEmpty: Bool { first == entries.count }

  mutating func append(_ batch: RecordBatch, _ byteCount: Int) {
    entries.append(Entry(batch: batch, byteCount: byteCount))
  }

  mutating func removeAll() { (entries, first) = ([], 0) }

  /// Sends as many as the stream has room for.
  ///
  /// - Parameter sent: told the bytes of each.
  /// - Throws: for a batch that has no form in Flight.
  mutating func send(
    to stream: FlightStream, with writer: inout FlightBatchWriter, sent: (Int) -> Void
  ) throws(Failure) {
    while !isEmpty, stream.hasRoom {
      let entry = entries[first]
      first += 1
      if first == entries.count || first >= 1_024 {
        entries.removeFirst(first)
        first = 0
      }
      try stream.send { queue throws(Failure) in try writer.write(entry.batch, to: &queue) }
      sent(entry.byteCount)
    }
  }
}
