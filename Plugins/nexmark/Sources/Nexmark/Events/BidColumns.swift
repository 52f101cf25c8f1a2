import Volley

/// The bids of a batch.
struct BidColumns {
  static let averageBytes = 100
  /// One in so many bids is not for the hot auction, not by the hot bidder, not through a hot channel.
  private static let hotAuctions: Int64 = 2
  private static let hotBidders: Int64 = 4
  private static let hotChannels: Int64 = 2

  let rows: StructBuilder
  private let auctions: UnsafeMutableBufferPointer<Int64>
  private let bidders: UnsafeMutableBufferPointer<Int64>
  private let prices: UnsafeMutableBufferPointer<Int64>
  private let times: UnsafeMutableBufferPointer<Timestamp>
  private var channels: ColumnBuilder<String>
  private var urls: ColumnBuilder<String>
  private var extras: ColumnBuilder<String>

  /// - Parameter count: rows of the batch, of all kinds.
  init(_ batch: BatchBuilder, count: Int) throws {
    rows = try batch.structColumn("bid")
    var auctions: ColumnBuilder<Int64> = try rows.field("auction")
    var bidders: ColumnBuilder<Int64> = try rows.field("bidder")
    var prices: ColumnBuilder<Int64> = try rows.field("price")
    var times: ColumnBuilder<Timestamp> = try rows.field("dateTime")
    self.auctions = auctions.unsafeAppend(count: count)
    self.bidders = bidders.unsafeAppend(count: count)
    self.prices = prices.unsafeAppend(count: count)
    self.times = times.unsafeAppend(count: count)
    channels = try rows.field("channel")
    urls = try rows.field("url")
    extras = try rows.field("extra")
  }

  /// Writes event `number` as row `row`, the next one of the texts.
  mutating func write(
    _ number: Int64, at time: Timestamp, row: Int, _ random: inout EventRandom, _ texts: SharedTexts
  ) {
    times[row] = time
    let auction = random.isHot(Self.hotAuctions) ? Auctions.hotAuction(number) : Auctions.anyAuction(number, &random)
    auctions[row] = auction + Auctions.firstAuction
    let bidder = random.isHot(Self.hotBidders) ? Auctions.hotBidder(number) : Auctions.anyPerson(number, &random)
    bidders[row] = bidder + Auctions.firstPerson
    prices[row] = EventTexts.price(&random)
    let hot = SharedTexts.hotChannels.count
    let channel =
      random.isHot(Self.hotChannels)
      ? Int(random.below(Int64(hot))) : hot + Int(random.below(Int64(SharedTexts.channelCount)))
    channels.append(utf8: texts.channels[channel])
    urls.append(utf8: texts.urls[channel])
    let padding = EventTexts.paddingCount(size: 4 * 8, average: Self.averageBytes, &random)
    extras.append(utf8: texts.padding(padding, &random))
  }
}
