import Base
import Checkpointing
import Observability
import Planning

/// Notes which requests to feed records again are in a complete epoch. Used by the thread of the epochs alone.
final class FeedWatch: @unchecked Sendable {  // See above.
  private let requests: FeedRequests
  private let log: EventLog
  private var waiting: [FeedRequests.Request]

  /// Nil when nothing is waited for.
  init?(_ directory: String, _ fed: [FeedRequests.Request], log: EventLog) {
    let waiting = fed.filter { $0.done == nil }
    guard !waiting.isEmpty else { return nil }
    self.waiting = waiting
    requests = QuarantineFolder(path: directory).requests
    self.log = log
  }

  func note(_ manifest: Manifest) {
    guard !waiting.isEmpty else { return }
    let done = requests.note(waiting, doneIn: manifest, source: { ExecutionGraph.feedName(of: $0) })
    for request in done {
      waiting.removeAll { $0.path == request.path }
      log.info(
        "quarantine.fed",
        "\(request.ids.count) records were fed to '\(request.uid)' again in epoch \(manifest.epoch.number)",
        ["uid": .string(request.uid), "records": .int(request.ids.count), "epoch": .int(Int(manifest.epoch.number))])
    }
  }
}
