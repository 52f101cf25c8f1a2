import Arrow
import Base
import Dataflow

/// Hands rows on, and no time signals: an operator that does in parts what is due at a time has come to that time with the last of them
/// only.
final class GatedCollector: Collector {
  private var output: (any Collector)?

  /// Calls `body` with itself in front of a collector.
  func leading(to output: any Collector, _ body: (GatedCollector) throws(Failure) -> Void) throws(Failure) {
    self.output = output
    defer { self.output = nil }
    try body(self)
  }

  private var target: any Collector {
    guard let output else { preconditionFailure("an operator emits in a call") }
    return output
  }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) { try target.emit(batch, output: output) }
  func emit(_ rows: any DeferredRows, output: Int) throws(Failure) { try target.emit(rows, output: output) }
  func advance(to time: EventTime) {}
  func becomeIdle() {}
}

/// For calls of an operator that has no keys: it gives no rows.
final class SilentCollector: Collector {
  func emit(_ batch: RecordBatch, output: Int) { preconditionFailure("an operator without keys has no rows to give") }
}
