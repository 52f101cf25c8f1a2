import Volley

/// The ten highest bids for each auction.
enum Q19: Query {
  static let name = "q19"
  static let summary = "auction top ten: the highest bids for each auction, with their ranks"

  static func result(_ events: DataStream) -> DataStream {
    events.wholeBids.keyBy("auction").topN(
      10, by: .descending("price"), .ascending("dateTime"), .ascending("bidder"), .ascending("channel"),
      .ascending("url"), .ascending("extra"), rank: "rank_number", uid: "highest")
  }
}
