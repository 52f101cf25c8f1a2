import Base
import Observability

/// A failure as the user sees it: one sentence on stderr, or one JSON event where all of stderr is JSON.
struct Complaint {
  let failure: Failure

  init(_ failure: Failure) { self.failure = failure }

  func tell(_ format: LogFormat) {
    switch format {
    case .auto: complain("volley-host: \(oneLine(failure.message))")
    case .json:
      EventLog().error(
        "failed", failure.message,
        [
          "kind": .string(failure.kind.name), "domain": .string(failure.domain.rawValue),
          "retryable": .bool(failure.retryable), "exit_code": .int(Int(failure.kind.exitCode)),
        ])
    }
  }
}

extension Failure.Kind {
  /// As events spell it.
  var name: String {
    switch self {
    case .usage: "usage"
    case .data: "data"
    case .noInput: "no-input"
    case .plugin: "plugin"
    case .unavailable: "unavailable"
    case .software: "software"
    case .io: "io"
    case .memory: "memory"
    }
  }
}
