import Volley

/// The statistics of q15 for each channel, and the minute of its last bid.
enum Q16: Query {
  static let name = "q16"
  static let summary = "channel statistics: bids, bidders and auctions of each channel and day"

  static func result(_ events: DataStream) -> DataStream {
    events.bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), bid("channel").as("channel"),
      col("dateTime"), BidRank.day
    )
    .keyBy("channel", "day").aggregate(
      max(col("dateTime")).as("minute"),
      BidRank.total.bids, BidRank.rank1.bids, BidRank.rank2.bids, BidRank.rank3.bids,
      BidRank.total.different("bidder"), BidRank.rank1.different("bidder"), BidRank.rank2.different("bidder"),
      BidRank.rank3.different("bidder"),
      BidRank.total.different("auction"), BidRank.rank1.different("auction"), BidRank.rank2.different("auction"),
      BidRank.rank3.different("auction"),
      uid: "statistics"
    ).extend(BidRank.dayText, col("minute").formatted("%H:%M").as("minute"))
  }
}
