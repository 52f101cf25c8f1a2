import Base
import Glibc
import VolleyPlan

/// `volley-host bench state`: what an event costs that finds its key among few or many, on one thread. First whole
/// operators as a job runs them, batch by batch with a watermark behind each; then what they are made of; then state on
/// disks.
///
/// Keys are drawn with equal chance, so that an event of many keys finds nothing of its own in the caches. Time is that
/// of the processor within the operator or the table: the rows are made outside of it, just before, as an operator in
/// front would.
struct StateBench {
  static let operators = ["session-window", "session-window-sum", "interval-join", "timer"]
  static let names = operators + ["keys", "text-keys", "key-churn", "sessions", "timers", "rows"]
  /// Live keys.
  static let sizes = [(10_000, "10k"), (100_000, "100k"), (1_000_000, "1m"), (10_000_000, "10m")]
  static let batchRows = 8_192

  /// By name, of all sizes, or of one: "timer", "timer-10m".
  var cases: [String] = []
  /// Events measured with each number of keys.
  var rows = 4_000_000
  /// How long the cases of epochs and of spilling measure; nil: a minute, and as many rows as there are in `rows`.
  var seconds: Double?
  /// Of the cases of epochs: threads, and subtasks of each operator.
  var threads = 2
  /// Called with each result as it is there.
  let report: (BenchResult) throws(Failure) -> Void

  init(report: @escaping (BenchResult) throws(Failure) -> Void) { self.report = report }

  func run() throws(Failure) {
    let known = StoreBench.names + Self.names + Self.names.flatMap { name in Self.sizes.map { "\(name)-\($0.1)" } }
    let listed =
      "\(Self.names.joined(separator: ", ")), and each of one size, such as timer-10m, \(StoreBench.names.joined(separator: ", "))"
    try BenchNames.check(cases, among: known, listed: listed) { "there is no case '\($0)' of state" }
    for name in Self.names {
      var first: Double?
      for (size, suffix) in Self.sizes
      where cases.isEmpty || cases.contains(name) || cases.contains("\(name)-\(suffix)") {
        let load = try load(name, size)
        // Warms caches and pools, and lets what grows by doubling settle.
        _ = try Self.run(load, events: min(rows, 500_000))
        let time = try Self.run(load, events: rows)
        let events = Self.batches(rows) * Self.batchRows
        var result = BenchResult(
          name: "\(name)-\(suffix)", threads: 1, rows: events, seconds: time.seconds, cpuSeconds: time.cpuSeconds)
        let nanoseconds = time.cpuSeconds * 1e9 / Double(events)
        result.extra = [
          ("cpu_nanoseconds_per_event", nanoseconds), ("live_keys", Double(load.liveKeys)),
          ("bytes_per_key", Double(load.byteCount) / Double(load.liveKeys)),
          ("times_that_of_the_first", nanoseconds / (first ?? nanoseconds)),
        ]
        first = first ?? nanoseconds
        try report(result)
      }
    }
    for name in StoreBench.names where cases.isEmpty || cases.contains(name) {
      try StoreBench(rows: rows, seconds: seconds, threads: threads, report: report).run(name)
    }
  }

  private static func batches(_ events: Int) -> Int { max(1, events / batchRows) }

  private static func run(
    _ load: any StateLoad, events: Int
  ) throws(Failure) -> (seconds: Double, cpuSeconds: Double) {
    var total = (seconds: 0.0, cpuSeconds: 0.0)
    for _ in 0..<batches(events) {
      load.prepare()
      let start = (now(CLOCK_MONOTONIC), now(CLOCK_THREAD_CPUTIME_ID))
      try load.step()
      total.seconds += now(CLOCK_MONOTONIC) - start.0
      total.cpuSeconds += now(CLOCK_THREAD_CPUTIME_ID) - start.1
    }
    return total
  }

  private static func now(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private func load(_ name: String, _ size: Int) throws(Failure) -> any StateLoad {
    switch name {
    case "session-window": try SessionWindowLoad(size, sums: 0)
    case "session-window-sum": try SessionWindowLoad(size, sums: 1)
    case "interval-join": try IntervalJoinLoad(size)
    case "timer": try TimerLoad(size)
    case "keys": try KeyLoad(size, text: false)
    case "text-keys": try KeyLoad(size, text: true)
    case "key-churn": try ChurnLoad(size)
    case "sessions": try DeadlineLoad(size)
    case "timers": TimerQueueLoad(size)
    default: try RowLoad(size)
    }
  }
}

/// Events over a number of live keys, a batch of `StateBench.batchRows` at a time.
protocol StateLoad: AnyObject {
  /// Makes the next batch.
  func prepare()
  /// Works on it.
  func step() throws(Failure)
  var byteCount: Int { get }
  var liveKeys: Int { get }
}
