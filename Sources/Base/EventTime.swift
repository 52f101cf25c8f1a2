/// A point in event time: microseconds since 1970-01-01T00:00:00Z.
public struct EventTime: Sendable, Hashable, Comparable {
  public var microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }

  public static func < (left: EventTime, right: EventTime) -> Bool { left.microseconds < right.microseconds }

  /// Before every event.
  public static let earliest = EventTime(microseconds: .min)
  /// After every event: what a source that ended stands at.
  public static let latest = EventTime(microseconds: .max)
}
