import Base

/// What `run` was asked to do.
struct RunOptions: Sendable {
  var pipeline: PipelineOptions
  /// Nil: one per core.
  var threads: Int?
  /// Nil: as many as threads.
  var parallelism: Int?
  var batchRows: Int
  var batchDelay: Duration
  var stopTimeout: Duration
  var memoryLimit: MemoryLimit
  var report: ReportFormat
  var logFormat: LogFormat
  var health: HealthOptions
  var testSources: [Assignment]
  var testSinks: [Assignment]
  /// How far each batch of a source moves processing time on; nil: that is the machine's.
  var testClock: Duration?
  /// Nil: the run keeps no checkpoints.
  var checkpoints: CheckpointOptions?
  /// Nil: a record on which a function throws ends the job.
  var quarantine: QuarantineChoice?

  init(_ arguments: some Collection<String>, environment: [String: String]) throws(Failure) {
    let flags = try ParsedFlags(arguments, flags: RunFlags.run, verb: "run", environment: environment)
    pipeline = try PipelineOptions(flags, verb: "run", environment: environment)
    threads = try flags.value(RunFlags.threads)
    parallelism = try flags.value(RunFlags.parallelism)
    batchRows = try flags.required(RunFlags.batchRows)
    batchDelay = try flags.required(RunFlags.batchDelay)
    stopTimeout = try flags.required(RunFlags.stopTimeout)
    memoryLimit = try flags.required(RunFlags.memoryLimit)
    let logFormat = try flags.required(RunFlags.logFormat)
    self.logFormat = logFormat
    report = try flags.value(RunFlags.report) ?? (logFormat == .json ? .json : .text)
    health = try HealthOptions(flags)
    testSources = try flags.values(RunFlags.testSource)
    testSinks = try flags.values(RunFlags.testSink)
    testClock = try flags.value(RunFlags.testClock)
    checkpoints = try CheckpointOptions(flags)
    quarantine = try QuarantineChoice(flags)
    for (flag, assignments) in [("test-source", testSources), ("test-sink", testSinks)] {
      try refuseDoubles(assignments, flag: flag)
    }
  }
}

/// What `inspect` was asked to show.
struct InspectOptions: Sendable {
  var pipeline: PipelineOptions
  var threads: Int?
  var parallelism: Int?
  var format: PlanFormat

  init(_ arguments: some Collection<String>, environment: [String: String]) throws(Failure) {
    let flags = try ParsedFlags(arguments, flags: RunFlags.inspect, verb: "inspect", environment: environment)
    pipeline = try PipelineOptions(flags, verb: "inspect", environment: environment)
    threads = try flags.value(RunFlags.threads)
    parallelism = try flags.value(RunFlags.parallelism)
    format = try flags.required(RunFlags.format)
  }
}

/// Which pipeline, from which plugins, with which parameters.
struct PipelineOptions: Sendable {
  var plugin: String
  /// Nil: the plugin's only one.
  var pipeline: String?
  var connectors: [String]
  var codecs: [String]
  /// In the order given; a name occurs once.
  var parameters: [Assignment]

  /// Leads the names of variables that are parameters.
  static let parameterVariable = "VOLLEY_SET_"

  init(_ flags: ParsedFlags, verb: String, environment: [String: String]) throws(Failure) {
    if let word = flags.words.first {
      let hint = word.hasSuffix(".so") ? "write --plugin \(word)" : "'\(verb)' takes flags only"
      throw Failure(.usage, "unexpected '\(word)' after '\(verb)': \(hint)")
    }
    guard let plugin = try flags.value(RunFlags.plugin) else {
      throw Failure(
        .usage,
        "--plugin is missing: name the plugin to \(verb), as in 'volley-host \(verb) --plugin libmypipe.so', "
          + "or set VOLLEY_PLUGIN; 'volley-host help' lists everything")
    }
    self.plugin = plugin
    pipeline = try flags.value(RunFlags.pipeline)
    connectors = try flags.values(RunFlags.connector)
    codecs = try flags.values(RunFlags.codec)
    let given = try flags.values(RunFlags.set)
    try refuseDoubles(given, flag: "set")
    let prefix = Self.parameterVariable
    let inherited = environment.filter { $0.key.hasPrefix(prefix) && $0.key.count > prefix.count }
      .map { Assignment(name: String($0.key.dropFirst(prefix.count)), value: $0.value) }
      .filter { variable in !given.contains { $0.name == variable.name } }
      .sorted { $0.name < $1.name }
    parameters = given + inherited
  }
}

extension ParsedFlags {
  /// The value of a flag whose entry has a default.
  func required<Value>(_ flag: Flag<Value>) throws(Failure) -> Value {
    guard let value = try value(flag) else { preconditionFailure("--\(flag.entry.name) has no default") }
    return value
  }
}

/// - Throws: `usage` when a repeatable flag names one thing twice.
func refuseDoubles(_ assignments: [Assignment], flag: String) throws(Failure) {
  var seen: [String: String] = [:]
  for assignment in assignments {
    if let former = seen.updateValue(assignment.value, forKey: assignment.name) {
      throw Failure(
        .usage,
        "--\(flag) gives '\(assignment.name)' twice: '\(former)' and '\(assignment.value)'; leave one out")
    }
  }
}
