import Volley

/// Of windows of 10 s, each 2 s after the one before, the auctions with the most bids.
enum Q5: Query {
  static let name = "q5"
  static let summary = "hot items: the auctions with the most bids of each sliding window"
  static let isTimed = true

  static func result(_ events: DataStream) -> DataStream {
    events.bids.select(bid("auction").as("auction"), col("dateTime")).keyBy("auction")
      .window(.sliding(.seconds(10), by: .seconds(2)))
      .aggregate(count().as("num"), uid: "counts")
      .windowAll(.inherited).rows(withGreatest: col("num"), uid: "hottest")
      .select("auction", "num")
  }
}
