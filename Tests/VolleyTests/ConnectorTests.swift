import CVolley
import Testing
import Volley
import VolleyPlan

/// Counts from 0.
struct Numbers: SourceConnector {
  static let name = "numbers"
  static let summary: String? = "counts"

  @Parameter("How many") var count: Int
  @Parameter var fail = false

  final class Reader: SourceReader {
    let count: Int
    let fail: Bool
    var next = 0
    var context: TaskContext?
    init(_ count: Int, _ fail: Bool) {
      self.count = count
      self.fail = fail
    }

    func open(_ context: TaskContext) { self.context = context }

    func read(into batch: BatchBuilder, maxRows: Int, timeout: Duration) throws -> ReadOutcome {
      if fail { throw VolleyError("no broker", domain: .external, retry: true, code: 42) }
      if context?.isStopping == true || next == count { return .end }
      if timeout < .milliseconds(1) { return .idle }
      var column = try batch.column("n", as: Int.self)
      for _ in 0..<min(maxRows, count - next) {
        column.append(next)
        next += 1
      }
      return .rows
    }
  }

  func makeReader(_ context: TaskContext) -> any SourceReader { Reader(count, fail) }
}

/// Remembers the rows, and says so in the log.
struct Collected: SinkConnector {
  static let name = "collected"

  final class Writer: SinkWriter {
    var context: TaskContext?
    func open(_ context: TaskContext) { self.context = context }
    func write(_ batch: Batch) throws {
      let column = try batch.column("n", as: Int.self)
      for row in 0..<column.count { log(.info, "row \(column[row].map { "\($0)" } ?? "null")") }
    }
    func flush() { context?.log(.debug, "flush") }
    func finish() { context?.log(.warning, "finish") }
    func close() { context?.log(.error, "close") }
  }

  func makeWriter(_ context: TaskContext) -> any SinkWriter { Writer() }
}

struct Both: SourceConnector, SinkConnector {
  static let name = "both"
  static let version: String? = "2"
  func makeReader(_ context: TaskContext) throws -> any SourceReader { throw VolleyError("not today") }
  func makeWriter(_ context: TaskContext) throws -> any SinkWriter { throw VolleyError("nor tomorrow") }
}

/// Reads an option before it can have a value.
struct HastyConnector: SinkConnector {
  static let name = "hasty"
  @Parameter var topic: String
  var queue = ""
  init() { queue = topic + "-queue" }
  func makeWriter(_ context: TaskContext) throws -> any SinkWriter { Collected.Writer() }
}

@Suite("Connectors")
struct ConnectorTests {
  private let host = MiniHost()
  private let schema = [Field("n", .int64)]

  private func create(_ name: String, kind: UInt32, options: String = "{}") throws -> MiniHost.Instance {
    let connector = ExamplePlugin.connector(name)!
    return try host.create(
      kind: kind, function: name, inputs: kind == VOLLEY_KIND_SINK ? [schema] : [],
      outputs: kind == VOLLEY_KIND_SOURCE ? [schema] : [], options: options
    ) { [host] place, instance, error in
      connector.pointee.create(connector, host.host, kind, place, instance, error)
    }
  }

  @Test("say what they are")
  func declared() {
    let numbers = ExamplePlugin.connector("numbers")!.pointee
    #expect(numbers.kinds == VOLLEY_CONNECTOR_SOURCE)
    #expect(String(cString: numbers.version) == "1.2.3")
    #expect(String(cString: numbers.description) == "counts")
    #expect(ExamplePlugin.connector("collected")!.pointee.kinds == VOLLEY_CONNECTOR_SINK)
    let both = ExamplePlugin.connector("both")!.pointee
    #expect(both.kinds == VOLLEY_CONNECTOR_SOURCE | VOLLEY_CONNECTOR_SINK)
    #expect(String(cString: both.version) == "2")
    #expect(both.option(ExamplePlugin.connector("both")!, 0) == nil)
    let option = numbers.option(ExamplePlugin.connector("numbers")!, 0)!
    #expect(String(cString: option.pointee.name) == "count")
    #expect(option.pointee.default_value == nil)
  }

  @Test("read batches until the end, idle when there is no time")
  func source() throws {
    let source = try create("numbers", kind: VOLLEY_KIND_SOURCE, options: #"{"count": 5}"#)
    try source.open()
    var outcomes: [UInt32] = []
    var rows: [Int64?] = []
    for timeout: UInt64 in [0, 1_000_000_000, 1_000_000_000, 1_000_000_000] {
      var batch = ArrowArray()
      var outcome: UInt32 = 0
      try MiniHost.check { source.source.read(source.pointer, 3, timeout, &batch, &outcome, $0) }
      outcomes.append(outcome)
      if outcome == VOLLEY_READ_BATCH {
        if case .int64(let values) = MiniHost.cells(&batch, schema)[0] { rows += values }
        batch.release(&batch)
        #expect(batch.release == nil)
      }
    }
    #expect(outcomes == [VOLLEY_READ_IDLE, VOLLEY_READ_BATCH, VOLLEY_READ_BATCH, VOLLEY_READ_END])
    #expect(rows == [0, 1, 2, 3, 4])
    try source.close()
  }

  @Test("learn that the job stops")
  func stop() throws {
    let source = try create("numbers", kind: VOLLEY_KIND_SOURCE, options: #"{"count": 1000000}"#)
    try source.open()
    source.source.stop(source.pointer)
    var batch = ArrowArray()
    var outcome: UInt32 = 0
    try MiniHost.check { source.source.read(source.pointer, 3, 1_000_000_000, &batch, &outcome, $0) }
    #expect(outcome == VOLLEY_READ_END)
    try source.close()
  }

  @Test("tell whose fault an error is")
  func error() throws {
    let source = try create("numbers", kind: VOLLEY_KIND_SOURCE, options: #"{"count": 1, "fail": true}"#)
    try source.open()
    var batch = ArrowArray()
    var outcome: UInt32 = 0
    #expect(
      throws: MiniHost.Refused(
        message: "no broker", domain: VOLLEY_DOMAIN_EXTERNAL, retry: VOLLEY_RETRY_LATER, code: 42)
    ) { try MiniHost.check { source.source.read(source.pointer, 3, 0, &batch, &outcome, $0) } }
    try source.close()
  }

  @Test("write batches, flush, finish and close in order")
  func sink() throws {
    let sink = try create("collected", kind: VOLLEY_KIND_SINK)
    try sink.open()
    var batch = ArrowArray()
    let isAlive = ArrayMemory.make([.int64([3, nil, 4])], padding: 3, into: &batch)
    try MiniHost.check { sink.sink.write(sink.pointer, &batch, $0) }
    #expect(!isAlive())
    #expect(batch.release == nil)
    try MiniHost.check { sink.sink.flush(sink.pointer, $0) }
    try MiniHost.check { sink.sink.finish(sink.pointer, $0) }
    try sink.close()
    #expect(host.state.log == ["1 row 3", "1 row null", "1 row 4", "0 flush", "2 finish", "3 close"])
  }

  @Test("refuse options and kinds by name")
  func refused() {
    func message(_ name: String, _ kind: UInt32, _ options: String = "{}") -> String? {
      do {
        _ = try create(name, kind: kind, options: options)
        return nil
      } catch { return "\(error)" }
    }
    #expect(
      message("numbers", VOLLEY_KIND_SOURCE)
        == "option 'count' of connector 'numbers' has no default: give its value (int)")
    #expect(
      message("numbers", VOLLEY_KIND_SOURCE, #"{"coutn": 1}"#)
        == "connector 'numbers' has no option 'coutn': did you mean 'count' (known are count, fail)?")
    #expect(
      message("collected", VOLLEY_KIND_SINK, #"{"a": 1}"#)
        == "connector 'collected' has no option 'a', nor any other: leave it away")
    #expect(
      message("hasty", VOLLEY_KIND_SINK, #"{"topic": "a"}"#)
        == "option 'topic' of connector 'hasty' is read in 'init', before its value is known: read it in 'makeReader' or "
        + "'makeWriter'")
    #expect(message("numbers", VOLLEY_KIND_SINK, #"{"count": 1}"#) == "connector 'numbers' is no sink")
    #expect(message("collected", VOLLEY_KIND_SOURCE) == "connector 'collected' is no source")
    #expect(message("both", VOLLEY_KIND_SOURCE) == "not today")
    #expect(message("both", VOLLEY_KIND_SINK) == "nor tomorrow")
    #expect(
      message("both", VOLLEY_KIND_BATCH_FUNCTION)
        == "a connector is a source or a sink, and the host asked for kind 2")
  }
}
