import Base
import Observability
import VolleyPlan

/// What a run did of epochs.
struct EpochCounts: Sendable, Hashable {
  /// A complete epoch.
  struct Newest: Sendable, Hashable {
    var epoch: Epoch
    /// When it was completed, on the machine's clock; of another process's, when that says it was.
    var time: ProcessingTime
    /// The same for this process's delays; nil: it was another's.
    var completed: MonotonicTime?
    /// Bytes that it brought into the checkpoint folder.
    var newBytes: Int64 = 0
    /// By a stage's id, bytes of the files that hold its state.
    var stateBytes: [String: Int64] = [:]
  }

  var completed = 0
  /// Those that were given up.
  var aborted = 0
  /// Why the last one was, if no other was completed since.
  var lastAbort: String?
  /// In seconds.
  var durations = Histogram(bounds: VolleyMetrics.checkpointBounds)
  /// Nil: there is none, neither of this run nor of one that it goes on from.
  var newest: Newest?
  /// From start to publication: of all that were completed, and of the one that took longest.
  var microseconds: Int64 = 0
  var longestMicroseconds: Int64 = 0
  /// Bytes that were brought into the checkpoint folder.
  var newBytes: Int64 = 0

  mutating func complete(microseconds: Int64, _ newest: Newest) {
    completed += 1
    let newBytes = newest.newBytes
    self.newest = newest
    lastAbort = nil
    durations.observe(Double(microseconds) * 1e-6)
    self.microseconds += microseconds
    longestMicroseconds = max(longestMicroseconds, microseconds)
    self.newBytes += newBytes
  }

  mutating func abort(_ why: String) {
    aborted += 1
    lastAbort = why
  }

  var text: String {
    var text = "epochs: \(grouped(completed)) complete, \(grouped(aborted)) given up"
    if completed > 0 {
      let mean = Double(microseconds) * 1e-6 / Double(completed)
      text += ", \(timeText(mean)) each and \(timeText(Double(longestMicroseconds) * 1e-6)) at most, "
      text += "\(byteSizeText(Int(newBytes))) new"
    }
    return text
  }

  var json: JSONValue {
    .object([
      .init("completed", .int(Int64(completed))), .init("aborted", .int(Int64(aborted))),
      .init("seconds", .double(Double(microseconds) * 1e-6)),
      .init("longest_seconds", .double(Double(longestMicroseconds) * 1e-6)), .init("new_bytes", .int(newBytes)),
    ])
  }
}
