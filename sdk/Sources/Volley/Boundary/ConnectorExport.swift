import CVolley
import VolleyPlan

/// A source, a sink or both, that a plugin offers to the pipelines of other plugins. Conform to `SourceConnector`,
/// `SinkConnector` or both; the `@Parameter`s of the type are the connector's options.
public protocol Connector {
  init()
  /// What a pipeline calls it: `.connector("name", …)`.
  static var name: String { get }
  /// By default the plugin's.
  static var version: String? { get }
  /// One sentence for `volley-host inspect`.
  static var summary: String? { get }
}

extension Connector {
  public static var version: String? { nil }
  public static var summary: String? { nil }
}

public protocol SourceConnector: Connector {
  /// Once a subtask, with the options set. `context.outputs[0]` has the columns that the pipeline declared.
  func makeReader(_ context: TaskContext) throws -> any SourceReader
}

public protocol SinkConnector: Connector {
  /// Once a subtask, with the options set. `context.inputs[0]` has the columns that arrive.
  func makeWriter(_ context: TaskContext) throws -> any SinkWriter
}

/// A connector's C table and what stands behind it.
struct ConnectorExport {
  let type: any Connector.Type
  let options: [UnsafePointer<volley_parameter>]
  let table: UnsafeMutablePointer<volley_connector>

  init(_ type: any Connector.Type, version: String) {
    self.type = type
    options = ParameterList.declared(by: type.init).tables()
    let kinds =
      (type is any SourceConnector.Type ? VOLLEY_CONNECTOR_SOURCE : 0)
      | (type is any SinkConnector.Type ? VOLLEY_CONNECTOR_SINK : 0)
    table = permanent(
      volley_connector(
        header: .init(size: UInt32(MemoryLayout<volley_connector>.size), major: abiMajor, minor: abiMinor),
        name: permanentText(type.name), version: permanentText(type.version ?? version),
        description: permanentText(type.summary), kinds: kinds, reserved: 0,
        option: { connector, index in
          guard let export = ConnectorExport.find(connector), Int(index) < export.options.count else { return nil }
          return export.options[Int(index)]
        },
        create: { connector, host, kind, place, instance, error in
          serve(nil, error) {
            guard let export = ConnectorExport.find(connector), let place, let instance else {
              throw VolleyError("the host asked for an instance of no connector", domain: .internal)
            }
            try export.make(kind, try TaskContext(host: host, place: place)).write(to: instance)
          }
        }))
  }

  private static func find(_ table: UnsafePointer<volley_connector>?) -> ConnectorExport? {
    Exports.shared.content.connectors.first { UnsafePointer($0.table) == table }
  }

  private func make(_ kind: UInt32, _ context: TaskContext) throws -> Instance {
    let owner = "connector '\(type.name)'"
    let reads = ParameterReads()
    let made = try ParameterReads.$current.withValue(reads) {
      let connector = type.init()
      let options = ParameterList(of: connector)
      try reads.check(options, noun: "option", of: owner, readIn: "'makeReader' or 'makeWriter'")
      try options.set(context.options, noun: "option", of: owner)
      return try instance(of: connector, kind, context)
    }
    try reads.checkRest(of: owner)
    return made
  }

  private func instance(of connector: any Connector, _ kind: UInt32, _ context: TaskContext) throws -> Instance {
    switch kind {
    case VOLLEY_KIND_SOURCE:
      guard let connector = connector as? any SourceConnector else {
        throw VolleyError("connector '\(type.name)' is no source")
      }
      return .source(SourceInstance(context, try connector.makeReader(context)))
    case VOLLEY_KIND_SINK:
      guard let connector = connector as? any SinkConnector else {
        throw VolleyError("connector '\(type.name)' is no sink")
      }
      return .sink(SinkInstance(context, try connector.makeWriter(context)))
    default:
      throw VolleyError("a connector is a source or a sink, and the host asked for kind \(kind)", domain: .internal)
    }
  }
}
