import Base
import CPlatform
import CVolley
import Glibc
import Synchronization
import VolleyPlan

/// A plugin in this process: its file, judged and loaded, and what it offers.
///
/// A plugin is never unloaded: arrays, threads and tables of its code may outlive every user of it.
public final class Plugin: Sendable {
  /// The one symbol that a plugin exports.
  public static let rootSymbol = "volley_plugin_root"

  public let name: String
  public let version: String
  public let description: String?
  /// Absolute, without links.
  public let path: String
  public let note: PluginNote
  public let pipelines: [PluginPipeline]
  public let connectors: [PluginConnector]
  public let codecs: [PluginCodec]

  /// What is loaded, by path.
  private static let loaded = Mutex<[String: Plugin]>([:])

  /// Loads the plugin at `path`; a second time, gives the same one.
  ///
  /// - Throws: `.noInput` when there is no file, `.plugin` when it cannot be used.
  public static func load(path: String) throws(Failure) -> Plugin {
    let file = try PluginFile.inspect(path)
    // The lock is held while the plugin's initialisers and its root run: two threads load one plugin once.
    return try loaded.withLock { loaded throws(Failure) in
      if let plugin = loaded[file.path] { return plugin }
      let plugin = try Plugin(file)
      loaded[plugin.path] = plugin
      return plugin
    }
  }

  private init(_ file: PluginFile) throws(Failure) {
    let label = "plugin '\(file.path)'"
    let (root, code) = try Self.callRoot(of: file)
    let table = try PluginTable(root, name: "volley_plugin", owner: label)
    let name = try table.name(\.name, "name", volley_plugin_has_name)
    self.name = name
    version = try table.name(\.version, "version", volley_plugin_has_version)
    description = try table.text(\.description, "description", volley_plugin_has_description)
    path = file.path
    // Its threads are known by their code.
    platform_note_code(name, code)
    note = file.note
    try table.require(\.pipeline, "pipeline", volley_plugin_has_pipeline)
    try table.require(\.connector, "connector", volley_plugin_has_connector)
    let scope = PluginScope(name: name)
    let (pipeline, connector) = (root.pointee.pipeline, root.pointee.connector)
    let pipelineSite = CallSite(plugin: name, function: name, slot: "pipeline")
    pipelines = try scope.enumerate("pipeline") { index in pipelineSite.run { pipeline?(index) } }
      .map { pointer throws(Failure) in try PluginPipeline(pointer, scope) }
    let connectorSite = CallSite(plugin: name, function: name, slot: "connector")
    connectors = try scope.enumerate("connector") { index in connectorSite.run { connector?(index) } }
      .map { pointer throws(Failure) in try PluginConnector(pointer, scope) }
    codecs = try Self.codecs(root, scope)
    try Self.checkNames(pipelines.map(\.name), "pipelines", scope)
    try Self.checkNames(connectors.map(\.name), "connectors", scope)
    try Self.checkNames(codecs.map(\.name), "codecs", scope)
    if pipelines.isEmpty && connectors.isEmpty && codecs.isEmpty {
      throw Failure(.plugin, "\(scope.label) offers no pipeline, no connector and no codec; export at least one")
    }
  }

  /// Plugins of ABI 0.1 have no slot for codecs, and later ones may leave it empty.
  private static func codecs(_ root: UnsafePointer<volley_plugin>, _ scope: PluginScope) throws(Failure)
    -> [PluginCodec]
  {
    guard volley_plugin_has_codec(root) != 0 else { return [] }
    let codec = root.pointee.codec
    let site = CallSite(plugin: scope.name, function: scope.name, slot: "codec")
    return try scope.enumerate("codec") { index in site.run { codec?(index) } }
      .map { pointer throws(Failure) in try PluginCodec(pointer, scope) }
  }

  /// Brings the code in and asks it for its root table. Initialisers run here.
  ///
  /// - Returns: the table, and an address in the plugin's code.
  private static func callRoot(
    of file: PluginFile
  ) throws(Failure) -> (table: UnsafePointer<volley_plugin>, code: UnsafeRawPointer) {
    let loading = CallSite(plugin: file.path, function: file.path, slot: "dlopen")
    guard let handle = loading.run({ dlopen(file.path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }) else {
      let reason = dlerror().map { String(cString: $0) } ?? "no reason was given"
      throw Failure(
        .plugin, "plugin '\(file.path)' could not be loaded: \(reason); link it with '-z defs' to find what is missing")
    }
    guard let symbol = dlsym(handle, rootSymbol) else {
      throw Failure(.plugin, "plugin '\(file.path)' exports no function '\(rootSymbol)', where a host begins")
    }
    // The symbol's type is fixed by the header for all versions.
    let root = unsafeBitCast(symbol, to: (@convention(c) () -> UnsafePointer<volley_plugin>?).self)
    let site = CallSite(plugin: file.path, function: file.path, slot: rootSymbol)
    guard let table = site.run({ root() }) else {
      throw Failure(.plugin, "plugin '\(file.path)' returned NULL from '\(rootSymbol)'; return its root table")
    }
    return (table, UnsafeRawPointer(symbol))
  }

  private static func checkNames(_ names: [String], _ what: String, _ scope: PluginScope) throws(Failure) {
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw Failure(.plugin, "\(scope.label) offers two \(what) named '\(name)'; rename one")
    }
  }

  /// The pipeline of that name; without a name the only one.
  public func pipeline(named name: String?) throws(Failure) -> PluginPipeline {
    let names = pipelines.map { "'\($0.name)'" }.joined(separator: ", ")
    guard let first = pipelines.first else {
      let (what, flag) = connectors.isEmpty ? ("codecs", "codec") : ("connectors", "connector")
      throw Failure(.usage, "plugin '\(self.name)' offers no pipeline, only \(what); load it with --\(flag)")
    }
    guard let name else {
      guard pipelines.count == 1 else {
        throw Failure(.usage, "plugin '\(self.name)' offers the pipelines \(names); choose one with --pipeline")
      }
      return first
    }
    if let pipeline = pipelines.first(where: { $0.name == name }) { return pipeline }
    let nearest = nearestName(to: name, among: pipelines.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
    throw Failure(.usage, "plugin '\(self.name)' offers no pipeline '\(name)', but \(names)\(nearest)")
  }
}
