import Volley

/// Makes the events of one subtask: of all batches in a row, each subtask in turn makes one, so that all are about as far in
/// event time.
///
/// Event `n` depends on the seed, the rate and `n` only. However many subtasks there are, together they make the same events. After a
/// restart it goes on, with as many subtasks as it had.
final class EventReader: ReplayableSourceReader {
  private let settings: EventSettings
  private let clock: EventClock
  private let texts: SharedTexts
  private var order: EventOrder
  /// The next place to make, and the end of the batch that it is in.
  private var place: Int64
  private var batchEnd: Int64
  private let stride: Int64
  /// The name of what this subtask makes.
  private let split: String
  private let scratch = ByteText(capacity: 256)
  /// The numbers of a batch's events.
  private let numbers: UnsafeMutablePointer<Int64>

  init(_ settings: EventSettings, subtask: Int, parallelism: Int) {
    self.settings = settings
    clock = EventClock(rate: settings.rate)
    let seed = UInt64(bitPattern: Int64(settings.seed))
    texts = SharedTexts(seed: seed)
    order = EventOrder(
      first: Int64(settings.firstEvent), count: Int64(settings.events), bound: settings.outOfOrder, clock: clock,
      seed: seed)
    let rows = Int64(settings.batchRows)
    place = Int64(subtask) * rows
    batchEnd = place + rows
    stride = Int64(parallelism - 1) * rows
    split = "\(subtask) of \(parallelism)"
    numbers = .allocate(capacity: settings.batchRows)
  }

  deinit {
    scratch.free()
    numbers.deallocate()
  }

  func read(into batch: BatchBuilder, maxRows: Int, timeout: Duration) throws -> ReadOutcome {
    let count = Int(min(batchEnd, order.count) - place)
    guard count > 0 else { return .end }
    try write(min(count, maxRows), to: batch)
    if place == batchEnd {
      place += stride
      batchEnd = place + Int64(settings.batchRows)
    }
    return .rows
  }

  func positions() -> [SplitPosition] { [SplitPosition(split: split, position: ["place": .int(place)])] }

  func resume(at positions: [SplitPosition]) throws {
    guard let own = positions.first(where: { $0.split == split }), case .int(let place)? = own.position["place"] else {
      if positions.isEmpty { return }
      throw VolleyError("events go on with as many subtasks as they had: give the source its former parallelism")
    }
    self.place = place
    let rows = Int64(settings.batchRows)
    batchEnd = (place / rows + 1) * rows
  }

  private func write(_ count: Int, to batch: BatchBuilder) throws {
    var persons = try PersonColumns(batch, count: count)
    var auctions = try AuctionColumns(batch, count: count)
    var bids = try BidColumns(batch, count: count)
    var kindColumn = try batch.column("event_type", as: Int32.self)
    var timeColumn = try batch.column("dateTime", as: Timestamp.self)
    let kinds = kindColumn.unsafeAppend(count: count)
    let times = timeColumn.unsafeAppend(count: count)
    for row in 0..<count {
      let number = order.event(at: place + Int64(row))
      numbers[row] = number
      kinds[row] = Auctions.kind(number).rawValue
      times[row] = Timestamp(microseconds: clock.milliseconds(number) * 1000)
    }
    place += Int64(count)
    // A local variable is not checked for overlapping accesses with each event.
    var scratch = self.scratch
    let seed = UInt64(bitPattern: Int64(settings.seed))
    var row = 0
    while row < count {
      let kind = kinds[row]
      var end = row + 1
      while end < count && kinds[end] == kind { end += 1 }
      let rows = row..<end
      kind == Auctions.Kind.person.rawValue
        ? persons.rows.append(count: rows.count) : persons.rows.appendNull(count: rows.count)
      kind == Auctions.Kind.auction.rawValue
        ? auctions.rows.append(count: rows.count) : auctions.rows.appendNull(count: rows.count)
      kind == Auctions.Kind.bid.rawValue
        ? bids.rows.append(count: rows.count) : bids.rows.appendNull(count: rows.count)
      for row in rows {
        let number = numbers[row]
        var random = EventRandom(seed: seed, stream: UInt64(number))
        switch kind {
        case Auctions.Kind.person.rawValue:
          persons.write(number, at: times[row], row: row, &random, texts, &scratch)
        case Auctions.Kind.auction.rawValue:
          auctions.write(number, at: times[row], row: row, clock, &random, texts, &scratch)
        default: bids.write(number, at: times[row], row: row, &random, texts)
        }
      }
      row = end
    }
  }
}
