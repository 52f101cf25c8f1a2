import Volley

/// Bids as they are: what it costs to bring events in and out.
enum Q0: Query {
  static let name = "q0"
  static let summary = "pass through: the bids"

  static func result(_ events: DataStream) -> DataStream {
    events.bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), col("dateTime"),
      bid("extra").as("extra"))
  }
}
