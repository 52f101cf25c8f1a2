import Volley

extension DataStream {
  /// The events that are persons.
  var persons: DataStream { filter(col("event_type") == lit(Auctions.Kind.person.rawValue)) }
  /// The events that are auctions.
  var auctions: DataStream { filter(col("event_type") == lit(Auctions.Kind.auction.rawValue)) }
  /// The events that are bids.
  var bids: DataStream { filter(col("event_type") == lit(Auctions.Kind.bid.rawValue)) }

  /// The bids alone, all their columns.
  var wholeBids: DataStream {
    bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), bid("channel").as("channel"),
      bid("url").as("url"), col("dateTime"), bid("extra").as("extra"))
  }
}

/// A field of the person that an event is, under its own name; null for other events.
func person(_ field: String) -> ColumnExpression { col("person").field(field) }

/// A field of the auction that an event is.
func auction(_ field: String) -> ColumnExpression { col("auction").field(field) }

/// A field of the bid that an event is.
func bid(_ field: String) -> ColumnExpression { col("bid").field(field) }
