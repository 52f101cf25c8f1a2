import Volley

/// What q15, q16 and q17 count the bids of a day by.
enum BidRank: String {
  case total
  /// Below 10,000, below 1,000,000, and the others.
  case rank1, rank2, rank3

  /// The day of a bid, as a key; `dayText` is how it is told.
  static let day = col("dateTime").cast(to: .date32).as("day")
  static let dayText = col("day").formatted("%Y-%m-%d").as("day")

  /// How many bids are of this rank: `rank1_bids`.
  var bids: AggregateExpression { counted(count()).as("\(rawValue)_bids") }

  /// How many different values a field of the bids of this rank has: `rank1_bidders`.
  func different(_ field: String) -> AggregateExpression {
    counted(countDistinct(col(field))).as("\(rawValue)_\(field)s")
  }

  private func counted(_ aggregate: AggregateExpression) -> AggregateExpression {
    let price = col("price")
    return switch self {
    case .total: aggregate
    case .rank1: aggregate.filter(price < 10_000)
    case .rank2: aggregate.filter(price >= 10_000 && price < 1_000_000)
    case .rank3: aggregate.filter(price >= 1_000_000)
    }
  }
}
