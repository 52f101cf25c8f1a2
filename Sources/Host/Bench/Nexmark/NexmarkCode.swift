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

  private let plugin: any UserCode
  /// By source subtask: the events. Nil: the plugin makes them as the job runs.
  private let events: [[RecordBatch]]?
  let totals = BlackholeTotals()

  init(plugin: any UserCode, events: [[RecordBatch]]?) {
    self.plugin = plugin
    self.events = events
  }

  var codecs: CodecSet { plugin.codecs }
  var connectorNames: [String] { plugin.connectorNames + [Self.sink] }

  func scalarFunctions(at place: UserCodePlace) -> any ScalarFunctionProvider { plugin.scalarFunctions(at: place) }

  func makeBatchFunction(
    _ function: String, input: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any Operator {
    try plugin.makeBatchFunction(function, input: input, outputs: outputs, at: place)
  }

  func makeSource(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Source {
    guard place.uid == NexmarkEvents.source, let events else {
      return try plugin.makeSource(function, schema: schema, at: place)
    }
    let own = events[place.subtask.id.index]
    return MemorySource(own, rows: own.reduce(0) { $0 + $1.length })
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
    return BlackholeSink(totals: totals)
  }
}
