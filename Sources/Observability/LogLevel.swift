/// How much an event matters.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
  /// For whoever looks for a fault in Volley or a pipeline.
  case debug
  /// What happened: started, stopped, a checkpoint.
  case info
  /// Something is wrong, and the job goes on.
  case warning
  /// Something failed.
  case error

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

  /// As the log writes it, and as flags and variables spell it.
  public var name: String {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .warning: "warning"
    case .error: "error"
    }
  }

  /// The level of that name, nil if there is none.
  public init?(name: String) {
    guard let level = LogLevel.allCases.first(where: { $0.name == name }) else { return nil }
    self = level
  }
}
