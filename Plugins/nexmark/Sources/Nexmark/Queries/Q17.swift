import Volley

/// Of each auction and day how many bids there are, and their prices.
enum Q17: Query {
  static let name = "q17"
  static let summary = "auction statistics: bids and prices of each auction and day"

  static func result(_ events: DataStream) -> DataStream {
    events.bids.select(bid("auction").as("auction"), bid("price").as("price"), BidRank.day).keyBy("auction", "day")
      .aggregate(
        BidRank.total.bids, BidRank.rank1.bids, BidRank.rank2.bids, BidRank.rank3.bids,
        min(col("price")).as("min_price"), max(col("price")).as("max_price"), sum(col("price")).as("avg_price"),
        sum(col("price")).as("sum_price"),
        uid: "statistics"
      ).extend(BidRank.dayText, (col("sum_price") / col("total_bids")).as("avg_price"))
  }
}
