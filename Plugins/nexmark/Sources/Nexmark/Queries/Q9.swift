import Volley

/// Each auction with the bid that wins it: the highest one while it lasts.
enum Q9: Query {
  static let name = "q9"
  static let summary = "winning bids: each auction with its highest bid"

  static func result(_ events: DataStream) -> DataStream {
    let auctions = events.auctions.select(
      auction("id").as("id"), auction("itemName").as("itemName"), auction("description").as("description"),
      auction("initialBid").as("initialBid"), auction("reserve").as("reserve"), col("dateTime"),
      auction("expires").as("expires"), auction("seller").as("seller"), auction("category").as("category"),
      auction("extra").as("extra"))
    let bids = events.bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), bid("channel").as("channel"),
      bid("url").as("url"), col("dateTime").as("bid_dateTime"), bid("extra").as("bid_extra"))
    return auctions.keyBy("id").join(
      bids.keyBy("auction"), .inner, on: .unbounded(),
      where: col("bid_dateTime").isBetween(col("dateTime"), and: col("expires")), uid: "bids"
    ).keyBy("id").topN(
      1, by: .descending("price"), .ascending("bid_dateTime"), .ascending("bidder"), .ascending("channel"),
      .ascending("url"), .ascending("bid_extra"), uid: "winning"
    ).select(
      "row_kind", "id", "itemName", "description", "initialBid", "reserve", "dateTime", "expires", "seller", "category",
      "extra", "auction", "bidder", "price", "bid_dateTime", "bid_extra")
  }
}
