import Arrow
import Base
import State
import VolleyPlan

/// Each event finds its key and moves its deadline; keys whose deadline has come are removed: a session window without its
/// aggregates.
final class DeadlineLoad: StateLoad {
  private let table = WordTable(keepingWords: true)
  private let deadlines = SlotDeadlines()
  private let words = UnsafeMutablePointer<UInt64>.allocate(capacity: StateBench.batchRows)
  private let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: StateBench.batchRows)
  private let times = UnsafeMutablePointer<Int64>.allocate(capacity: StateBench.batchRows)
  private let size: Int
  private var now: Int64 = 0
  private var random = SplitMix64(state: 7)

  init(_ size: Int) throws(Failure) {
    self.size = size
    for first in stride(from: 0, to: size, by: StateBench.batchRows) {
      make { UInt64((first + $0) % size) }
      try step()
    }
  }

  deinit {
    words.deallocate()
    slots.deallocate()
    times.deallocate()
  }

  var byteCount: Int { table.byteCount + deadlines.byteCount }
  var liveKeys: Int { table.count }

  func prepare() {
    var random = random
    make { _ in random.next() % UInt64(size) }
    self.random = random
  }

  /// A microsecond an event; one key in twenty is not seen for the gap of a session.
  private func make(_ key: (Int) -> UInt64) {
    for row in 0..<StateBench.batchRows {
      words[row] = key(row)
      times[row] = now + Int64(row + 3 * size)
    }
    now += Int64(StateBench.batchRows)
  }

  func step() throws(Failure) {
    let rows = StateBench.batchRows
    try table.find(words, count: rows, into: slots)
    deadlines.grow(to: table.slotCount)
    deadlines.set(slots, times, count: rows)
    while true {
      let due = deadlines.pop(upTo: now, limit: rows)
      if due.isEmpty { break }
      for index in due.indices { slots[index] = due[index].slot }
      table.remove(slots, count: due.count)
    }
  }
}

/// Each event registers a timer, and about one comes.
final class TimerQueueLoad: StateLoad {
  private let queue = TimerQueue()
  /// A line of the cache a slot, as a process function's key has.
  private let records = SlotColumn<UInt64>(initial: 0)
  private let times: SlotTimesMemory
  private let timers = UnsafeMutablePointer<Timer>.allocate(capacity: StateBench.batchRows)
  private let size: Int
  private var now: Int64 = 0
  private var random = SplitMix64(state: 7)

  init(_ size: Int) {
    self.size = size
    records.grow(to: 8 * size)
    times = SlotTimesMemory(first: UnsafeMutableRawPointer(records.values + 1), shift: 6)
    for first in stride(from: 0, to: size, by: StateBench.batchRows) {
      let rows = min(StateBench.batchRows, size - first)
      // What is left of the time of timers that were registered before.
      make(rows) { min($0.next() % UInt64(2 * size), $0.next() % UInt64(2 * size)) }
      queue.register(timers, count: rows, in: times)
    }
  }

  deinit { timers.deallocate() }

  var byteCount: Int { queue.byteCount + records.byteCount }
  /// Timers, of which a key may have several.
  var liveKeys: Int { queue.count }

  private func make(_ count: Int, _ distance: (inout SplitMix64) -> UInt64) {
    for row in 0..<count {
      let slot = UInt32(truncatingIfNeeded: random.next() % UInt64(size))
      timers[row] = Timer(time: now + Int64(distance(&random)), slot: slot)
    }
  }

  func prepare() { make(StateBench.batchRows) { $0.next() % UInt64(2 * size) } }

  func step() {
    queue.register(timers, count: StateBench.batchRows, in: times)
    now += Int64(StateBench.batchRows)
    while !queue.pop(upTo: now, in: times).isEmpty {}
  }
}

/// Each event reads the row that its key has, if it has one, and appends one; as many rows expire: one side of an interval join.
final class RowLoad: StateLoad {
  private let store: RowStore
  private let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: StateBench.batchRows)
  private let times = UnsafeMutablePointer<Int64>.allocate(capacity: StateBench.batchRows)
  private let lows = UnsafeMutablePointer<Int64>.allocate(capacity: StateBench.batchRows)
  private let size: Int
  private var now: Int64 = 0
  private var random = SplitMix64(state: 7)
  private let batch: RecordBatch

  init(_ size: Int) throws(Failure) {
    self.size = size
    let schema = Schema([
      Field("id", .int64), Field("price", .int64), Field("time", .timestamp(.microsecond, timezone: nil)),
      Field("score", .float64), Field("channel", .utf8), Field("url", .utf8),
    ])
    let rows = StateBench.batchRows
    let numbers = FixedBuilder<Int64>(.int64)
    let channels = Utf8Builder()
    let urls = Utf8Builder()
    for row in 0..<rows {
      numbers.append(Int64(row))
      channels.append("channel-\(row % 100)")
      urls.append("https://example.com/item/\(row)")
    }
    let column = numbers.finish()
    func typed(_ type: DataType) -> Column {
      Column(type: type, length: rows, validity: nil, buffers: column.buffers)
    }
    batch = RecordBatch(
      schema: schema,
      columns: [
        column, column, typed(.timestamp(.microsecond, timezone: nil)), typed(.float64), channels.finish(),
        urls.finish(),
      ],
      length: rows)
    store = RowStore(schema, expiring: true)
    store.grow(to: size)
    for _ in 0..<size / rows + 1 {
      prepare()
      try step()
    }
  }

  deinit {
    slots.deallocate()
    times.deallocate()
    lows.deallocate()
  }

  var byteCount: Int { store.byteCount }
  /// Rows, of which a key may have several.
  var liveKeys: Int { store.rowCount }

  func prepare() {
    for row in 0..<StateBench.batchRows {
      slots[row] = UInt32(truncatingIfNeeded: random.next() % UInt64(size))
      times[row] = now + Int64(row)
      lows[row] = times[row] - Int64(size)
    }
    now += Int64(StateBench.batchRows)
  }

  func step() throws(Failure) {
    let rows = StateBench.batchRows
    var cursor = RowCursor()
    while true {
      let matches = store.match(slots, count: rows, from: lows, to: times, cursor: &cursor, limit: rows)
      if matches.count == 0 { break }
      _ = try store.columns(
        of: matches.numbers.values(UInt32.self), count: matches.count, Array(batch.columns.indices))
    }
    try store.append(batch, slots: slots, times: times)
    while true {
      let expired = store.popExpired(before: now - Int64(size))
      if expired.isEmpty { break }
      store.remove(expired, count: expired.count)
    }
  }
}
