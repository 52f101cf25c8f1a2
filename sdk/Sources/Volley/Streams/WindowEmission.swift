import VolleyPlan

/// When windows tell their results.
public enum WindowEmission: Sendable {
  /// Once, when the watermark has passed the window's end by the allowed lateness.
  case final
  /// When the watermark passes the window's end, and corrected by the rows that come within the allowed lateness.
  case updating
}

/// When windows tell results before their ends.
public struct WindowTrigger: Sendable {
  private let everyRows: Int?
  private let every: Duration?

  /// After so many rows of a key in the window, looked at once a batch.
  public static func everyRows(_ rows: Int) -> WindowTrigger { WindowTrigger(everyRows: rows, every: nil) }

  /// Every so often, on the clock of those who process: of each key that has changed.
  public static func every(_ time: Duration) -> WindowTrigger { WindowTrigger(everyRows: nil, every: time) }

  /// After so many rows of a key, and of what is left every so often.
  public static func every(_ time: Duration, orRows rows: Int) -> WindowTrigger {
    WindowTrigger(everyRows: rows, every: time)
  }

  func plan(_ environment: StreamExecutionEnvironment, _ place: String) -> Plan.WindowTrigger {
    if let everyRows, everyRows < 1 {
      environment.report("\(place): a trigger every \(everyRows) rows; give at least 1")
    }
    if let every, every < .microseconds(1) {
      environment.report("\(place): a trigger every \(every.text); give at least a microsecond")
    }
    return Plan.WindowTrigger(everyRows: everyRows, every: every.map { environment.microseconds($0, place) })
  }
}
