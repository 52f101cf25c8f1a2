import Base
import Dataflow

/// A source of what comes once only, such as standard input: it has no positions.
final class UnrepeatableSource: Source {
  private let body: any Source

  init(_ body: any Source) { self.body = body }

  var blocks: Bool { body.blocks }
  var tellsSplits: Bool { body.tellsSplits }
  func open() throws(Failure) { try body.open() }
  func takeSplitChanges() -> [SplitChange] { body.takeSplitChanges() }
  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    try body.read(maxRows: maxRows, timeout: timeout)
  }
  func stop() { body.stop() }
  func close() throws(Failure) { try body.close() }
}
