import VolleyPlan

/// What a run did of epochs.
struct EpochCounts: Sendable, Hashable {
  var completed = 0
  /// Those that were given up.
  var aborted = 0
  /// From start to publication: of all that were completed, and of the one that took longest.
  var microseconds: Int64 = 0
  var longestMicroseconds: Int64 = 0
  /// Bytes that were brought into the checkpoint folder.
  var newBytes: Int64 = 0

  mutating func complete(microseconds: Int64, newBytes: Int64) {
    completed += 1
    self.microseconds += microseconds
    longestMicroseconds = max(longestMicroseconds, microseconds)
    self.newBytes += newBytes
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
