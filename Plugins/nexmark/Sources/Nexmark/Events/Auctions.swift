/// The auction house that events tell of: who and what there is when event `number` happens, and when that is.
///
/// The benchmark's standard generator, with its default proportions and ratios. Source: "NEXMark, a benchmark for queries
/// over data streams", Tucker, Tufte, Papadimos, Maier, 2002, as Apache Beam and github.com/nexmark/nexmark have it:
/// `GeneratorConfig`, `PersonGenerator`, `AuctionGenerator`, `BidGenerator`, `PriceGenerator`, `StringsGenerator`. What differs:
///
/// - An event's random numbers are its own, as Beam's are, drawn by SplitMix64 instead of Java's generators.
/// - nexmark/nexmark adds the first person's number to a bidder twice; here, as in Beam, a bidder is a person.
/// - Padding is cut from 64 KiB of random text instead of 1 MiB.
/// - Time begins at `firstTime`, as Beam's, and not when the program starts.
enum Auctions {
  /// Of 50 events in a row the first is a person, the next three are auctions, and the others are bids.
  static let epochEvents: Int64 = 50
  static let epochPersons: Int64 = 1
  static let epochAuctions: Int64 = 3

  static let firstPerson: Int64 = 1000
  static let firstAuction: Int64 = 1000
  static let firstCategory: Int64 = 10
  static let categories: Int64 = 5

  /// Persons and auctions that do not exist yet, but may be named.
  static let lead: Int64 = 10
  /// Persons that sell and bid.
  static let activePersons: Int64 = 1000
  /// Auctions that are bid for.
  static let auctionsInFlight: Int64 = 100
  /// One of so many persons or auctions in a row is hot.
  static let hotDistance: Int64 = 100

  /// 2015-07-15T00:00:00Z in milliseconds since 1970.
  static let firstTime: Int64 = 1_436_918_400_000

  enum Kind: Int32 {
    case person = 0
    case auction = 1
    case bid = 2
  }

  static func kind(_ number: Int64) -> Kind {
    let place = number % epochEvents
    return place < epochPersons ? .person : place < epochPersons + epochAuctions ? .auction : .bid
  }

  /// The newest person when an event happens, itself if it is one; from 0.
  static func newestPerson(_ number: Int64) -> Int64 { number / epochEvents }

  /// The newest auction when an event happens, itself if it is one; from 0, and -1 before the first.
  static func newestAuction(_ number: Int64) -> Int64 {
    let (epoch, place) = number.quotientAndRemainder(dividingBy: epochEvents)
    return epoch * epochAuctions + min(place - epochPersons, epochAuctions - 1)
  }

  /// The person whom many of the auctions at this time are sold by.
  static func hotSeller(_ number: Int64) -> Int64 { newestPerson(number) / hotDistance * hotDistance }

  /// The person who makes many of the bids at this time: another one than the hot seller.
  static func hotBidder(_ number: Int64) -> Int64 { hotSeller(number) + 1 }

  /// The auction that many of the bids at this time are for.
  static func hotAuction(_ number: Int64) -> Int64 { newestAuction(number) / hotDistance * hotDistance }

  /// One of the active persons, or of those to come.
  static func anyPerson(_ number: Int64, _ random: inout EventRandom) -> Int64 {
    let persons = newestPerson(number) + 1
    let active = min(persons, activePersons)
    return persons - active + random.below(active + lead)
  }

  /// One of the auctions in flight, or of those to come.
  static func anyAuction(_ number: Int64, _ random: inout EventRandom) -> Int64 {
    let newest = newestAuction(number)
    let oldest = max(newest - auctionsInFlight, 0)
    return oldest + random.below(newest - oldest + 1 + lead)
  }
}

/// When events happen.
struct EventClock {
  /// Microseconds from one event to the next.
  let delay: Double

  /// - Parameter rate: events a second.
  init(rate: Double) { delay = 1_000_000 / rate }

  /// Milliseconds since 1970: the time of an event has no finer parts, so that neighbours may have the same one.
  func milliseconds(_ number: Int64) -> Int64 { Auctions.firstTime + Int64(Double(number) * delay) / 1000 }

  /// How long an auction lasts: on average until as many are new as are in flight.
  func auctionMilliseconds(_ number: Int64, _ random: inout EventRandom) -> Int64 {
    let events = Auctions.auctionsInFlight * Auctions.epochEvents / Auctions.epochAuctions
    let horizon = milliseconds(number + events) - milliseconds(number)
    return 1 + random.below(max(horizon * 2, 1))
  }
}
