import Volley

/// How often a person bids in 10 s of processing time.
enum Q12: Query {
  static let name = "q12"
  static let summary = "processing time windows: each person's bids"

  static func result(_ events: DataStream) -> DataStream {
    events.bids.keyBy(bid("bidder").as("bidder")).window(.tumbling(.seconds(10)), time: .processing)
      .aggregate(count().as("bid_count"), uid: "windows")
      .select(
        "bidder", "bid_count", col("window_start").cast(to: .timestamp).as("starttime"),
        col("window_end").cast(to: .timestamp).as("endtime"))
  }
}
