import Volley

/// The average of what was paid in the last ten auctions of a seller, told as each auction ends that had a bid.
///
/// Auctions of a seller end in the order of their ends, then of their numbers.
enum Q6: Query {
  static let name = "q6"
  static let summary = "average selling price: of each seller's last ten auctions"
  static let isTimed = true

  static func result(_ events: DataStream) -> DataStream {
    events.filter(col("event_type") != lit(Auctions.Kind.person.rawValue))
      .select(
        coalesce(auction("id"), bid("auction")).as("item"), auction("seller").as("seller"),
        auction("expires").as("expires"), bid("price").as("price"), col("dateTime")
      )
      .keyBy("item").process("sell", uid: "sales") { Selling() }
      // An auction is sold when the watermark has passed its end.
      .eventTime("expires", outOfOrderness: .zero)
      .keyBy("seller").process("average", uid: "averages") { SellingPrices() }
  }
}

/// What one auction was sold for.
private struct Sale: Codable {
  var seller: Int64
  var auction: Int64
  var price: Int64
  var expires: Timestamp
}

/// Finds the highest bid of an auction between its beginning and its end.
private final class Selling: KeyedProcessFunction {
  /// An auction, or a bid.
  struct Row: Codable {
    var seller: Int64?
    var expires: Timestamp?
    var price: Int64?
    var dateTime: Timestamp
  }
  struct Auction: Codable {
    var seller: Int64
    var begins: Timestamp
    var expires: Timestamp
  }
  struct Offer: Codable {
    var price: Int64
    var time: Timestamp
  }

  @State var auction = ValueState<Auction>()
  @State var highest = ValueState<Int64>()
  /// Bids that came before the auction did.
  @State var waiting = ListState<Offer>()
  @State var hasEnded = ValueState<Bool>()

  func process(_ row: Row, context: Context<Int64?, Sale>) throws {
    if hasEnded.value == true { return }
    if let seller = row.seller, let expires = row.expires {
      let begun = Auction(seller: seller, begins: row.dateTime, expires: expires)
      auction.value = begun
      for offer in waiting.items { take(offer, begun) }
      waiting.clear()
      // A bid may come at that very time.
      context.timers.register(at: Timestamp(microseconds: expires.microseconds + 1))
    } else if let price = row.price {
      let offer = Offer(price: price, time: row.dateTime)
      if let begun = auction.value { take(offer, begun) } else { waiting.append(offer) }
    }
  }

  private func take(_ offer: Offer, _ auction: Auction) {
    guard offer.time >= auction.begins, offer.time <= auction.expires else { return }
    highest.value = max(highest.value ?? offer.price, offer.price)
  }

  func onTimer(_ timer: FiredTimer, context: Context<Int64?, Sale>) throws {
    if let auction = auction.value, let price = highest.value, let number = context.key {
      try context.emit(Sale(seller: auction.seller, auction: number, price: price, expires: auction.expires))
    }
    auction.clear()
    highest.clear()
    hasEnded.value = true
  }
}

/// Averages a seller's last sales.
private final class SellingPrices: KeyedProcessFunction {
  struct Average: Codable {
    var seller: Int64
    var price: Int64

    private enum CodingKeys: String, CodingKey {
      case seller
      case price = "avg_price"
    }
  }

  /// Sales whose end the watermark has not passed, and the prices of those before them, the last of them last.
  @State var coming = ListState<Sale>()
  @State var last = ListState<Int64>()

  private static let count = 10

  func process(_ sale: Sale, context: Context<Int64, Average>) throws {
    coming.append(sale)
    // Another auction may end at that very time.
    context.timers.register(at: Timestamp(microseconds: sale.expires.microseconds + 1))
  }

  func onTimer(_ timer: FiredTimer, context: Context<Int64, Average>) throws {
    let all = coming.items
    let ended = all.filter { $0.expires < timer.time }
      .sorted { ($0.expires.microseconds, $0.auction) < ($1.expires.microseconds, $1.auction) }
    var prices = last.items
    for sale in ended {
      prices = (prices + [sale.price]).suffix(Self.count)
      try context.emit(Average(seller: context.key, price: prices.reduce(0, +) / Int64(prices.count)))
    }
    coming.clear()
    coming.append(contentsOf: all.filter { $0.expires >= timer.time })
    last.clear()
    last.append(contentsOf: prices)
  }
}
