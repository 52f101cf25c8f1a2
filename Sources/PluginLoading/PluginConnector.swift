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
    let table = try PluginTable(pointer, name: "volley_connector", owner: scope.label)
    self.scope = scope
    self.table = pointer
    name = try table.name(\.name, "name", volley_connector_has_name)
    let named = try PluginTable(pointer, name: "volley_connector", owner: "\(scope.label): connector '\(name)'")
    version = try named.name(\.version, "version", volley_connector_has_version)
    description = try named.text(\.description, "description", volley_connector_has_description)
    try named.require(\.option, "option", volley_connector_has_option)
    try named.require(\.create, "create", volley_connector_has_create)
    let kinds = volley_connector_has_kinds(pointer) != 0 ? pointer.pointee.kinds : 0
    isSource = kinds & VOLLEY_CONNECTOR_SOURCE != 0
    isSink = kinds & VOLLEY_CONNECTOR_SINK != 0
    guard isSource || isSink else {
      throw Failure(.plugin, "\(named.owner) is neither a source nor a sink; set 'kinds' of its table")
    }
    let site = CallSite(plugin: scope.name, function: name, slot: "option")
    options = try scope.parameters("option", of: named.owner) { index in
      site.run { pointer.pointee.option(pointer, index) }
    }
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
