import Base
import Observability

/// An answer to a request for a path.
struct HealthAnswer: Sendable, Hashable {
  /// Of HTTP.
  var status: Int
  var contentType: String
  var body: String

  static func text(_ status: Int, _ line: String) -> HealthAnswer {
    HealthAnswer(status: status, contentType: "text/plain; charset=utf-8", body: line + "\n")
  }
}

/// What is asked about a job from outside, whatever brings the questions. From any thread.
struct HealthService: Sendable {
  /// Why the job is not ready; nil: it is.
  let objection: @Sendable () -> String?
  /// The metrics as text; nil while there are none, for the reason that `objection` gives.
  let metrics: @Sendable () -> String?

  init(objection: @escaping @Sendable () -> String?, metrics: @escaping @Sendable () -> String?) {
    self.objection = objection
    self.metrics = metrics
  }

  /// There is no worker at the moment.
  init(between reason: String) {
    self.init(objection: { reason }, metrics: { nil })
  }

  static let paths = ["/healthz", "/readyz", "/metrics"]

  /// - Parameter target: the path, with or without a query.
  func answer(to target: some StringProtocol) -> HealthAnswer {
    switch target.prefix(while: { $0 != "?" }) {
    case "/healthz":
      // Whoever asks wants to know whether a process is there to answer.
      return .text(200, "ok")
    case "/readyz":
      return objection().map { .text(503, "not ready: \(oneLine($0))") } ?? .text(200, "ready")
    case "/metrics":
      if let text = metrics() { return HealthAnswer(status: 200, contentType: MetricsText.contentType, body: text) }
      return .text(503, "no metrics: \(oneLine(objection() ?? "the job is just starting"))")
    default:
      return .text(404, "there is nothing here; ask for \(Self.paths.joined(separator: ", "))")
    }
  }
}
