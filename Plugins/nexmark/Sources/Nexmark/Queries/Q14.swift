import Volley

/// Bids of a range of prices in euros, the time of day that they were made at, and how often `c` stands in their padding.
enum Q14: Query {
  static let name = "q14"
  static let summary = "calculation: bids within a range of prices, with a user function"

  static func result(_ events: DataStream) -> DataStream {
    let countCharacter = udf("count_char") { (text: String, character: String) -> Int in
      let byte = character.utf8.first
      return text.utf8.reduce(0) { $0 + ($1 == byte ? 1 : 0) }
    }
    let price = Q1.euros(bid("price"))
    let hour = col("dateTime").extract(.hour)
    return events.bids.filter(price > 1_000_000 && price < 50_000_000).select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), price.as("price"),
      when(hour >= 8 && hour <= 18, then: "dayTime").when(hour <= 6 || hour >= 20, then: "nightTime")
        .otherwise("otherTime").as("bidTimeType"),
      col("dateTime"), bid("extra").as("extra"), countCharacter(bid("extra"), lit("c")).as("c_counts"))
  }
}
