import Arrow
import Base
import Dataflow
import Expressions
import Operators
import Synchronization
import VolleyPlan

/// The benchmark's ends as connectors, beside the functions of a plugin if there is one: a benchmark runs a plan as every
/// other job does.
final class BenchCode: UserCode {
  /// The connector that gives the batches of the case.
  static let source = "bench-memory"
  /// The connector that reads every value.
  static let sink = "bench-checksum"

  /// By source subtask.
  private let data: [[RecordBatch]]
  private let rowsPerSubtask: Int
  private let plugin: (any UserCode)?
  private let total = Mutex(Checksum())

  init(data: [[RecordBatch]], rowsPerSubtask: Int, plugin: (any UserCode)? = nil) {
    self.data = data
    self.rowsPerSubtask = rowsPerSubtask
    self.plugin = plugin
  }

  /// What the sinks have read, once the job has ended.
  var checksum: Checksum { total.withLock { $0 } }

  var connectorNames: [String] { [Self.source, Self.sink] }

  func makeSource(
    _ connector: Plan.Connector, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Source {
    MemorySource(data[place.subtask.id.index], rows: rowsPerSubtask)
  }

  func makeSink(_ connector: Plan.Connector, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    ChecksumSink { [self] own in total.withLock { $0 = $0 + own } }
  }

  func scalarFunctions(at place: UserCodePlace) -> any ScalarFunctionProvider {
    plugin?.scalarFunctions(at: place) ?? NoScalarFunctions()
  }

  func makeBatchFunction(
    _ function: String, input: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any Operator {
    guard let plugin else { throw noPlugin(function) }
    return try plugin.makeBatchFunction(function, input: input, outputs: outputs, at: place)
  }

  func makeKeyedProcess(
    _ function: String, states: [Plan.State], rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any KeyedProcessCode {
    guard let plugin else { throw noPlugin(function) }
    return try plugin.makeKeyedProcess(function, states: states, rows: rows, keys: keys, outputs: outputs, at: place)
  }

  func makeSource(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Source {
    throw noPlugin(function)
  }

  func makeSink(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    throw noPlugin(function)
  }

  private func noPlugin(_ function: String) -> Failure {
    Failure(.usage, "the function '\(function)' is a plugin's; name it with --plugin")
  }
}
