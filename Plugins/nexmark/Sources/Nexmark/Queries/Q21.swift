import Volley

/// Bids with the number of their channel: by name of the known ones, else from the address.
enum Q21: Query {
  static let name = "q21"
  static let summary = "channel numbers: bids whose channel has a number"

  static func result(_ events: DataStream) -> DataStream {
    let channel = bid("channel").lowercased()
    let fromAddress = bid("url").extract(regex: "(&|^)channel_id=([^&]*)", group: 2)
    return events.bids.filter(fromAddress.isNotNull || channel.isIn(["apple", "google", "facebook", "baidu"])).select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), bid("channel").as("channel"),
      when(channel == "apple", then: "0").when(channel == "google", then: "1").when(channel == "facebook", then: "2")
        .when(channel == "baidu", then: "3").otherwise(fromAddress).as("channel_id"))
  }
}
