import PluginLoading
import VolleyPlan

/// A plugin's metadata, for people and for programs.
struct PluginDescription {
  let plugin: Plugin
  /// The pipeline to show; nil: all.
  let chosen: String?

  private var pipelines: [PluginPipeline] { plugin.pipelines.filter { chosen == nil || $0.name == chosen } }

  var text: String {
    let note = plugin.note
    var lines = ["plugin    \(plugin.name) \(plugin.version)"]
    if let description = plugin.description { lines.append("          \(description)") }
    lines += [
      "path      \(plugin.path)",
      "ABI       \(note.abiMajor).\(note.abiMinor), runs in hosts from \(note.abiMajor).\(note.hostMinorMinimum)",
      "SDK       \(note.sdkVersion.isEmpty ? "none" : note.sdkVersion)",
      "compiler  \(note.compiler.isEmpty ? "unknown" : note.compiler)",
    ]
    for pipeline in pipelines {
      lines += ["", "pipeline \(pipeline.name) \(pipeline.version)"]
      if let description = pipeline.description { lines.append("  \(description)") }
      lines += Self.table(pipeline.parameters, title: "parameters")
    }
    for connector in plugin.connectors {
      lines += [
        "", "connector \(connector.name) \(connector.version): \(Self.kinds(connector).joined(separator: " and "))",
      ]
      if let description = connector.description { lines.append("  \(description)") }
      lines += Self.table(connector.options, title: "options")
    }
    for codec in plugin.codecs {
      lines += ["", "codec \(codec.name) \(codec.version): \(Self.uses(codec))"]
      if let description = codec.description { lines.append("  \(description)") }
      lines += Self.table(codec.options, title: "options")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// - Parameters:
  ///   - plan: as the plugin gave it.
  ///   - graph: what it runs as.
  ///   - delivery: what its rows get.
  ///   - replay: the operators for which an epoch that is run again may give other rows.
  func json(
    plan: JSONValue?, graph: JSONValue?, delivery: JSONValue? = nil, replay: JSONValue? = nil
  ) -> JSONValue {
    let note = plugin.note
    return .object([
      .init("name", .string(plugin.name)), .init("version", .string(plugin.version)),
      .init("description", Self.text(plugin.description)), .init("path", .string(plugin.path)),
      .init("abi", .string("\(note.abiMajor).\(note.abiMinor)")),
      .init("host_abi_minimum", .string("\(note.abiMajor).\(note.hostMinorMinimum)")),
      .init("sdk", .string(note.sdkVersion)), .init("compiler", .string(note.compiler)),
      .init(
        "pipelines",
        .array(
          pipelines.map { pipeline in
            .object([
              .init("name", .string(pipeline.name)), .init("version", .string(pipeline.version)),
              .init("description", Self.text(pipeline.description)),
              .init("parameters", .array(pipeline.parameters.map(Self.json))),
            ])
          })),
      .init(
        "connectors",
        .array(
          plugin.connectors.map { connector in
            .object([
              .init("name", .string(connector.name)), .init("version", .string(connector.version)),
              .init("description", Self.text(connector.description)),
              .init("kinds", .array(Self.kinds(connector).map(JSONValue.string))),
              .init("options", .array(connector.options.map(Self.json))),
            ])
          })),
      .init(
        "codecs",
        .array(
          plugin.codecs.map { codec in
            .object([
              .init("name", .string(codec.name)), .init("version", .string(codec.version)),
              .init("description", Self.text(codec.description)), .init("suffix", Self.text(codec.suffix)),
              .init("arrow_id", codec.arrowID.map { .int(Int64($0)) } ?? .null),
              .init("options", .array(codec.options.map(Self.json))),
            ])
          })),
      .init("plan", plan ?? .null), .init("graph", graph ?? .null), .init("delivery", delivery ?? .null),
      .init("replay_objections", replay ?? .null),
    ])
  }

  private static func json(_ parameter: PluginParameter) -> JSONValue {
    .object([
      .init("name", .string(parameter.name)), .init("type", .string(parameter.kind.rawValue)),
      .init("required", .bool(parameter.defaultValue == nil)), .init("default", parameter.defaultValue ?? .null),
      .init("description", text(parameter.description)),
    ])
  }

  private static func table(_ parameters: [PluginParameter], title: String) -> [String] {
    if parameters.isEmpty { return ["  no \(title)"] }
    let rows = parameters.map { parameter in
      [
        parameter.name, parameter.kind.rawValue,
        parameter.defaultValue.map { $0 == .null ? "optional" : "default \($0.text)" } ?? "required",
        parameter.description ?? "",
      ]
    }
    let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return ["  \(title)"]
      + rows.map { row in
        let cells = zip(row, widths).map { padded($0, to: $1) }.joined(separator: "  ")
        return "    " + cells.prefix(cells.count - cells.reversed().prefix { $0 == " " }.count)
      }
  }

  private static func kinds(_ connector: PluginConnector) -> [String] {
    (connector.isSource ? ["source"] : []) + (connector.isSink ? ["sink"] : [])
  }

  /// "files '.gz' and Arrow buffers".
  private static func uses(_ codec: PluginCodec) -> String {
    let uses =
      [codec.suffix.map { "files '\($0)'" }, codec.arrowID.map { _ in "Arrow buffers" }].compactMap { $0 }
    return uses.isEmpty ? "files by option" : uses.joined(separator: " and ")
  }

  private static func text(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
}
