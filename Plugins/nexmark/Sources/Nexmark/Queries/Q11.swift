import Volley

/// How often a person bids without a pause of 10 s.
enum Q11: Query {
  static let name = "q11"
  static let summary = "user sessions: each person's bids without a pause"
  static let isTimed = true

  static func result(_ events: DataStream) -> DataStream {
    events.bids.keyBy(bid("bidder").as("bidder")).window(.session(gap: .seconds(10)))
      .aggregate(count().as("bid_count"), uid: "sessions")
      .select("bidder", "bid_count", col("window_start").as("starttime"), col("window_end").as("endtime"))
  }
}
