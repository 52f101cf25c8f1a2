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
  /// What its rows get in a job with checkpoints. Of user code an instance is made for the answer.
  let guarantee: () throws(Failure) -> DeliveryGuarantee
  /// How rows that are not exactly-once may become so, a fragment.
  let remedy: String

  /// Nil for a node that is neither source nor sink.
  init?(_ typed: TypedNode, code: any UserCode, pipeline: String, log: EventLog?) throws(Failure) {
    switch typed.node.operator {
    case .source(let source): self = try Self.source(source, typed, code, log)
    case .sink(let sink): self = try Self.sink(sink, typed, code, pipeline, log)
    default: return nil
    }
  }

  private init(
    label: String, maximumParallelism: Int?, defaultParallelism: Int?, make: Make, files: FileUse = FileUse(),
    remedy: String, guarantee: @escaping () throws(Failure) -> DeliveryGuarantee
  ) {
    self.label = label
    self.maximumParallelism = maximumParallelism
    self.defaultParallelism = defaultParallelism
    self.make = make
    self.files = files
    self.remedy = remedy
    self.guarantee = guarantee
  }

  /// User code, whose instances know what they can do.
  ///
  /// - Parameter uid: of the instance that is asked, beside those of the job.
  private init(code label: String, uid: String, make: Make) {
    let place = UserCodePlace(uid: uid, subtask: SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1))
    let remedy =
      switch make {
      case .source: "give its reader positions (ReplayableSourceReader)"
      case .sink: "give its writer transactions (TransactionalSinkWriter)"
      }
    self.init(
      label: label, maximumParallelism: nil, defaultParallelism: 1, make: make, remedy: remedy
    ) { () throws(Failure) in
      switch make {
      case .source(let make):
        try make(place) is any ReplayableSource
          ? .exactlyOnce : .atMostOnce(reason: "it has no positions, and what it gave is not read again")
      case .sink(let make):
        try make(place) is any TransactionalSink
          ? .exactlyOnce : .atLeastOnce(reason: "it has no transactions, and its rows are seen at once")
      }
    }
  }

  private static func source(
    _ source: Plan.Source, _ typed: TypedNode, _ code: any UserCode, _ log: EventLog?
  ) throws(Failure) -> Endpoint {
    let schema = typed.outputs[0].schema
    switch source.implementation {
    case .function(let function):
      return Endpoint(
        code: function, uid: typed.node.stableName,
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
          make: .source { place throws(Failure) in try factory.make(place.subtask) }, files: factory.files,
          remedy: "read files", guarantee: { factory.guarantee })
      }
      try checkConnector(connector.name, code)
      return Endpoint(
        code: connector.name, uid: typed.node.stableName,
        make: .source { place throws(Failure) in
          try code.makeSource(connector, schema: schema, at: place)
        })
    }
  }

  private static func sink(
    _ sink: Plan.Sink, _ typed: TypedNode, _ code: any UserCode, _ pipeline: String, _ log: EventLog?
  ) throws(Failure) -> Endpoint {
    let schema = typed.inputs[0].schema
    switch sink.implementation {
    case .function(let function):
      return Endpoint(
        code: function, uid: typed.node.stableName,
        make: .sink { place throws(Failure) in
          try code.makeSink(function, schema: schema, at: place)
        })
    case .connector(let connector):
      if let factory = try BuiltinConnectors.sink(
        connector, schema: schema, uid: typed.node.stableName, codecs: code.codecs, pipeline: pipeline, log: log)
      {
        return Endpoint(
          label: factory.label, maximumParallelism: factory.maximumParallelism, defaultParallelism: nil,
          make: .sink { place throws(Failure) in try factory.make(place.subtask) }, files: factory.files,
          remedy: "write a file or a folder", guarantee: { factory.guarantee })
      }
      try checkConnector(connector.name, code)
      return Endpoint(
        code: connector.name, uid: typed.node.stableName,
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
