import Volley

/// Of windows of 10 s the bids of the highest price.
enum Q7: Query {
  static let name = "q7"
  static let summary = "highest bid: the bids of the highest price of each window"
  static let isTimed = true

  static func result(_ events: DataStream) -> DataStream {
    events.bids.windowAll(.tumbling(.seconds(10))).rows(withGreatest: bid("price"), uid: "highest").select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), col("dateTime"),
      bid("extra").as("extra"))
  }
}
