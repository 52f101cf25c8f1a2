import Base
import CVolley

/// What pipelines, connectors and codecs of a plugin have in common: a table with a name, a version and declared values.
struct PluginEntry<Table> {
  /// A text slot of a table, and the function of volley_slots.h that tells whether it is there.
  typealias TextSlot = (path: KeyPath<Table, UnsafePointer<CChar>?>, has: (UnsafePointer<Table>) -> Int32)

  let name: String
  let version: String
  let description: String?
  let scope: PluginScope
  /// Named in messages by what it is: "plugin 'shop': pipeline 'revenue'".
  let table: PluginTable<Table>

  /// - Parameters:
  ///   - tableName: as in volley.h.
  ///   - noun: what the table describes: "pipeline".
  init(
    _ pointer: UnsafePointer<Table>, _ scope: PluginScope, table tableName: String, noun: String, name: TextSlot,
    version: TextSlot, description: TextSlot
  ) throws(Failure) {
    let unnamed = try PluginTable(pointer, name: tableName, owner: scope.label)
    self.scope = scope
    self.name = try unnamed.name(name.path, "name", name.has)
    table = try PluginTable(pointer, name: tableName, owner: "\(scope.label): \(noun) '\(self.name)'")
    self.version = try table.name(version.path, "version", version.has)
    self.description = try table.text(description.path, "description", description.has)
  }

  /// The parameters or options that the table declares.
  ///
  /// - Parameter slot: the name of the slot that gives them.
  func declared(
    _ slot: String, _ entry: (UInt32) -> UnsafePointer<volley_parameter>?
  ) throws(Failure) -> [PluginParameter] {
    let site = CallSite(plugin: scope.name, function: name, slot: slot)
    return try scope.parameters(slot, of: table.owner) { index in site.run { entry(index) } }
  }
}
