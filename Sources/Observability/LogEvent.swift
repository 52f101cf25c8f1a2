import Base
import VolleyPlan

/// Something that happened.
public struct LogEvent: Sendable {
  public var time: EventTime
  public var level: LogLevel
  /// A short stable name that a program can look for: "job.started".
  public var name: String
  /// A sentence for a person.
  public var message: String
  /// Values beside the message, in the order in which they are written.
  public var values: [(name: String, value: LogValue)]

  public init(
    time: EventTime, level: LogLevel, name: String, message: String, values: [(name: String, value: LogValue)] = []
  ) {
    self.time = time
    self.level = level
    self.name = name
    self.message = message
    self.values = values
  }

  /// The value of that name.
  public subscript(name: String) -> LogValue? { values.first { $0.name == name }?.value }

  /// One JSON object without a line break: time (RFC 3339), level, event, message, then the values.
  public var line: String {
    var members = [
      JSONValue.Member("time", .string(RFC3339.text(time))),
      JSONValue.Member("level", .string(level.name)),
      JSONValue.Member("event", .string(name)),
      JSONValue.Member("message", .string(message)),
    ]
    for (name, value) in values { members.append(JSONValue.Member(name, value.json)) }
    return JSONValue.object(members).text
  }
}
