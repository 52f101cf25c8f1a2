import Volley

/// The prices of bids in euros, exact to a tenth of a cent.
enum Q1: Query {
  static let name = "q1"
  static let summary = "currency conversion: the bids with prices in euros"

  /// An amount of dollars in euros: a decimal with three places.
  static func euros(_ dollars: ColumnExpression) -> ColumnExpression {
    lit("0.908").cast(to: .decimal128(precision: 3, scale: 3)) * dollars
  }

  static func result(_ events: DataStream) -> DataStream {
    events.bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), euros(bid("price")).as("price"), col("dateTime"),
      bid("extra").as("extra"))
  }
}
