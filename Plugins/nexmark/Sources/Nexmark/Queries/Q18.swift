import Volley

/// The last bid of each person for each auction.
enum Q18: Query {
  static let name = "q18"
  static let summary = "last bids: of each person for each auction"

  static func result(_ events: DataStream) -> DataStream {
    events.wholeBids.keyBy("bidder", "auction").topN(
      1, by: .descending("dateTime"), .ascending("price"), .ascending("channel"), .ascending("url"),
      .ascending("extra"), uid: "last")
  }
}
