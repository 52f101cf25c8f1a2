import Arrow
import Base
import Dataflow
import Expressions
import Observability
import Operators
import Planning
import Synchronization
import VolleyPlan

/// Runs plans whose source "memory" gives batches of the test's and whose sinks "memory" keep what they get, by uid.
final class MemoryCode: UserCode {
  /// By uid of a source and by its subtask.
  private let sources: [String: [[RecordBatch]]]
  /// Makes sources that are no lists, by uid.
  private let made: [String: @Sendable (MemoryCode) -> any Source]
  private let written = Mutex<[String: [RecordBatch]]>([:])

  /// - Parameter batches: by subtask of the source "events".
  convenience init(_ batches: [[RecordBatch]]) { self.init(sources: ["events": batches]) }

  /// - Parameters:
  ///   - sources: by uid of a source and by its subtask.
  ///   - made: makes sources that are no lists, by uid.
  init(sources: [String: [[RecordBatch]]], made: [String: @Sendable (MemoryCode) -> any Source] = [:]) {
    self.sources = sources
    self.made = made
  }

  var connectorNames: [String] { ["memory"] }

  func makeSource(
    _ connector: Plan.Connector, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Source {
    made[place.uid]?(self) ?? ListedBatches(sources[place.uid]?[place.subtask.id.index] ?? [])
  }

  func makeSink(_ connector: Plan.Connector, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    let uid = place.uid
    return KeepingSink { [self] batch in written.withLock { $0[uid, default: []].append(batch) } }
  }

  func scalarFunctions(at place: UserCodePlace) -> any ScalarFunctionProvider { NoScalarFunctions() }
  func makeBatchFunction(
    _ function: String, input: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any Operator { throw unused() }
  func makeKeyedProcess(
    _ function: String, states: [Plan.State], rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any KeyedProcessCode { throw unused() }
  func makeSource(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Source {
    throw unused()
  }
  func makeSink(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    throw unused()
  }

  private func unused() -> Failure { Failure(.software, "these plans have no functions") }

  /// Runs the plan to its end.
  ///
  /// - Returns: what each stage counted.
  func run(
    _ nodes: [Plan.Node], parallelism: Int, batchRows: Int = 65_536, clock: ProcessingClock = .system
  ) throws(Failure) -> [StageReport] {
    let graph = try ExecutionGraph(
      Plan(name: "test", nodes: nodes), code: self, options: .init(parallelism: parallelism))
    let job = try Job(
      graph: graph.jobGraph(code: self),
      options: JobOptions(threads: 2, batchRows: batchRows, batchDelay: .zero, clock: clock),
      log: EventLog(minimum: .error) { _ in })
    job.start()
    try job.wait()
    return job.report()
  }

  /// What a sink got, as the texts of its rows, sorted.
  func rows(_ uid: String) -> [String] {
    written.withLock { $0[uid] ?? [] }.flatMap { batch in
      (0..<batch.length).map { row in
        batch.columns.map { Self.text($0, row) }.joined(separator: ",")
      }
    }.sorted()
  }

  /// Times as microseconds.
  private static func text(_ column: Column, _ row: Int) -> String {
    guard column.isValid(row) else { return "null" }
    if case .timestamp = column.type { return "\(column.values(Int64.self)[row])" }
    return column.text(at: row)
  }
}

private final class ListedBatches: Source {
  private var batches: ArraySlice<RecordBatch>
  init(_ batches: [RecordBatch]) { self.batches = batches[...] }
  var blocks: Bool { false }
  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    batches.popFirst().map { .batch($0) } ?? .end
  }
}

private final class KeepingSink: Sink {
  private let keep: (RecordBatch) -> Void
  init(keep: @escaping (RecordBatch) -> Void) { self.keep = keep }
  var blocks: Bool { false }
  func write(_ batch: RecordBatch) { keep(batch) }
}

/// The source "memory".
func memorySource(_ id: Int, _ fields: [Field], uid: String = "events", parallelism: Int? = nil) -> Plan.Node {
  Plan.Node(
    id: id, uid: uid, parallelism: parallelism, inputs: [],
    operator: .source(
      Plan.Source(implementation: .connector(Plan.Connector(name: "memory")), schema: fields)))
}

/// A sink "memory".
func memorySink(_ id: Int, from node: Int, output: Int = 0, uid: String = "out") -> Plan.Node {
  Plan.Node(
    id: id, uid: uid, inputs: [Plan.Input(node: node, output: output)],
    operator: .sink(Plan.Sink(implementation: .connector(Plan.Connector(name: "memory")))))
}
