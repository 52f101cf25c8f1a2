import Volley

extension DataStream {
  /// The events that are bids.
  var bids: DataStream { filter(col("event_type") == lit(Auctions.Kind.bid.rawValue)) }
}

/// A field of the bid that an event is, under its own name.
func bid(_ field: String) -> ColumnExpression { col("bid").field(field) }
