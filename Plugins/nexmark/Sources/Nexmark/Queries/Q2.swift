import Volley

/// The prices that are bid for every 123rd auction.
enum Q2: Query {
  static let name = "q2"
  static let summary = "selection: the bids for some auctions"

  static func result(_ events: DataStream) -> DataStream {
    events.bids.filter(bid("auction") % 123 == 0).select(bid("auction").as("auction"), bid("price").as("price"))
  }
}
