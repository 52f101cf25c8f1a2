import Volley

/// Bids with the number of their channel: by name of the known ones, else from the address.
enum Q21: Query {
  static let name = "q21"
  static let summary = "channel numbers: bids whose channel has a number"

  static func result(_ events: DataStream) -> DataStream {
    let channel = bid("channel").lowercased()
    // Looked for once, and only where the name does not tell: who has no number then is left out.
    let number = when(channel == "apple", then: "0").when(channel == "google", then: "1")
      .when(channel == "facebook", then: "2").when(channel == "baidu", then: "3")
      .otherwise(bid("url").extract(regex: "(&|^)channel_id=([^&]*)", group: 2))
    return events.bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), bid("channel").as("channel"),
      number.as("channel_id")
    ).filter(col("channel_id").isNotNull)
  }
}
