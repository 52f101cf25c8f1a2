import Arrow
import Base
import Dataflow
import Expressions
import Operators
import VolleyPlan

/// The plugins of a job: the one whose pipeline runs, and those that bring connectors and codecs.
public final class PluginSet: UserCode {
  public let pipeline: BuiltPipeline
  /// Counters and leaks of the instances that this set made.
  public let registry = InstanceRegistry()
  public let codecs: CodecSet
  private let connectors: [String: PluginConnector]
  private let host: InstanceHost

  /// - Parameters:
  ///   - others: their connectors and codecs may be used by the pipeline, beside those of its own plugin.
  ///   - reservedNames: names of connectors that the host itself brings.
  ///   - listener: takes what plugins log and what is to be said of them.
  public init(
    pipeline: BuiltPipeline, of plugin: Plugin, others: [Plugin] = [], reservedNames: [String] = [],
    listener: @escaping PluginListener
  ) throws(Failure) {
    self.pipeline = pipeline
    host = InstanceHost(listener: listener, registry: registry)
    var connectors: [String: PluginConnector] = [:]
    var seen: Set<String> = []
    for plugin in [plugin] + others where seen.insert(plugin.path).inserted {
      for connector in plugin.connectors {
        if reservedNames.contains(connector.name) {
          throw Failure(
            .plugin,
            "plugin '\(plugin.name)' brings a connector '\(connector.name)', which is the name of one of the host's own; rename it"
          )
        }
        if let other = connectors[connector.name] {
          throw Failure(
            .plugin,
            "the plugins '\(other.pluginName)' and '\(plugin.name)' both bring a connector '\(connector.name)'; load one of them"
          )
        }
        connectors[connector.name] = connector
      }
    }
    self.connectors = connectors
    codecs = try Self.codecs([plugin] + others, host)
  }

  /// A pipeline without the connectors and codecs of any plugin.
  init(pipeline: BuiltPipeline, listener: @escaping PluginListener) {
    self.pipeline = pipeline
    host = InstanceHost(listener: listener, registry: registry)
    connectors = [:]
    codecs = .none
  }

  private static func codecs(_ plugins: [Plugin], _ host: InstanceHost) throws(Failure) -> CodecSet {
    var codecs: [PluginCodec] = []
    var seen: Set<String> = []
    for plugin in plugins where seen.insert(plugin.path).inserted {
      for codec in plugin.codecs {
        if let other = codecs.first(where: { $0.name == codec.name }) {
          throw Failure(
            .plugin,
            "the plugins '\(other.pluginName)' and '\(plugin.name)' both bring a codec '\(codec.name)'; load one of them"
          )
        }
        codecs.append(codec)
      }
    }
    return CodecSet(codecs.map { PluginBufferCodec($0, host: host) })
  }

  public var connectorNames: [String] { connectors.keys.sorted() }

  // MARK: The pipeline's own code

  public func scalarFunctions(at place: UserCodePlace) -> any ScalarFunctionProvider {
    PluginScalarFunctions(pipeline: pipeline, place: place, host: host)
  }

  public func makeBatchFunction(
    _ function: String, input: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any Operator {
    try PluginBatchFunction(
      pipeline.makeInstance(
        InstanceRequest(
          kind: .batchFunction, function: function, place: place, inputs: [input], outputs: outputs, host: host)))
  }

  public func makeKeyedProcess(
    _ function: String, states: [Plan.State], rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any KeyedProcessCode {
    try PluginKeyedProcess(
      pipeline.makeInstance(
        InstanceRequest(
          kind: .keyedProcess, function: function, place: place, inputs: [rows, keys], outputs: outputs, host: host)),
      states: states)
  }

  public func makeWindowFunction(
    _ function: String, rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any WindowFunctionCode {
    try PluginWindowFunction(
      pipeline.makeInstance(
        InstanceRequest(
          kind: .windowFunction, function: function, place: place, inputs: [rows, keys], outputs: outputs, host: host)))
  }

  public func makeWatermarkAssigner(
    _ function: String, rows: Schema, at place: UserCodePlace
  ) throws(Failure) -> any WatermarkCode {
    try PluginWatermarkAssigner(
      pipeline.makeInstance(
        InstanceRequest(
          kind: .watermarkAssigner, function: function, place: place, inputs: [rows], outputs: [], host: host)))
  }

  public func makeAsyncFunction(
    _ function: String, input: Schema, output: Schema, at place: UserCodePlace
  ) throws(Failure) -> any AsyncCode {
    try PluginAsyncFunction(
      pipeline.makeInstance(
        InstanceRequest(
          kind: .asyncFunction, function: function, place: place, inputs: [input], outputs: [output], host: host)))
  }

  public func makeSource(
    _ function: String, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Source {
    try PluginSource.make(
      pipeline.makeInstance(
        InstanceRequest(kind: .source, function: function, place: place, inputs: [], outputs: [schema], host: host)),
      schema: schema)
  }

  public func makeSink(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    try PluginSink.make(
      pipeline.makeInstance(
        InstanceRequest(kind: .sink, function: function, place: place, inputs: [schema], outputs: [], host: host)))
  }

  // MARK: Connectors

  public func makeSource(
    _ connector: Plan.Connector, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Source {
    let (code, options) = try resolve(connector, asSource: true, at: place)
    return try PluginSource.make(
      code.makeInstance(
        InstanceRequest(
          kind: .source, function: code.name, isConnector: true, place: place, inputs: [], outputs: [schema],
          options: options, host: host)),
      schema: schema)
  }

  public func makeSink(
    _ connector: Plan.Connector, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Sink {
    let (code, options) = try resolve(connector, asSource: false, at: place)
    return try PluginSink.make(
      code.makeInstance(
        InstanceRequest(
          kind: .sink, function: code.name, isConnector: true, place: place, inputs: [schema], outputs: [],
          options: options, host: host)))
  }

  /// The connector and its options as JSON text, defaults filled in.
  private func resolve(
    _ connector: Plan.Connector, asSource: Bool, at place: UserCodePlace
  ) throws(Failure) -> (PluginConnector, String) {
    guard let code = connectors[connector.name] else {
      let known = connectorNames.isEmpty ? "none" : connectorNames.map { "'\($0)'" }.joined(separator: ", ")
      let nearest = nearestName(to: connector.name, among: connectorNames).map { "; did you mean '\($0)'?" } ?? ""
      throw Failure(
        .usage,
        "'\(place.uid)' uses the connector '\(connector.name)', which no plugin brings (they bring: \(known)); load it with --connector\(nearest)"
      )
    }
    guard asSource ? code.isSource : code.isSink else {
      let (wanted, is_) = asSource ? ("source", "sink") : ("sink", "source")
      throw Failure(
        .usage,
        "'\(place.uid)' uses the connector '\(code.name)' of plugin '\(code.pluginName)' as a \(wanted), but it is only a \(is_)"
      )
    }
    let options = try code.options.resolve(
      connector.options, of: "connector '\(code.name)' at '\(place.uid)'", as: .option)
    return (code, JSONValue.object(options.map { JSONValue.Member($0.name, $0.value) }).text)
  }
}

/// Makes the scalar functions of one operator.
struct PluginScalarFunctions: ScalarFunctionProvider {
  let pipeline: BuiltPipeline
  let place: UserCodePlace
  let host: InstanceHost

  func makeScalarFunction(_ function: Expression.UserFunction) throws(Failure) -> any ScalarFunction {
    let arguments = Schema(function.parameterTypes.enumerated().map { Field("argument\($0)", $1) })
    let result = Field("result", function.resultType)
    let request = InstanceRequest(
      kind: .scalarFunction, function: function.function, place: place, inputs: [arguments],
      outputs: [Schema([result])], host: host)
    return try PluginScalarFunction(try pipeline.makeInstance(request), arguments: arguments, result: result)
  }

  func makeAggregate(_ aggregate: Plan.UserAggregate) throws(Failure) -> any UserAggregate {
    let rows = Schema(aggregate.arguments.map { Field($0.name, $0.type) })
    let accumulators = Schema(aggregate.accumulator)
    let result = Field("result", aggregate.result.type, nullable: aggregate.result.nullable)
    let request = InstanceRequest(
      kind: .aggregate, function: aggregate.function, place: place, inputs: [rows, accumulators],
      outputs: [Schema([result])], host: host)
    return try PluginAggregate(
      try pipeline.makeInstance(request), rows: rows, accumulators: accumulators, result: result)
  }
}
