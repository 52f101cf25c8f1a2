import Base
import Glibc
import VolleyPlan

/// `volley-host bench`: flags in, a line a case out.
enum BenchCommand {
  private static let cases = Flag(
    "case", "NAME", fallbackWords: "all but soak", repeatable: true,
    expected: "the name of a case: \(Bench.names.joined(separator: ", "))",
    help: "one case (\(Bench.names.joined(separator: ", "))); again for more", read: { $0.isEmpty ? nil : $0 })
  private static let threads = Flag(
    "threads", "N", fallback: "1", expected: "a whole number from 1 to 256",
    help: "threads of the scheduler, and subtasks of each operator", read: RunFlags.count(upTo: 256))
  private static let rows = Flag(
    "rows", "N", fallbackWords: "enough for a few seconds", expected: "a whole number from 1 to 1000000000000",
    help: "rows in all; for batch-function, batches", read: RunFlags.count(upTo: 1_000_000_000_000))
  private static let repeats = Flag(
    "repeat", "N", fallback: "3", expected: "a whole number from 1 to 1000",
    help: "runs of engine and bare loop in turn, whose medians are told", read: RunFlags.count(upTo: 1000))
  private static let minutes = Flag(
    "minutes", "N", fallback: "10", expected: "a number of minutes above 0 such as '10' or '0.5'",
    help: "how long the soak lasts", read: { text in Double(text).flatMap { $0 > 0 && $0 < 1e6 ? $0 : nil } })
  private static let plugin = Flag(
    "plugin", "PATH", fallbackWords: "libbench.so, for nexmark libnexmark.so, beside this program",
    expected: "the path of Plugins/bench's plugin, libbench.so, or for nexmark that of Plugins/nexmark, libnexmark.so",
    help: "the plugin of the cases udf, batch-function and startup, or of nexmark", read: { $0.isEmpty ? nil : $0 })
  private static let data = Flag(
    "data", "DIR", fallbackWords: "a temporary folder", expected: "the path of a folder",
    help: "columns only: where its rows are written as data.arrow, data.csv and data.jsonl, and stay",
    read: { $0.isEmpty ? nil : $0 })
  private static let queries = Flag(
    "query", "NAME", fallbackWords: "all", repeatable: true, expected: "the name of a query such as 'q5'",
    help: "nexmark only: one query; again for more", read: { $0.isEmpty ? nil : $0 })
  private static let events = Flag(
    "events", "N", fallback: "4000000", expected: "a whole number from 1 to 1000000000",
    help: "nexmark only: how many events there are, about 400 bytes of memory each",
    read: RunFlags.count(upTo: 1_000_000_000))
  private static let latency = Flag(
    "latency", nil, expected: "no value",
    help: "nexmark only: also how long windows' results take at half of the rate that was reached", read: { _ in true })
  private static let json = Flag(
    "json", nil, expected: "no value", help: "one JSON object a line", read: { _ in true })

  static let flags: [FlagEntry] = [
    cases.entry, threads.entry, rows.entry, repeats.entry, minutes.entry, plugin.entry, data.entry,
    queries.entry, events.entry, latency.entry, json.entry,
  ]

  static func run(_ arguments: [String], environment: [String: String]) throws(Failure) -> Int32 {
    let parsed = try ParsedFlags(arguments, flags: flags, verb: "bench", environment: environment)
    var options = BenchOptions()
    options.cases = try parsed.values(cases)
    if let threads = try parsed.value(threads) { options.threads = threads }
    options.rows = try parsed.value(rows)
    if let repeats = try parsed.value(repeats) { options.repeats = repeats }
    if let minutes = try parsed.value(minutes) { options.minutes = minutes }
    options.plugin = try parsed.value(plugin)
    let asJSON = try parsed.value(json) ?? false
    func report(_ result: BenchResult) {
      print(asJSON ? result.json.text : result.line)
      // A line as soon as its case is done, also into a pipe.
      fflush(nil)
    }
    if parsed.words == ["columns"] {
      var columns = ColumnsBench(report: report)
      columns.cases = options.cases
      if let rows = options.rows { columns.rows = rows }
      columns.repeats = options.repeats
      columns.folder = try parsed.value(data)
      try columns.run()
      return 0
    }
    if parsed.words == ["state"] {
      var state = StateBench(report: report)
      state.cases = options.cases
      if let rows = options.rows { state.rows = rows }
      try state.run()
      return 0
    }
    if parsed.words == ["windows"] {
      var windows = WindowBench(report: report)
      windows.cases = options.cases
      if let rows = options.rows { windows.rows = rows }
      try windows.run()
      return 0
    }
    if parsed.words == ["nexmark"] {
      var nexmark = NexmarkBench(report: report)
      nexmark.queries = try parsed.values(queries)
      if let events = try parsed.value(events) { nexmark.events = events }
      nexmark.threads = options.threads
      nexmark.repeats = options.repeats
      nexmark.plugin = options.plugin
      nexmark.measuresLatency = try parsed.value(latency) ?? false
      try nexmark.run()
      return 0
    }
    if let word = parsed.words.first {
      throw Failure(
        .usage,
        "bench takes no word '\(word)'; those that there are are 'columns', 'state', 'windows' and 'nexmark', and a case is "
          + "named with --case \(word)")
    }
    try Bench(options, report: report).run()
    return 0
  }
}
