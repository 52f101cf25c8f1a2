import Volley

/// Of each category the average of what its auctions were sold for, as it is so far.
enum Q4: Query {
  static let name = "q4"
  static let summary = "average price: of the auctions of each category"

  static func result(_ events: DataStream) -> DataStream {
    let auctions = events.auctions.select(
      auction("id").as("id"), auction("category").as("category"), col("dateTime"), auction("expires").as("expires"))
    let bids = events.bids.select(
      bid("auction").as("auction"), bid("price").as("price"), col("dateTime").as("bid_dateTime"))
    return auctions.keyBy("id").join(
      bids.keyBy("auction"), .inner, on: .unbounded(),
      where: col("bid_dateTime").isBetween(col("dateTime"), and: col("expires")), uid: "bids"
    )
    .keyBy("id", "category").aggregate(max(col("price")).as("price"), uid: "highest", emission: .changelog)
    .keyBy("category").aggregate(
      sum(col("price")).as("prices"), count().as("auctions"), uid: "averages", emission: .changelog
    )
    .select("row_kind", col("category").as("id"), (col("prices") / col("auctions")).as("final"))
  }
}
