import Volley

/// Of windows of 10 s the persons who came in them and sell in them.
enum Q8: Query {
  static let name = "q8"
  static let summary = "new users: persons with an auction in the window in which they came"
  static let isTimed = true

  static func result(_ events: DataStream) -> DataStream {
    events.filter(col("event_type") != lit(Auctions.Kind.bid.rawValue))
      .keyBy(coalesce(person("id"), auction("seller")).as("id"))
      .window(.tumbling(.seconds(10)))
      .aggregate(
        max(person("name")).as("name"), count(person("id")).as("persons"), count(auction("id")).as("auctions"),
        uid: "together"
      )
      .filter(col("persons") > 0 && col("auctions") > 0)
      .select("id", "name", col("window_start").as("stime"))
  }
}
