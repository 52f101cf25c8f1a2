import Arrow
import Base
import State
import VolleyPlan

/// `volley-host bench state`: what an event costs that finds its key among few or many, on one thread: what sessions, timers and joins
/// are made of. Time is that of the processor.
struct StateBench {
  static let names = ["keys", "text-keys", "key-churn", "sessions", "timers", "rows"]
  /// Live keys.
  static let sizes = [(10_000, "10k"), (100_000, "100k"), (1_000_000, "1m"), (10_000_000, "10m")]
  static let batchRows = 8_192

  var cases: [String] = []
  /// Events measured with each number of keys.
  var rows = 4_000_000
  /// Called with each result as it is there.
  let report: (BenchResult) -> Void

  init(report: @escaping (BenchResult) -> Void) { self.report = report }

  func run() throws(Failure) {
    for name in cases where !Self.names.contains(name) {
      let hint = nearestName(to: name, among: Self.names).map { "did you mean '\($0)'? " } ?? ""
      throw Failure(
        .usage, "there is no case '\(name)' of state; \(hint)there are \(Self.names.joined(separator: ", "))")
    }
    for name in cases.isEmpty ? Self.names : cases {
      var first: Double?
      for (size, suffix) in Self.sizes {
        let load = try workload(name, size)
        // Warms caches and pools, and lets what grows by doubling settle.
        try load.run(events: min(rows, 500_000))
        var failure: Failure?
        let time = measure {
          do throws(Failure) { try load.run(events: rows) } catch { failure = error }
        }
        if let failure { throw failure }
        var result = BenchResult(
          name: "\(name)-\(suffix)", threads: 1, rows: rows, seconds: time.seconds, cpuSeconds: time.cpuSeconds)
        let nanoseconds = time.cpuSeconds * 1e9 / Double(rows)
        result.extra = [
          ("cpu_nanoseconds_per_event", nanoseconds), ("bytes_per_key", Double(load.byteCount) / Double(size)),
          ("times_that_of_10k_keys", nanoseconds / (first ?? nanoseconds)),
        ]
        first = first ?? nanoseconds
        report(result)
      }
    }
  }

  private func workload(_ name: String, _ size: Int) throws(Failure) -> any StateWorkload {
    switch name {
    case "keys": try KeyWorkload(size, text: false)
    case "text-keys": try KeyWorkload(size, text: true)
    case "key-churn": try ChurnWorkload(size)
    case "sessions": try SessionWorkload(size)
    case "timers": TimerWorkload(size)
    default: try RowWorkload(size)
    }
  }
}

/// Events over a number of live keys.
protocol StateWorkload: AnyObject {
  func run(events: Int) throws(Failure)
  var byteCount: Int { get }
}

/// Finds keys that are there.
private final class KeyWorkload: StateWorkload {
  private let table: any KeyTable
  private let batches: [Column]
  private let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: StateBench.batchRows)

  init(_ size: Int, text: Bool) throws(Failure) {
    table = makeKeyTable([text ? .utf8 : .int64], keepingKeys: true)
    var random = SplitMix64(state: 7)
    func column(_ key: (Int) -> Int) -> Column {
      if text {
        let builder = Utf8Builder()
        for row in 0..<StateBench.batchRows { builder.append("user-\(1_000_000_000 + key(row))") }
        return builder.finish()
      }
      let builder = FixedBuilder<Int64>(.int64)
      for row in 0..<StateBench.batchRows { builder.append(Int64(key(row)) &* 0x9E37_79B9_7F4A_7C1) }
      return builder.finish()
    }
    for first in stride(from: 0, to: size, by: StateBench.batchRows) {
      let rows = min(StateBench.batchRows, size - first)
      try table.find([column { first + $0 }.slice(0..<rows)], rowCount: rows, into: slots)
    }
    // Enough batches that their keys are not in the cache when they come again.
    batches = (0..<min(128, 4 * size / StateBench.batchRows + 1)).map { _ in
      column { _ in Int(random.next() % UInt64(size)) }
    }
  }

  deinit { slots.deallocate() }

  var byteCount: Int { table.byteCount }

  func run(events: Int) throws(Failure) {
    for batch in 0..<events / StateBench.batchRows {
      try table.find([batches[batch % batches.count]], rowCount: StateBench.batchRows, into: slots)
    }
  }
}

/// Each event removes one key and finds a new one.
private final class ChurnWorkload: StateWorkload {
  private let table = WordTable(keepingWords: true)
  private let live: UnsafeMutablePointer<UInt32>
  private let words = UnsafeMutablePointer<UInt64>.allocate(capacity: StateBench.batchRows)
  private let size: Int
  private var next: UInt64 = 0
  private var random = SplitMix64(state: 7)

  init(_ size: Int) throws(Failure) {
    self.size = size
    live = .allocate(capacity: size + StateBench.batchRows)
    for first in stride(from: 0, to: size, by: StateBench.batchRows) {
      try add(min(StateBench.batchRows, size - first), at: first)
    }
  }

  deinit {
    live.deallocate()
    words.deallocate()
  }

  var byteCount: Int { table.byteCount }

  private func add(_ count: Int, at place: Int) throws(Failure) {
    for index in 0..<count { words[index] = (next &+ UInt64(index)) &* 0x9E37_79B9_7F4A_7C15 }
    next += UInt64(count)
    try table.find(words, count: count, into: live + place)
  }

  func run(events: Int) throws(Failure) {
    let rows = StateBench.batchRows
    for _ in 0..<events / rows {
      // Random ones move to the end, and make room for the new ones.
      for index in 0..<rows {
        let chosen = Int(random.next() % UInt64(size - index))
        swap(&live[chosen], &live[size - 1 - index])
      }
      table.remove(live + (size - rows), count: rows)
      try add(rows, at: size - rows)
    }
  }
}

/// Each event finds its key and moves its deadline; keys whose deadline has come are removed: a session window without its
/// aggregates.
private final class SessionWorkload: StateWorkload {
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
    try process(size) { UInt64($0) }
  }

  deinit {
    words.deallocate()
    slots.deallocate()
    times.deallocate()
  }

  var byteCount: Int { table.byteCount + deadlines.byteCount }

  func run(events: Int) throws(Failure) {
    let size = UInt64(size)
    var random = random
    try process(events) { _ in random.next() % size }
    self.random = random
  }

  /// A microsecond an event; one key in twenty is not seen for the gap of a session.
  private func process(_ events: Int, _ key: (Int) -> UInt64) throws(Failure) {
    for first in stride(from: 0, to: events, by: StateBench.batchRows) {
      let rows = min(StateBench.batchRows, events - first)
      for row in 0..<rows {
        words[row] = key(first + row)
        times[row] = now + Int64(row + 3 * size)
      }
      now += Int64(rows)
      try table.find(words, count: rows, into: slots)
      deadlines.grow(to: table.slotCount)
      deadlines.set(slots, times, count: rows)
      while true {
        let due = deadlines.pop(upTo: now, limit: StateBench.batchRows)
        if due.isEmpty { break }
        for index in due.indices { slots[index] = due[index].slot }
        table.remove(slots, count: due.count)
      }
    }
  }
}

/// Each event registers a timer, and about one comes.
private final class TimerWorkload: StateWorkload {
  private let queue = TimerQueue()
  private let timers = UnsafeMutablePointer<Timer>.allocate(capacity: StateBench.batchRows)
  private let size: Int
  private var now: Int64 = 0
  private var random = SplitMix64(state: 7)

  init(_ size: Int) {
    self.size = size
    // What is left of the time of timers that were registered before.
    register(size) { min($0.next() % UInt64(2 * size), $0.next() % UInt64(2 * size)) }
  }

  deinit { timers.deallocate() }

  var byteCount: Int { queue.byteCount }

  private func register(_ events: Int, _ distance: (inout SplitMix64) -> UInt64) {
    for first in stride(from: 0, to: events, by: StateBench.batchRows) {
      let rows = min(StateBench.batchRows, events - first)
      for row in 0..<rows {
        let slot = UInt32(truncatingIfNeeded: random.next() % UInt64(size))
        timers[row] = Timer(time: now + Int64(distance(&random)), slot: slot)
      }
      queue.register(timers, count: rows)
      if events == size { continue }
      now += Int64(rows)
      while !queue.pop(upTo: now).isEmpty {}
    }
  }

  func run(events: Int) { register(events) { $0.next() % UInt64(2 * size) } }
}

/// Each event reads the row that its key has, if it has one, and appends one; as many rows expire: one side of an interval join.
private final class RowWorkload: StateWorkload {
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
    try run(events: size + rows)
  }

  deinit {
    slots.deallocate()
    times.deallocate()
    lows.deallocate()
  }

  var byteCount: Int { store.byteCount }

  func run(events: Int) throws(Failure) {
    let rows = StateBench.batchRows
    let columns = Array(batch.columns.indices)
    for _ in 0..<events / rows {
      for row in 0..<rows {
        slots[row] = UInt32(truncatingIfNeeded: random.next() % UInt64(size))
        times[row] = now + Int64(row)
        lows[row] = times[row] - Int64(size)
      }
      now += Int64(rows)
      var cursor = RowCursor()
      while true {
        let matches = store.match(slots, count: rows, from: lows, to: times, cursor: &cursor, limit: rows)
        if matches.count == 0 { break }
        _ = try store.columns(of: matches.numbers.values(UInt32.self), count: matches.count, columns)
      }
      try store.append(batch, slots: slots, times: times)
      while true {
        let expired = store.popExpired(before: now - Int64(size))
        if expired.isEmpty { break }
        store.remove(expired, count: expired.count)
      }
    }
  }
}
