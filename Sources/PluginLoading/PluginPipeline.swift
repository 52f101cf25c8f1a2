import Base
import CVolley
import VolleyPlan

/// A pipeline that a plugin offers.
public final class PluginPipeline: @unchecked Sendable {  // The table never changes; calls take a lock.
  public let name: String
  public let version: String
  public let description: String?
  public let parameters: [PluginParameter]
  /// The plugin's name.
  public var pluginName: String { scope.name }

  let scope: PluginScope
  private let table: UnsafePointer<volley_pipeline>

  init(_ pointer: UnsafePointer<volley_pipeline>, _ scope: PluginScope) throws(Failure) {
    let entry = try PluginEntry(
      pointer, scope, table: "volley_pipeline", noun: "pipeline", name: (\.name, volley_pipeline_has_name),
      version: (\.version, volley_pipeline_has_version), description: (\.description, volley_pipeline_has_description))
    self.scope = scope
    self.table = pointer
    (name, version, description) = (entry.name, entry.version, entry.description)
    try entry.table.require(\.parameter, "parameter", volley_pipeline_has_parameter)
    try entry.table.require(\.plan, "plan", volley_pipeline_has_plan)
    parameters = try entry.declared("parameter") { index in pointer.pointee.parameter(pointer, index) }
  }

  /// "plugin 'shop': pipeline 'revenue'".
  var label: String { "\(scope.label): pipeline '\(name)'" }

  /// Builds the pipeline's plan.
  ///
  /// - Parameter values: an object, parameter name to value; what is absent keeps its default.
  public func plan(values: JSONValue = .object([])) throws(Failure) -> BuiltPipeline {
    let resolved = try parameters.resolve(values, of: "pipeline '\(name)'", as: .parameter)
    let text = JSONValue.object(resolved.map { JSONValue.Member($0.name, $0.value) }).text
    let plan = UnsafeMutablePointer<volley_plan>.allocate(capacity: 1)
    plan.initialize(to: volley_plan())
    plan.pointee.header = .of(volley_plan.self)
    let error = ErrorSlot()
    let site = CallSite(plugin: scope.name, function: name, slot: "plan")
    let status = try scope.control { () throws(Failure) -> Int32 in
      text.utf8.withContiguousStorageIfAvailable { bytes in
        bytes.withMemoryRebound(to: CChar.self) { bytes in
          site.run { table.pointee.plan(table, bytes.baseAddress, UInt64(bytes.count), plan, error.pointer) }
        }
      } ?? VOLLEY_FAILED
    }
    guard status == VOLLEY_OK else {
      plan.deallocate()
      throw error.failure(status, place: label, slot: "plan", userKind: .usage)
    }
    return try BuiltPipeline(plan, pipeline: self, values: resolved)
  }
}

extension volley_header {
  /// The header of a struct that this host makes.
  static func of<Table>(_: Table.Type) -> volley_header {
    volley_header(
      size: UInt32(MemoryLayout<Table>.size), major: UInt16(VOLLEY_ABI_MAJOR), minor: UInt16(VOLLEY_ABI_MINOR))
  }
}

extension PluginScope {
  /// Declared parameters or options, with distinct names.
  func parameters(
    _ slot: String, of owner: String, _ entry: (UInt32) -> UnsafePointer<volley_parameter>?
  ) throws(Failure) -> [PluginParameter] {
    var parameters: [PluginParameter] = []
    for pointer in try enumerate(slot, entry) {
      let parameter = try PluginParameter(pointer, of: owner)
      if parameters.contains(where: { $0.name == parameter.name }) {
        throw Failure(.plugin, "\(owner) declares '\(parameter.name)' twice; rename one")
      }
      parameters.append(parameter)
    }
    return parameters
  }
}
