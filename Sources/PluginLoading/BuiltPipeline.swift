import Arrow
import Base
import CVolley
import VolleyPlan

/// A pipeline built with one set of parameters: its plan, and the user code that the plan names.
///
/// Instances of that code keep it alive; when the last one is gone the plugin may free the plan.
public final class BuiltPipeline: @unchecked Sendable {  // The struct is written once; calls take the plugin's lock.
  public let plan: Plan
  public let pipeline: PluginPipeline
  /// Each parameter's value, the default where none was given.
  public let values: JSONValue
  private let pointer: UnsafeMutablePointer<volley_plan>
  let parameterTexts: ParameterTexts
  /// Bytes that a plan may have.
  static let planLimit: UInt64 = 64 << 20

  /// Takes over a struct that the pipeline's `plan` filled in.
  init(
    _ pointer: UnsafeMutablePointer<volley_plan>, pipeline: PluginPipeline, values: [(name: String, value: JSONValue)]
  ) throws(Failure) {
    self.pointer = pointer
    self.pipeline = pipeline
    self.values = .object(values.map { JSONValue.Member($0.name, $0.value) })
    parameterTexts = ParameterTexts(values)
    do {
      plan = try Self.read(pointer, of: pipeline)
    } catch {
      // Nobody has seen the plan, so nothing of it is in use.
      Self.release(pointer, pipeline)
      throw error
    }
  }

  deinit { Self.release(pointer, pipeline) }

  private static func read(
    _ pointer: UnsafeMutablePointer<volley_plan>, of pipeline: PluginPipeline
  ) throws(Failure) -> Plan {
    let table = try PluginTable(UnsafePointer(pointer), name: "volley_plan", owner: pipeline.label)
    try table.require(\.json, "json", volley_plan_has_json)
    try table.require(\.create, "create", volley_plan_has_create)
    try table.require(\.release, "release", volley_plan_has_release)
    let length = pointer.pointee.json_length
    guard length <= planLimit, let json = pointer.pointee.json else {
      throw Failure(
        .plugin, "\(pipeline.label) gave a plan of \(length) bytes, at most \(planLimit) are read; build a smaller plan"
      )
    }
    do {
      return try PlanJSON.decode(UnsafeRawBufferPointer(start: json, count: Int(length)))
    } catch {
      throw Failure(.plugin, "\(pipeline.label) gave a plan that this host cannot read: \(error.message)")
    }
  }

  private static func release(_ pointer: UnsafeMutablePointer<volley_plan>, _ pipeline: PluginPipeline) {
    if volley_plan_has_release(pointer) != 0 {
      let site = CallSite(plugin: pipeline.scope.name, function: pipeline.name, slot: "release")
      pipeline.scope.withControl { site.run { pointer.pointee.release(pointer) } }
    }
    pointer.deallocate()
  }

  /// Makes an instance of the user code that the plan calls `function`.
  func makeInstance(_ request: InstanceRequest) throws(Failure) -> PluginInstance {
    let pointer = pointer
    return try PluginInstance(request, scope: pipeline.scope, parameters: parameterTexts, owner: self) {
      host, place, instance, error in
      pointer.pointee.create(pointer, host, request.kind.rawValue, place, instance, error)
    }
  }
}
