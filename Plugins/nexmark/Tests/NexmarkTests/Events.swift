import VolleyTesting

/// An event as the plugin gives it.
struct Event: Codable, Hashable {
  struct Person: Codable, Hashable {
    var id: Int
    var name: String
    var emailAddress: String
    var creditCard: String
    var city: String
    var state: String
    var dateTime: Timestamp
    var extra: String
  }

  struct Auction: Codable, Hashable {
    var id: Int
    var itemName: String
    var description: String
    var initialBid: Int
    var reserve: Int
    var dateTime: Timestamp
    var expires: Timestamp
    var seller: Int
    var category: Int
    var extra: String
  }

  struct Bid: Codable, Hashable {
    var auction: Int
    var bidder: Int
    var price: Int
    var channel: String
    var url: String
    var dateTime: Timestamp
    var extra: String
  }

  var kind: Int
  var person: Person?
  var auction: Auction?
  var bid: Bid?
  var dateTime: Timestamp

  private enum CodingKeys: String, CodingKey {
    case kind = "event_type"
    case person, auction, bid, dateTime
  }

  /// Runs the generator by itself, and gives its events in the order of their arrival.
  static func made(
    _ count: Int, from first: Int = 0, seed: Int = 7, rate: Int = 10_000, shuffle: Int = 0, batchRows: Int = 1000,
    parallelism: Int = 1
  ) throws -> [Event] {
    try PipelineTest("nexmark", pipeline: "events")
      .set("events", count).set("firstEvent", first).set("seed", seed).set("rate", rate).set("shuffle", shuffle)
      .set("batchRows", batchRows).set("parallelism", parallelism)
      .run(collecting: "result").rows(at: "result", as: Event.self)
  }
}
