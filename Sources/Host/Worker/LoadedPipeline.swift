import Base
import CPlatform
import Connectors
import Observability
import PluginLoading
import VolleyPlan

/// The plugins that a command line names, and the plan of its pipeline with its parameters.
struct LoadedPipeline {
  let plugin: Plugin
  /// Those named for their connectors, then those for their codecs, in the order of the command line.
  let others: [Plugin]
  let plan: Plan
  /// The code that the plan names.
  let code: PluginSet

  /// - Parameter log: takes what is loaded, and what plugins have to say.
  init(_ options: PipelineOptions, log: EventLog) throws(Failure) {
    let plugin = try Self.load(options.plugin, log: log)
    try self.init(plugin, try Self.loadOthers(options, log: log), options, log: log)
  }

  init(_ plugin: Plugin, _ others: [Plugin], _ options: PipelineOptions, log: EventLog) throws(Failure) {
    let pipeline = try plugin.pipeline(named: options.pipeline)
    let built = try pipeline.plan(values: try pipeline.values(options.parameters))
    self.plugin = plugin
    self.others = others
    plan = built.plan
    code = try PluginSet(
      pipeline: built, of: plugin, others: others, reservedNames: BuiltinConnectors.names,
      listener: { event in
        log.log(
          event.level.logLevel, "plugin.log", event.text,
          [
            "plugin": .string(event.plugin), "function": .string(event.function), "uid": .string(event.uid),
            "subtask": .int(event.subtask),
          ])
      })
  }

  /// The plugins that bring connectors and codecs. A plugin may bring both, whichever flag names it.
  ///
  /// - Throws: `usage` for one that does not bring what its flag says.
  static func loadOthers(_ options: PipelineOptions, log: EventLog) throws(Failure) -> [Plugin] {
    var others: [Plugin] = []
    for path in options.connectors {
      let plugin = try load(path, log: log)
      if plugin.connectors.isEmpty { throw plugin.lacks("connector", unless: plugin.codecs.isEmpty ? nil : "codec") }
      others.append(plugin)
    }
    for path in options.codecs {
      let plugin = try load(path, log: log)
      if plugin.codecs.isEmpty { throw plugin.lacks("codec", unless: plugin.connectors.isEmpty ? nil : "connector") }
      others.append(plugin)
    }
    return others
  }

  static func load(_ path: String, log: EventLog) throws(Failure) -> Plugin {
    let plugin = try Plugin.load(path: path)
    platform_note_plugin(plugin.name, plugin.path)
    log.info(
      "plugin.loaded", "plugin '\(plugin.name)' \(plugin.version) (\(plugin.note.builtWith)) from \(plugin.path)",
      [
        "plugin": .string(plugin.name), "version": .string(plugin.version), "path": .string(plugin.path),
        "sdk": .string(plugin.note.sdkVersion), "compiler": .string(plugin.note.compiler),
        "abi": .string("\(plugin.note.abiMajor).\(plugin.note.abiMinor)"),
      ])
    return plugin
  }
}

extension Plugin {
  /// - Parameter other: what it does bring, by the name of the flag.
  fileprivate func lacks(_ what: String, unless other: String?) -> Failure {
    let remedy =
      other.map { "only \($0)s; load it with --\($0)" } ?? "only pipelines; give --\(what) a plugin that does"
    return Failure(.usage, "plugin '\(name)' (\(path)) brings no \(what), \(remedy)")
  }
}

extension PluginPipeline {
  /// What `--set` gives, in the types of the declared parameters. A name that is none is left as text: the pipeline refuses it
  /// with the names that it knows.
  func values(_ assignments: [Assignment]) throws(Failure) -> JSONValue {
    var members: [JSONValue.Member] = []
    for assignment in assignments {
      guard let parameter = parameters.first(where: { $0.name == assignment.name }) else {
        members.append(.init(assignment.name, .string(assignment.value)))
        continue
      }
      members.append(.init(assignment.name, try parameter.value(fromText: assignment.value)))
    }
    return .object(members)
  }
}

extension PluginEvent.Level {
  fileprivate var logLevel: LogLevel {
    switch self {
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }
}
