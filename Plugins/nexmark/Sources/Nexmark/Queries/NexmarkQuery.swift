import Volley

/// What one query of the benchmark does with the events.
protocol Query {
  /// "q0".
  static var name: String { get }
  static var summary: String { get }
  /// What the query says about the events.
  static func result(_ events: DataStream, in env: StreamExecutionEnvironment) -> DataStream
  /// The same, of a query that reads nothing but the events.
  static func result(_ events: DataStream) -> DataStream
  /// Whether it asks when events happened: then they have an event time.
  static var isTimed: Bool { get }
  /// How files of its result are laid out.
  static func files(_ folder: String) -> Sink
}

extension Query {
  static var isTimed: Bool { false }
  static func result(_ events: DataStream, in env: StreamExecutionEnvironment) -> DataStream { result(events) }
  static func result(_ events: DataStream) -> DataStream { events }
  static func files(_ folder: String) -> Sink { .arrow(folder) }
}

/// A query as a pipeline: the generator's events, the query, and where its result goes. All queries have these parameters.
struct NexmarkQuery<Asked: Query>: Pipeline {
  static var name: String { Asked.name }
  static var summary: String? { Asked.summary }

  @Parameter("How many events") var events = 1_000_000
  @Parameter("Events a second of event time") var rate = 10_000.0
  @Parameter("What the events' random numbers depend on") var seed = 1
  @Parameter("The number of the first event, from 0") var firstEvent = 0
  @Parameter("The most rows of a batch of events, 1 to 8192") var batchRows = 8192
  @Parameter("How many microseconds an event may come after one that happened later; 0: events are in order")
  var shuffle = 0
  @Parameter("How many subtasks make events") var parallelism = 1
  @Parameter("Where the result goes: '-' for the console, else a folder; without it rows are counted and dropped")
  var output: String?

  func build(_ env: StreamExecutionEnvironment) throws {
    let settings = EventSettings(
      events: events, rate: rate, seed: seed, firstEvent: firstEvent, batchRows: batchRows, outOfOrder: Int64(shuffle))
    try settings.check()
    let source = Source.custom(Event.schema) { context in
      EventReader(settings, subtask: context.subtask, parallelism: context.parallelism)
    }
    let sink: Sink =
      switch output {
      case nil: .blackhole
      case "-": .console
      case let folder?: Asked.files(folder.hasSuffix("/") ? folder : folder + "/")
      }
    var events = env.fromSource(source, uid: "events").withParallelism(parallelism)
    if Asked.isTimed {
      // 4 s are what the standard's queries wait for events that are late.
      let outOfOrderness = max(.seconds(4), Duration.microseconds(shuffle))
      events = events.eventTime("dateTime", outOfOrderness: outOfOrderness)
    }
    Asked.result(events, in: env).toSink(sink, uid: "result")
  }
}
