import Arrow
import Base
import Dataflow
import Synchronization

/// Gives batches that lie in memory, over and over, until it gave so many rows.
final class MemorySource: Source {
  private let batches: [RecordBatch]
  private var left: Int
  private var next = 0
  private let stopped = Atomic<Bool>(false)

  init(_ batches: [RecordBatch], rows: Int) {
    self.batches = batches
    left = rows
  }

  var blocks: Bool { false }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    if left <= 0 || stopped.load(ordering: .relaxed) { return .end }
    var batch = batches[next]
    next = next + 1 == batches.count ? 0 : next + 1
    if batch.length > left { batch = batch.slice(0..<left) }
    left -= batch.length
    return .batch(batch)
  }

  func stop() { stopped.store(true, ordering: .relaxed) }
}

/// Reads every value of what arrives.
final class ChecksumSink: Sink {
  private var checksum = Checksum()
  private let report: (Checksum) -> Void

  /// - Parameter report: called once, at the end.
  init(report: @escaping (Checksum) -> Void) { self.report = report }

  var blocks: Bool { false }
  func write(_ batch: RecordBatch) throws(Failure) { checksum.add(batch) }
  func close(complete: Bool) throws(Failure) { report(checksum) }
}
