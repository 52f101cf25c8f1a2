import Base
import Observability

/// One source, operator or sink of a subtask: what it is called, and what it counts.
final class Stage: Sendable {
  let label: String
  let uid: String?
  let metrics: StageMetrics
  let calls: CallClock

  init(label: String, uid: String?, metrics: StageMetrics, calls: CallClock = CallClock()) {
    self.label = label
    self.uid = uid
    self.metrics = metrics
    self.calls = calls
  }

  /// Runs code of the stage's: it shows while it has not returned.
  func call<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    calls.enter(at: .now)
    defer { calls.leave() }
    return try body()
  }

  /// As a message names it.
  var place: String { uid.map { "stage '\(label)' (uid \($0))" } ?? "stage '\(label)'" }
}
