import Testing
import VolleyTesting

/// What the standard promises of its events.
@Suite("Events") struct EventTests {
  @Test("one in fifty is a person, three are auctions, and each is the struct of its kind, at its own time")
  func kinds() throws {
    let events = try Event.made(5000)
    #expect(events.count == 5000)
    for (number, event) in events.enumerated() {
      let place = number % 50
      #expect(event.kind == (place < 1 ? 0 : place < 4 ? 1 : 2))
      #expect((event.person != nil) == (event.kind == 0))
      #expect((event.auction != nil) == (event.kind == 1))
      #expect((event.bid != nil) == (event.kind == 2))
      // 10,000 a second: a tenth of a millisecond from one to the next, rounded down to milliseconds, from 2015-07-15 on.
      #expect(event.dateTime.microseconds == 1_436_918_400_000_000 + Int64(number / 10 * 1000))
      #expect(event.dateTime == event.person?.dateTime ?? event.auction?.dateTime ?? event.bid?.dateTime)
    }
    #expect(events.compactMap(\.person?.id) == Array(1000..<1100))
    #expect(events.compactMap(\.auction?.id) == Array(1000..<1300))
  }

  @Test("hot auctions, bidders, sellers and channels get their shares, and the others spread over what is active")
  func shares() throws {
    let first = 1_000_000
    let events = try Event.made(50_000, from: first)
    var (hotAuctions, hotBidders, hotSellers, hotChannels) = (0, 0, 0, 0)
    for (index, event) in events.enumerated() {
      let newestPerson = (first + index) / 50
      let hotPerson = newestPerson / 100 * 100 + 1000
      let persons = newestPerson - 999 + 1000...newestPerson + 10 + 1000
      if let auction = event.auction {
        hotSellers += auction.seller == hotPerson ? 1 : 0
        #expect(auction.seller == hotPerson || persons.contains(auction.seller))
        #expect((10...14).contains(auction.category))
        #expect((100...100_000_000).contains(auction.initialBid))
        #expect(auction.reserve >= auction.initialBid + 100)
        // As many auctions as are in flight are new after 166 ms; an auction takes up to twice that.
        #expect((1000...334_000).contains(auction.expires.microseconds - auction.dateTime.microseconds))
      }
      if let bid = event.bid {
        let newest = newestPerson * 3 + 2
        let hotAuction = newest / 100 * 100 + 1000
        hotAuctions += bid.auction == hotAuction ? 1 : 0
        #expect(bid.auction == hotAuction || (newest - 100 + 1000...newest + 10 + 1000).contains(bid.auction))
        hotBidders += bid.bidder == hotPerson + 1 ? 1 : 0
        #expect(bid.bidder == hotPerson + 1 || persons.contains(bid.bidder))
        #expect((100...100_000_000).contains(bid.price))
        if bid.channel.hasPrefix("channel-") {
          #expect(Int(bid.channel.dropFirst(8)).map { (0..<10_000).contains($0) } == true)
        } else {
          hotChannels += 1
          #expect(["Google", "Facebook", "Baidu", "Apple"].contains(bid.channel))
          #expect(!bid.url.contains("channel_id"))
        }
        #expect(bid.url.hasPrefix("https://www.nexmark.com/") && bid.url.contains("/item.htm?query=1"))
        #expect((54...81).contains(bid.extra.utf8.count))
      }
    }
    // The hot ones, and one in so many of those that are drawn from all. Six standard deviations.
    #expect(Share(hotAuctions, of: 46_000).isNear(0.5 + 0.5 / 111))
    #expect(Share(hotBidders, of: 46_000).isNear(0.75 + 0.25 / 1010))
    #expect(Share(hotSellers, of: 3000).isNear(0.75 + 0.25 / 1010))
    #expect(Share(hotChannels, of: 46_000).isNear(0.5))
  }

  private struct Share {
    var count: Double
    var total: Double

    init(_ count: Int, of total: Int) {
      self.count = Double(count)
      self.total = Double(total)
    }

    func isNear(_ share: Double) -> Bool {
      let deviation = (share * (1 - share) / total).squareRoot()
      return abs(count / total - share) < 6 * deviation
    }
  }

  @Test("events pad to the average sizes of the standard")
  func sizes() throws {
    let events = try Event.made(20_000)
    func average(_ sizes: [Int]) -> Double { Double(sizes.reduce(0, +)) / Double(sizes.count) }
    let persons = events.compactMap(\.person).map { person in
      8 + person.name.utf8.count + person.emailAddress.utf8.count + person.creditCard.utf8.count
        + person.city.utf8.count
        + person.state.utf8.count + person.extra.utf8.count
    }
    let auctions = events.compactMap(\.auction).map { auction in
      48 + auction.itemName.utf8.count + auction.description.utf8.count + auction.extra.utf8.count
    }
    let bids = events.compactMap(\.bid).map { 32 + $0.extra.utf8.count }
    #expect(abs(average(persons) - 200) < 5)
    #expect(abs(average(auctions) - 500) < 10)
    #expect(abs(average(bids) - 100) < 1)
  }
}
