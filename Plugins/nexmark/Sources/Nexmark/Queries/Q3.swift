import Volley

/// Sellers of some states with the auctions of one category, as both come.
enum Q3: Query {
  static let name = "q3"
  static let summary = "local items: auctions of a category and their sellers of some states"

  static func result(_ events: DataStream) -> DataStream {
    let auctions = events.auctions.filter(auction("category") == 10)
      .select(auction("seller").as("seller"), auction("id").as("id"))
    let persons = events.persons.filter(person("state").isIn(["OR", "ID", "CA"])).select(
      person("id").as("person"), person("name").as("name"), person("city").as("city"), person("state").as("state"))
    return auctions.keyBy("seller").join(persons.keyBy("person"), .inner, on: .unbounded(), uid: "sellers")
      .select("name", "city", "state", "id")
  }
}
