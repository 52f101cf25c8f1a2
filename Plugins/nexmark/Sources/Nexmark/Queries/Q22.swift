import Volley

/// Bids with the folders of their address.
enum Q22: Query {
  static let name = "q22"
  static let summary = "folders of addresses: the bids, with three parts of their address"

  static func result(_ events: DataStream) -> DataStream {
    events.bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), bid("channel").as("channel"),
      bid("url").splitPart("/", 4).as("dir1"), bid("url").splitPart("/", 5).as("dir2"),
      bid("url").splitPart("/", 6).as("dir3"))
  }
}
