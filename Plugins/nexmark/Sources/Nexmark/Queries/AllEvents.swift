import Volley

/// The events as they are, to be looked at or kept.
enum AllEvents: Query {
  static let name = "events"
  static let summary = "the events themselves, of all kinds"

  static func result(_ events: DataStream) -> DataStream { events }
}
