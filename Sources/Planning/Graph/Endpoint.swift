import Arrow
import Base
import Connectors
import Dataflow
import Observability
import Operators
import VolleyPlan

/// How a source or sink is made, its options checked.
struct Endpoint {
  enum Make {
    case source((UserCodePlace) throws(Failure) -> any Source)
    case sink((UserCodePlace) throws(Failure) -> any Sink)
  }

  /// What it is, for messages and `inspect`: "csv orders.csv", "function sink:report".
  let label: String
  /// Nil: any.
  let maximumParallelism: Int?
  /// Unless the author says otherwise; nil: the job's, or the input's. User code that does not know of its subtasks would
  /// read everything once in each.
  let defaultParallelism: Int?
  let make: Make
  /// What a built-in connector reads and writes.
  let files: FileUse

  /// Nil for a node that is neither source nor sink.
  init?(_ typed: TypedNode, code: any UserCode, log: EventLog?) throws(Failure) {
    switch typed.node.operator {
    case .source(let source): self = try Self.source(source, typed, code, log)
    case .sink(let sink): self = try Self.sink(sink, typed, code, log)
    default: return nil
    }
  }

  private init(
    label: String, maximumParallelism: Int?, defaultParallelism: Int?, make: Make, files: FileUse = FileUse()
  ) {
    self.label = label
    self.maximumParallelism = maximumParallelism
    self.defaultParallelism = defaultParallelism
    self.make = make
    self.files = files
  }

  private static func source(
    _ source: Plan.Source, _ typed: TypedNode, _ code: any UserCode, _ log: EventLog?
  ) throws(Failure) -> Endpoint {
    let schema = typed.outputs[0].schema
    switch source.implementation {
    case .function(let function):
      return Endpoint(
        label: function, maximumParallelism: nil, defaultParallelism: 1,
        make: .source { place throws(Failure) in
          try code.makeSource(function, schema: schema, at: place)
        })
    case .connector(let connector):
      if let factory = try BuiltinConnectors.source(
        connector, schema: source.schema, badRecords: source.badRecords, uid: typed.node.stableName,
        codecs: code.codecs, log: log)
      {
        return Endpoint(
          label: factory.label, maximumParallelism: factory.maximumParallelism, defaultParallelism: nil,
          make: .source { place throws(Failure) in try factory.make(place.subtask) }, files: factory.files)
      }
      try checkConnector(connector.name, code)
      return Endpoint(
        label: connector.name, maximumParallelism: nil, defaultParallelism: 1,
        make: .source { place throws(Failure) in
          try code.makeSource(connector, schema: schema, at: place)
        })
    }
  }

  private static func sink(
    _ sink: Plan.Sink, _ typed: TypedNode, _ code: any UserCode, _ log: EventLog?
  ) throws(Failure) -> Endpoint {
    let schema = typed.inputs[0].schema
    switch sink.implementation {
    case .function(let function):
      return Endpoint(
        label: function, maximumParallelism: nil, defaultParallelism: 1,
        make: .sink { place throws(Failure) in
          try code.makeSink(function, schema: schema, at: place)
        })
    case .connector(let connector):
      if let factory = try BuiltinConnectors.sink(
        connector, schema: schema, uid: typed.node.stableName, codecs: code.codecs, log: log)
      {
        return Endpoint(
          label: factory.label, maximumParallelism: factory.maximumParallelism, defaultParallelism: nil,
          make: .sink { place throws(Failure) in try factory.make(place.subtask) }, files: factory.files)
      }
      try checkConnector(connector.name, code)
      return Endpoint(
        label: connector.name, maximumParallelism: nil, defaultParallelism: 1,
        make: .sink { place throws(Failure) in
          try code.makeSink(connector, schema: schema, at: place)
        })
    }
  }

  private static func checkConnector(_ name: String, _ code: any UserCode) throws(Failure) {
    let known = BuiltinConnectors.names + code.connectorNames
    guard code.connectorNames.contains(name) else {
      let hint =
        nearestName(to: name, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(known.joined(separator: ", "))."
      throw Failure(
        .usage, "there is no connector '\(name)'; \(hint) A connector of another plugin is loaded with --connector PATH"
      )
    }
  }
}
