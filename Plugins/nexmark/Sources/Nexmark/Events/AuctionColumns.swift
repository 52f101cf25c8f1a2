import Volley

/// The auctions of a batch.
struct AuctionColumns {
  static let averageBytes = 500
  /// One in so many auctions is not the hot seller's.
  private static let hotSellers: Int64 = 4

  let rows: StructBuilder
  private let ids: UnsafeMutableBufferPointer<Int64>
  private let initialBids: UnsafeMutableBufferPointer<Int64>
  private let reserves: UnsafeMutableBufferPointer<Int64>
  private let times: UnsafeMutableBufferPointer<Timestamp>
  private let expirations: UnsafeMutableBufferPointer<Timestamp>
  private let sellers: UnsafeMutableBufferPointer<Int64>
  private let categories: UnsafeMutableBufferPointer<Int64>
  private var itemNames: ColumnBuilder<String>
  private var descriptions: ColumnBuilder<String>
  private var extras: ColumnBuilder<String>

  /// - Parameter count: rows of the batch, of all kinds.
  init(_ batch: BatchBuilder, count: Int) throws {
    let rows = try batch.structColumn("auction")
    func memory<Value>(_ name: String) throws -> UnsafeMutableBufferPointer<Value>
    where Value: ColumnValue & BitwiseCopyable, Value.Writer == FixedWriter<Value> {
      var column: ColumnBuilder<Value> = try rows.field(name)
      return column.unsafeAppend(count: count)
    }
    self.rows = rows
    ids = try memory("id")
    initialBids = try memory("initialBid")
    reserves = try memory("reserve")
    times = try memory("dateTime")
    expirations = try memory("expires")
    sellers = try memory("seller")
    categories = try memory("category")
    itemNames = try rows.field("itemName")
    descriptions = try rows.field("description")
    extras = try rows.field("extra")
  }

  /// Writes event `number` as row `row`, the next one of the texts.
  mutating func write(
    _ number: Int64, at time: Timestamp, row: Int, _ clock: EventClock, _ random: inout EventRandom,
    _ texts: SharedTexts, _ scratch: inout ByteText
  ) {
    ids[row] = Auctions.newestAuction(number) + Auctions.firstAuction
    times[row] = time
    let seller = random.isHot(Self.hotSellers) ? Auctions.hotSeller(number) : Auctions.anyPerson(number, &random)
    sellers[row] = seller + Auctions.firstPerson
    categories[row] = Auctions.firstCategory + random.below(Auctions.categories)
    let initialBid = EventTexts.price(&random)
    initialBids[row] = initialBid
    let length = clock.auctionMilliseconds(number, &random)
    expirations[row] = Timestamp(microseconds: time.microseconds + length * 1000)
    var size = 6 * 8
    func append(to column: inout ColumnBuilder<String>) {
      column.append(utf8: scratch.bytes)
      size += scratch.count
      scratch.clear()
    }
    EventTexts.appendWord(longest: 20, blank: UInt8(ascii: " "), to: &scratch, &random)
    append(to: &itemNames)
    EventTexts.appendWord(longest: 100, blank: UInt8(ascii: " "), to: &scratch, &random)
    append(to: &descriptions)
    reserves[row] = initialBid + EventTexts.price(&random)
    let padding = EventTexts.paddingCount(size: size, average: Self.averageBytes, &random)
    extras.append(utf8: texts.padding(padding, &random))
  }
}
