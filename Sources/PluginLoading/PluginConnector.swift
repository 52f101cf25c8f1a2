import Base
import CVolley
import VolleyPlan

/// A connector that a plugin offers: a source, a sink or both, for the pipelines of other plugins.
public final class PluginConnector: @unchecked Sendable {  // The table never changes; calls take a lock.
  public let name: String
  public let version: String
  public let description: String?
  public let options: [PluginParameter]
  public let isSource: Bool
  public let isSink: Bool
  /// The plugin's name.
  public var pluginName: String { scope.name }

  let scope: PluginScope
  private let table: UnsafePointer<volley_connector>

  init(_ pointer: UnsafePointer<volley_connector>, _ scope: PluginScope) throws(Failure) {
    let entry = try PluginEntry(
      pointer, scope, table: "volley_connector", noun: "connector", name: (\.name, volley_connector_has_name),
      version: (\.version, volley_connector_has_version), description: (\.description, volley_connector_has_description)
    )
    self.scope = scope
    self.table = pointer
    (name, version, description) = (entry.name, entry.version, entry.description)
    try entry.table.require(\.option, "option", volley_connector_has_option)
    try entry.table.require(\.create, "create", volley_connector_has_create)
    let kinds = volley_connector_has_kinds(pointer) != 0 ? pointer.pointee.kinds : 0
    isSource = kinds & VOLLEY_CONNECTOR_SOURCE != 0
    isSink = kinds & VOLLEY_CONNECTOR_SINK != 0
    guard isSource || isSink else {
      throw Failure(.plugin, "\(entry.table.owner) is neither a source nor a sink; set 'kinds' of its table")
    }
    options = try entry.declared("option") { index in pointer.pointee.option(pointer, index) }
  }

  /// Makes an instance; `request.options` have been checked.
  func makeInstance(_ request: InstanceRequest) throws(Failure) -> PluginInstance {
    let table = table
    return try PluginInstance(request, scope: scope, parameters: ParameterTexts([]), owner: self) {
      host, place, instance, error in
      table.pointee.create(table, host, request.kind.rawValue, place, instance, error)
    }
  }
}
