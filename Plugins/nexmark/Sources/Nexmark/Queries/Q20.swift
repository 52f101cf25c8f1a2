import Volley

/// Bids with the auctions of one category that they are for.
enum Q20: Query {
  static let name = "q20"
  static let summary = "expand bids: the bids for the auctions of a category, with the auction"

  static func result(_ events: DataStream) -> DataStream {
    let bids = events.bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), bid("channel").as("channel"),
      bid("url").as("url"), col("dateTime").as("bid_dateTime"), bid("extra").as("bid_extra"))
    let auctions = events.auctions.filter(auction("category") == 10).select(
      auction("id").as("id"), auction("itemName").as("itemName"), auction("description").as("description"),
      auction("initialBid").as("initialBid"), auction("reserve").as("reserve"), col("dateTime").as("auction_dateTime"),
      auction("expires").as("expires"), auction("seller").as("seller"), auction("category").as("category"),
      auction("extra").as("auction_extra"))
    return bids.keyBy("auction").join(auctions.keyBy("id"), .inner, on: .unbounded(), uid: "auctions").select(
      "auction", "bidder", "price", "channel", "url", "bid_dateTime", "bid_extra", "itemName", "description",
      "initialBid", "reserve", "auction_dateTime", "expires", "seller", "category", "auction_extra")
  }
}
