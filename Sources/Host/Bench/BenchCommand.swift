import Base
import Glibc
import VolleyPlan

/// `volley-host bench`: a subject and its flags in, a line a case out.
enum BenchCommand {
  private static let cases = Flag(
    "case", "NAME", fallbackWords: "all but soak", repeatable: true,
    expected: "the name of a case: \(Bench.names.joined(separator: ", "))",
    help:
      "one case (\(Bench.names.joined(separator: ", ")); columns, state, windows and flight have their own); again for more",
    read: { $0.isEmpty ? nil : $0 })
  private static let threads = Flag(
    "threads", "N", fallback: "1", expected: "a whole number from 1 to 256",
    help: "threads of the scheduler, and subtasks of each operator", read: RunFlags.count(upTo: 256))
  private static let rows = Flag(
    "rows", "N", fallbackWords: "enough for a few seconds", expected: "a whole number from 1 to 1000000000000",
    help: "rows in all; for batch-function, batches", read: RunFlags.count(upTo: 1_000_000_000_000))
  private static let repeats = Flag(
    "repeat", "N", fallback: "3", fallbackWords: "3; 5 for flight", expected: "a whole number from 1 to 1000",
    help: "runs in turn of what is compared, such as engine and bare loop, whose medians are told",
    read: RunFlags.count(upTo: 1000))
  private static let minutes = Flag(
    "minutes", "N", fallback: "10", expected: "a number of minutes above 0 such as '10' or '0.5'",
    help: "how long the soak lasts", read: { text in Double(text).flatMap { $0 > 0 && $0 < 1e6 ? $0 : nil } })
  private static let seconds = Flag(
    "seconds", "N", fallbackWords: "60 for epochs, as many rows as --rows says for spilling",
    expected: "a number of seconds above 0 such as '300' or '0.5'",
    help: "state only: how long the cases of epochs and of spilling measure",
    read: { text in Double(text).flatMap { $0 > 0 && $0 < 1e6 ? $0 : nil } })
  private static let plugin = Flag(
    "plugin", "PATH", fallbackWords: "libbench.so, for nexmark libnexmark.so, beside this program",
    expected: "the path of Plugins/bench's plugin, libbench.so, or for nexmark that of Plugins/nexmark, libnexmark.so",
    help: "the plugin of process and of the cases udf, batch-function and startup, or of nexmark",
    read: { $0.isEmpty ? nil : $0 })
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
  private static let batchRows = Flag(
    "batch-rows", "N", fallbackWords: "1024, 8192 and 65536", repeatable: true,
    expected: "a whole number from 1 to 4000000",
    help: "flight only: rows of a batch, of 32 bytes each; again for more sizes",
    read: RunFlags.count(upTo: 4_000_000))
  private static let bytes = Flag(
    "bytes", "N", fallback: "1073741824", expected: "a whole number from 1 to 30000000000",
    help: "flight only: bytes of batches that each run moves", read: RunFlags.count(upTo: 30_000_000_000))
  private static let python = Flag(
    "python", "PATH", fallbackWords: "python3, which need not have it",
    expected: "the name or path of a Python that has pyarrow",
    help: "flight only: whose pyarrow is measured too", read: { $0.isEmpty ? nil : $0 })
  private static let json = Flag(
    "json", nil, expected: "no value", help: "one JSON object a line", read: { _ in true })

  static let flags: [FlagEntry] = [
    cases.entry, threads.entry, rows.entry, repeats.entry, minutes.entry, seconds.entry, plugin.entry, data.entry,
    queries.entry, events.entry, latency.entry, batchRows.entry, bytes.entry, python.entry, json.entry,
  ]

  /// What is measured: the word behind the verb.
  enum Subject: String, CaseIterable {
    /// Without a word: plans through channels and scheduler.
    case engine = ""
    case columns, state, windows, process, nexmark, flight

    static let words = allCases.map(\.rawValue).filter { !$0.isEmpty }

    /// The flags that mean something to it.
    var flags: [FlagEntry] {
      switch self {
      case .engine: [cases.entry, threads.entry, rows.entry, repeats.entry, minutes.entry, plugin.entry, json.entry]
      case .columns: [cases.entry, rows.entry, repeats.entry, data.entry, json.entry]
      case .state: [cases.entry, threads.entry, rows.entry, seconds.entry, json.entry]
      case .windows: [cases.entry, rows.entry, json.entry]
      case .process: [cases.entry, rows.entry, repeats.entry, plugin.entry, json.entry]
      case .nexmark:
        [queries.entry, events.entry, threads.entry, repeats.entry, plugin.entry, latency.entry, json.entry]
      case .flight: [cases.entry, batchRows.entry, bytes.entry, repeats.entry, python.entry, json.entry]
      }
    }

    /// As it is called.
    var command: String { self == .engine ? "bench" : "bench \(rawValue)" }

    /// - Throws: `usage`: another word, a second one, or a flag that means nothing to this subject.
    init(_ parsed: ParsedFlags) throws(Failure) {
      let word = parsed.words.first ?? ""
      guard let subject = Self(rawValue: word) else {
        let hint =
          Bench.names.contains(word)
          ? "a case is named with --case \(word)"
          : nearestName(to: word, among: Self.words).map { "did you mean '\($0)'?" }
            ?? "there are \(Self.words.joined(separator: ", "))"
        throw Failure(.usage, "'bench' has no subject '\(word)'; \(hint)")
      }
      guard parsed.words.count < 2 else {
        throw Failure(.usage, "'\(subject.command)' takes no further word, found '\(parsed.words[1])'")
      }
      for flag in BenchCommand.flags where parsed.isGiven(flag) && !subject.flags.contains(flag) {
        let own = subject.flags.map { "--\($0.name)" }.joined(separator: ", ")
        let others = Self.allCases.filter { $0.flags.contains(flag) }.map { "'\($0.command)'" }
        throw Failure(
          .usage,
          "--\(flag.name) means nothing to '\(subject.command)', which takes \(own); it is a flag of "
            + others.joined(separator: ", "))
      }
      self = subject
    }
  }

  static func run(_ arguments: [String], environment: [String: String]) throws(Failure) -> Int32 {
    if arguments.first == FlightBenchServer.word { return try FlightBenchServer.run(arguments.dropFirst()) }
    let parsed = try ParsedFlags(arguments, flags: flags, verb: "bench", environment: environment)
    let subject = try Subject(parsed)
    var options = BenchOptions()
    options.cases = try parsed.values(cases)
    if let threads = try parsed.value(threads) { options.threads = threads }
    options.rows = try parsed.value(rows)
    if let repeats = try parsed.value(repeats) { options.repeats = repeats }
    if let minutes = try parsed.value(minutes) { options.minutes = minutes }
    options.plugin = try parsed.value(plugin)
    let asJSON = try parsed.value(json) ?? false
    // A line as soon as its case is done.
    func report(_ result: BenchResult) throws(Failure) { try printLine(asJSON ? result.json.text : result.line) }
    switch subject {
    case .engine: try Bench(options, report: report).run()
    case .columns:
      var columns = ColumnsBench(report: report)
      columns.cases = options.cases
      if let rows = options.rows { columns.rows = rows }
      columns.repeats = options.repeats
      columns.folder = try parsed.value(data)
      try columns.run()
    case .state:
      var state = StateBench(report: report)
      state.cases = options.cases
      if let rows = options.rows { state.rows = rows }
      state.seconds = try parsed.value(seconds)
      if parsed.isGiven(threads.entry) { state.threads = options.threads }
      try state.run()
    case .windows:
      var windows = WindowBench(report: report)
      windows.cases = options.cases
      if let rows = options.rows { windows.rows = rows }
      try windows.run()
    case .process:
      var process = ProcessBench(report: report)
      process.cases = options.cases
      if let rows = options.rows { process.rows = rows }
      process.repeats = options.repeats
      process.plugin = options.plugin
      try process.run()
    case .nexmark:
      var nexmark = NexmarkBench(report: report)
      nexmark.queries = try parsed.values(queries)
      if let events = try parsed.value(events) { nexmark.events = events }
      nexmark.threads = options.threads
      nexmark.repeats = options.repeats
      nexmark.plugin = options.plugin
      nexmark.measuresLatency = try parsed.value(latency) ?? false
      try nexmark.run()
    case .flight:
      var flight = FlightBench { (object, line) throws(Failure) in
        if let text = asJSON ? object?.text : line { try printLine(text) }
      }
      flight.cases = options.cases
      let sizes = try parsed.values(batchRows)
      if !sizes.isEmpty { flight.batchRows = sizes }
      if let bytes = try parsed.value(bytes) { flight.bytes = bytes }
      if parsed.isGiven(repeats.entry) { flight.repeats = options.repeats }
      flight.python = try parsed.value(python)
      try flight.run()
    }
    return 0
  }
}
