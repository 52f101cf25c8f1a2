import Arrow
import Base
import Connectors
import Dataflow
import Expressions
import Operators
import VolleyPlan

/// The plugin's code, with a sink that tells what it read, and, for a replay, with events that lie in memory.
final class NexmarkCode: UserCode {
  /// The connector that reads every value.
  static let sink = "bench-nexmark"

  /// Where the events come from.
  enum Feed {
    /// The plugin makes them as the job runs.
    case generated
    /// From memory, by source subtask, as fast as they are taken.
    case replayed([[RecordBatch]])
    /// From memory at a steady rate, to measure how long windows' results take.
    case paced([[RecordBatch]], NexmarkLatency)
  }

  private let plugin: any UserCode
  private let feed: Feed
  let totals = BlackholeTotals()

  init(plugin: any UserCode, feed: Feed) {
    self.plugin = plugin
    self.feed = feed
  }

  var codecs: CodecSet { plugin.codecs }
  var connectorNames: [String] { plugin.connectorNames + [Self.sink] }

  func scalarFunctions(at place: UserCodePlace) -> any ScalarFunctionProvider { plugin.scalarFunctions(at: place) }

  func makeBatchFunction(
    _ function: String, input: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any Operator {
    try plugin.makeBatchFunction(function, input: input, outputs: outputs, at: place)
  }

  func makeKeyedProcess(
    _ function: String, states: [Plan.State], rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any KeyedProcessCode {
    try plugin.makeKeyedProcess(function, states: states, rows: rows, keys: keys, outputs: outputs, at: place)
  }

  func makeWindowFunction(
    _ function: String, rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any WindowFunctionCode {
    try plugin.makeWindowFunction(function, rows: rows, keys: keys, outputs: outputs, at: place)
  }

  func makeWatermarkAssigner(
    _ function: String, rows: Schema, at place: UserCodePlace
  ) throws(Failure) -> any WatermarkCode {
    try plugin.makeWatermarkAssigner(function, rows: rows, at: place)
  }

  func makeSource(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Source {
    let index = place.subtask.id.index
    switch feed {
    case .replayed(let events) where place.uid == NexmarkEvents.source:
      return MemorySource(events[index], rows: events[index].reduce(0) { $0 + $1.length })
    case .paced(let events, let latency) where place.uid == NexmarkEvents.source:
      return latency.source(events[index], subtask: index)
    default: return try plugin.makeSource(function, schema: schema, at: place)
    }
  }

  func makeSink(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    try plugin.makeSink(function, schema: schema, at: place)
  }

  func makeSource(
    _ connector: Plan.Connector, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Source {
    try plugin.makeSource(connector, schema: schema, at: place)
  }

  func makeSink(_ connector: Plan.Connector, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    guard connector.name == Self.sink else { return try plugin.makeSink(connector, schema: schema, at: place) }
    if case .paced(_, let latency) = feed { return latency.sink(schema) }
    return BlackholeSink(totals: totals)
  }
}
