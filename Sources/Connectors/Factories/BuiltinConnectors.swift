import Arrow
import Base
import Dataflow
import Observability
import VolleyPlan

/// The connectors that need no plugin.
public enum BuiltinConnectors {
  public static let sourceNames = [
    "csv", "jsonlines", "lines", "arrow", "arrowstream", "stdin", "flight", "flight-listen", "generator",
  ]
  public static let sinkNames = [
    "csv", "jsonlines", "arrow", "arrowstream", "stdout", "console", "flight", "flight-serve", "blackhole",
  ]

  /// All names, of sources and sinks.
  public static let names = [
    "csv", "jsonlines", "lines", "arrow", "arrowstream", "stdin", "flight", "flight-listen", "generator",
    "stdout", "console", "flight-serve", "blackhole",
  ]

  /// A source's factory; nil when no built-in source has that name. Touches no file.
  ///
  /// - Parameters:
  ///   - codecs: for compressed files.
  ///   - log: where instances tell of bad records and of columns that they skip.
  /// - Throws: `usage`: an option that is unknown, missing or of the wrong type, a schema that the connector cannot fill.
  public static func source(
    _ connector: Plan.Connector, schema: [Field], badRecords: Plan.BadRecords, uid: String, codecs: CodecSet = .none,
    log: EventLog? = nil
  ) throws(Failure) -> SourceFactory? {
    guard sourceNames.contains(connector.name) else { return nil }
    var options = try ConnectorOptions(connector, role: "source", uid: uid)
    try checkColumns(schema, options.place)
    let schema = Schema(schema)
    let label = "\(connector.name) \(uid)"
    let factory =
      switch connector.name {
      case "generator": try generator(&options, schema, label)
      case "flight": try flight(&options, schema, label, uid, codecs, log)
      case "flight-listen": try flightListen(&options, schema, label, uid, codecs, log)
      case "stdin": try standardInput(&options, schema, badRecords, label, uid, codecs, log)
      case "arrow", "arrowstream": try arrowFiles(connector.name, &options, schema, label, uid, codecs, log)
      default: try files(connector.name, &options, schema, badRecords, label, uid, codecs, log)
      }
    try options.refuseOthers()
    return factory
  }

  /// A sink's factory; nil when no built-in sink has that name. Touches no file.
  ///
  /// - Parameters:
  ///   - codecs: for compressed files.
  ///   - pipeline: its name, by which a server that keeps epochs knows it.
  ///   - log: where a blackhole tells its checksum.
  /// - Throws: `usage`: an option that is unknown, missing or of the wrong type.
  public static func sink(
    _ connector: Plan.Connector, schema: Schema, uid: String, codecs: CodecSet = .none, pipeline: String = "",
    log: EventLog? = nil
  ) throws(Failure) -> SinkFactory? {
    guard sinkNames.contains(connector.name) else { return nil }
    var options = try ConnectorOptions(connector, role: "sink", uid: uid)
    try checkColumns(schema.fields, options.place)
    let label = "\(connector.name) \(uid)"
    let factory =
      switch connector.name {
      case "blackhole": blackhole(label, uid, log)
      case "console": try console(options, schema, uid, label)
      case "flight": try flightSink(&options, schema, label, uid, pipeline, log)
      case "flight-serve": try flightServe(&options, schema, label, uid, log)
      case "stdout": try standardOutput(&options, schema, label, uid, codecs)
      default: try fileSink(connector.name, &options, schema, label, uid, codecs)
      }
    try options.refuseOthers()
    return factory
  }

  private static func checkColumns(_ fields: [Field], _ place: String) throws(Failure) {
    guard !fields.isEmpty else { throw Failure(.usage, "\(place): the schema has no columns, expected at least one") }
    var names: Set<String> = []
    for field in fields where !names.insert(field.name).inserted {
      throw Failure(.usage, "\(place): the schema has column '\(field.name)' twice; rename one")
    }
  }

  /// Refuses types that a format has no form for.
  ///
  /// - Parameters:
  ///   - isRead: whether columns are filled, rather than written.
  ///   - nests: whether the format has a form for lists, structs and maps.
  static func checkTypes(_ fields: [Field], isRead: Bool, nests: Bool, _ place: String) throws(Failure) {
    for field in fields {
      let reason = isRead ? ValueBuilder.refusal(field.type) : ValueWriter.refusal(field.type)
      if let reason {
        throw Failure(.usage, "\(place): the column '\(field.name)' is \(field.type), which \(reason)")
      }
      if !nests, ValueBuilder.isNested(field.type) {
        throw Failure(
          .usage,
          "\(place): the column '\(field.name)' is \(field.type), and csv has no form for it; use jsonlines or take its parts"
        )
      }
    }
  }
}
