/// The flags of `run` and `inspect`.
enum RunFlags {
  static let plugin = Flag(
    "plugin", "PATH", variable: "VOLLEY_PLUGIN", expected: "the path of a plugin, lib….so",
    help: "the plugin whose pipeline runs", read: nonEmpty)
  static let pipeline = Flag(
    "pipeline", "NAME", variable: "VOLLEY_PIPELINE", fallbackWords: "the plugin's only one",
    expected: "the name of one of the plugin's pipelines", help: "which of the plugin's pipelines", read: nonEmpty)
  static let connector = Flag(
    "connector", "PATH", variable: "VOLLEY_CONNECTOR", repeatable: true, expected: "the path of a plugin, lib….so",
    help: "another plugin whose connectors the pipeline uses; again for more", read: nonEmpty)
  static let codec = Flag(
    "codec", "PATH", variable: "VOLLEY_CODEC", repeatable: true, expected: "the path of a plugin, lib….so",
    help: "another plugin whose codecs compress and decompress files, such as Plugins/codecs; again for more",
    read: nonEmpty)
  static let set = Flag(
    "set", "NAME=VALUE", repeatable: true, expected: "a parameter and its value, as 'name=value'",
    help: "the value of one of the pipeline's parameters (or VOLLEY_SET_name); again for more", read: { Assignment($0) }
  )
  static let parallelism = Flag(
    "parallelism", "N", variable: "VOLLEY_PARALLELISM", fallbackWords: "as many as threads",
    expected: "a whole number from 1 to 256, which is the number of key groups",
    help: "subtasks of each operator that sets none of its own", read: count(upTo: 256))
  static let threads = Flag(
    "threads", "N", variable: "VOLLEY_THREADS", fallbackWords: "one per core",
    expected: "a whole number from 1 to 1024", help: "threads that run subtasks", read: count(upTo: 1024))
  static let batchRows = Flag(
    "batch-rows", "N", variable: "VOLLEY_BATCH_ROWS", fallback: "65536",
    expected: "a whole number from 1 to 1048576", help: "rows of a full batch", read: count(upTo: 1 << 20))
  static let batchDelay = Flag(
    "batch-delay", "DURATION", variable: "VOLLEY_BATCH_DELAY", fallback: "10ms",
    expected: "a duration with its unit, at most 1m, such as '10ms' or '1.5s'",
    help: "how long a batch waits for more rows after its first one",
    read: { text in duration(from: text).flatMap { $0 <= .seconds(60) ? $0 : nil } })
  static let stopTimeout = Flag(
    "stop-timeout", "DURATION", variable: "VOLLEY_STOP_TIMEOUT", fallback: "30s",
    expected: "a duration with its unit, at most 1d, such as '10s' or '5m'",
    help:
      "how long the job may take to end after SIGTERM, SIGINT or a failure; then it is ended with what holds it up named",
    read: { text in duration(from: text).flatMap { $0 <= .seconds(86_400) ? $0 : nil } })
  static let memoryLimit = Flag(
    "memory-limit", "SIZE", variable: "VOLLEY_MEMORY_LIMIT", fallback: "80%",
    expected: "a size of at least 64MiB with its unit such as '2GiB', or a share from '1%' to '100%'",
    help: "resident memory to stay within; a share is one of the cgroup's limit, else of the machine",
    read: { MemoryLimit($0) })
  static let report = Flag(
    "report", "text|json|none", variable: "VOLLEY_REPORT", fallbackWords: "text, and json with --log-format json",
    expected: "'text', 'json' or 'none'", help: "the report of rows, bytes and time per stage at the end",
    read: { ReportFormat(rawValue: $0) })
  static let logFormat = Flag(
    "log-format", "auto|json", variable: "VOLLEY_LOG_FORMAT", fallback: "auto", expected: "'auto' or 'json'",
    help: "auto: a status line on a terminal, else a JSON line per event; json: nothing but JSON lines",
    read: { LogFormat(rawValue: $0) })
  static let testSource = Flag(
    "test-source", "UID=PATH", repeatable: true, expected: "a source's uid and a JSON-lines file, as 'uid=path'",
    help: "read this JSON-lines file in that source's place; again for more", read: { Assignment($0) })
  static let testSink = Flag(
    "test-sink", "UID=PATH", repeatable: true, expected: "a sink's uid and a JSON-lines file, as 'uid=path'",
    help: "write this JSON-lines file in that sink's place; again for more", read: { Assignment($0) })
  static let testClock = Flag(
    "test-clock", "DURATION", expected: "a duration with its unit, at least 1us, such as '1s'",
    help:
      "processing time begins at 1970-01-01T00:00:00Z and moves on by this with each batch of a source, so that a run can be "
      + "repeated",
    read: { text in duration(from: text).flatMap { $0 >= .microseconds(1) ? $0 : nil } })
  static let format = Flag(
    "format", "tree|json|dot", fallback: "tree", expected: "'tree', 'json' or 'dot'",
    help: "how to show the plan", read: { PlanFormat(rawValue: $0) })

  static let run: [FlagEntry] =
    [
      plugin.entry, pipeline.entry, connector.entry, codec.entry, set.entry, parallelism.entry, threads.entry,
      batchRows.entry, batchDelay.entry, stopTimeout.entry, memoryLimit.entry, report.entry, logFormat.entry,
      HealthFlags.port.entry, testSource.entry, testSink.entry, testClock.entry,
    ] + CheckpointFlags.all + QuarantineFlags.all
  static let inspect: [FlagEntry] = [
    plugin.entry, pipeline.entry, connector.entry, codec.entry, set.entry, parallelism.entry, threads.entry,
    format.entry,
  ]

  private static let nonEmpty: @Sendable (String) -> String? = { $0.isEmpty ? nil : $0 }

  static func count(upTo bound: Int) -> @Sendable (String) -> Int? {
    { text in
      guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(text), (1...bound).contains(number)
      else { return nil }
      return number
    }
  }
}

/// A name and a value, "name=value"; the value may be empty and may hold further equals signs.
struct Assignment: Sendable, Hashable {
  var name: String
  var value: String

  init?(_ text: String) {
    guard let sign = text.firstIndex(of: "="), sign > text.startIndex else { return nil }
    name = String(text[..<sign])
    value = String(text[text.index(after: sign)...])
  }

  init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

enum ReportFormat: String, Sendable {
  case text, json, none
}

enum LogFormat: String, Sendable {
  case auto, json
}

enum PlanFormat: String, Sendable {
  case tree, json, dot
}
