import Base
import Calendar

/// Points in time as text, in UTC with microseconds: "2024-02-29T23:59:59.000001Z".
/// Source: https://www.rfc-editor.org/rfc/rfc3339
public enum RFC3339 {
  /// - Parameter time: years 0 to 9999 have four digits, as the format wants; others a sign, and more if they need.
  public static func text(_ time: EventTime) -> String {
    ISO8601.text(time.microseconds, unit: .microsecond, isInstant: true)
  }
}
