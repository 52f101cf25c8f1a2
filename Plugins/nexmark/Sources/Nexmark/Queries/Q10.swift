import Volley

/// Bids in files of their own for each minute of a day.
enum Q10: Query {
  static let name = "q10"
  static let summary = "log to files: the bids, partitioned by day and minute"

  static func result(_ events: DataStream) -> DataStream {
    events.bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), col("dateTime"),
      bid("extra").as("extra"), col("dateTime").formatted("%Y-%m-%d").as("dt"),
      col("dateTime").formatted("%H:%M").as("hm"))
  }

  static func files(_ folder: String) -> Sink { .csv(folder, layout: FileLayout(partitionBy: ["dt", "hm"])) }
}
