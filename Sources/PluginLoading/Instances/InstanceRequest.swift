import Arrow
import Base
import CVolley
import Operators

/// What the execution graph asks a plugin for.
struct InstanceRequest {
  enum Kind: UInt32 {
    case scalarFunction = 1
    case batchFunction = 2
    case source = 3
    case sink = 4
    case codec = 5
    case keyedProcess = 6
    case aggregate = 7
    case windowFunction = 8
    case watermarkAssigner = 9
    case asyncFunction = 10

    /// The table's name in volley.h.
    var tableName: String {
      switch self {
      case .scalarFunction: "volley_scalar_function"
      case .batchFunction: "volley_batch_function"
      case .source: "volley_source"
      case .sink: "volley_sink"
      case .codec: "volley_coder"
      case .keyedProcess: "volley_keyed_process"
      case .aggregate: "volley_aggregate"
      case .windowFunction: "volley_window_function"
      case .watermarkAssigner: "volley_watermark_assigner"
      case .asyncFunction: "volley_async_function"
      }
    }
  }

  var kind: Kind
  /// The function's id, or the name of the connector or codec.
  var function: String
  /// Whether `function` is a connector's name.
  var isConnector = false
  var place: UserCodePlace
  var inputs: [Schema]
  var outputs: [Schema]
  /// JSON text of an object.
  var options = "{}"
  var host: InstanceHost

  /// "function 'tax'".
  var what: String {
    switch kind {
    case _ where isConnector: "connector '\(function)'"
    case .scalarFunction, .batchFunction, .keyedProcess, .windowFunction, .watermarkAssigner, .asyncFunction:
      "function '\(function)'"
    case .aggregate: "aggregate '\(function)'"
    case .source: "source '\(function)'"
    case .sink: "sink '\(function)'"
    case .codec: "codec '\(function)'"
    }
  }
}

/// What all instances of a job share of the host.
struct InstanceHost: Sendable {
  var listener: PluginListener
  var registry: InstanceRegistry
}
