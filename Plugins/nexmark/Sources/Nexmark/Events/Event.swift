import Volley

/// The columns of the events: which kind one is, the struct of that kind, and when it happened.
enum Event {
  static let person: [Field] = [
    required("id", .int64), required("name", .utf8), required("emailAddress", .utf8), required("creditCard", .utf8),
    required("city", .utf8), required("state", .utf8), required("dateTime", .timestamp), required("extra", .utf8),
  ]
  static let auction: [Field] = [
    required("id", .int64), required("itemName", .utf8), required("description", .utf8), required("initialBid", .int64),
    required("reserve", .int64), required("dateTime", .timestamp), required("expires", .timestamp),
    required("seller", .int64), required("category", .int64), required("extra", .utf8),
  ]
  static let bid: [Field] = [
    required("auction", .int64), required("bidder", .int64), required("price", .int64), required("channel", .utf8),
    required("url", .utf8), required("dateTime", .timestamp), required("extra", .utf8),
  ]

  /// `event_type` is 0, 1 or 2 for a person, an auction, a bid; the structs of the other kinds are null.
  static let schema = Schema([
    required("event_type", .int32), Field("person", .struct(person)), Field("auction", .struct(auction)),
    Field("bid", .struct(bid)), required("dateTime", .timestamp),
  ])

  private static func required(_ name: String, _ type: DataType) -> Field { Field(name, type, nullable: false) }
}
