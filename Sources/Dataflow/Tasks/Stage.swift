import Base
import Observability

/// One source, operator or sink of a subtask: what it is called, and what it counts.
final class Stage: Sendable {
  let label: String
  let uid: String?
  let metrics: StageMetrics

  init(label: String, uid: String?, metrics: StageMetrics) {
    self.label = label
    self.uid = uid
    self.metrics = metrics
  }

  /// As a message names it.
  var place: String { uid.map { "stage '\(label)' (uid \($0))" } ?? "stage '\(label)'" }
}
