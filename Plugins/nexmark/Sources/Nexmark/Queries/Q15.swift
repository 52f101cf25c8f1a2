import Volley

/// Of each day how many bids, bidders and auctions there are: in all, and of each rank of prices.
enum Q15: Query {
  static let name = "q15"
  static let summary = "bidding statistics: bids, bidders and auctions of each day"

  static func result(_ events: DataStream) -> DataStream {
    events.bids.select(bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), BidRank.day)
      .keyBy("day").aggregate(
        BidRank.total.bids, BidRank.rank1.bids, BidRank.rank2.bids, BidRank.rank3.bids,
        BidRank.total.different("bidder"), BidRank.rank1.different("bidder"), BidRank.rank2.different("bidder"),
        BidRank.rank3.different("bidder"),
        BidRank.total.different("auction"), BidRank.rank1.different("auction"), BidRank.rank2.different("auction"),
        BidRank.rank3.different("auction"),
        uid: "statistics"
      ).extend(BidRank.dayText)
  }
}
