import Volley

/// Of windows of 10 s the persons who came in them and sell in them.
enum Q8: Query {
  static let name = "q8"
  static let summary = "new users: persons with an auction in the window in which they came"
  static let isTimed = true

  static func result(_ events: DataStream) -> DataStream {
    let persons = events.persons.select(person("id").as("id"), person("name").as("name"), col("dateTime"))
    let sellers = events.auctions.select(auction("seller").as("seller"), col("dateTime"))
    return persons.keyBy("id")
      .join(
        sellers.keyBy("seller"), .semi, on: .window(.tumbling(.seconds(10))), sharedNames: .suffixed("", "_seller"),
        uid: "sellers"
      )
      .select("id", "name", col("window_start").as("stime"))
  }
}
