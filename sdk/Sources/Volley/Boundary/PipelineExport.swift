import CVolley
import VolleyPlan

/// A pipeline's C table and what stands behind it.
struct PipelineExport {
  let type: any Pipeline.Type
  let plugin: String
  let parameters: [UnsafePointer<volley_parameter>]
  let table: UnsafeMutablePointer<volley_pipeline>

  init(_ type: any Pipeline.Type, plugin: String, version: String) {
    self.type = type
    self.plugin = plugin
    parameters = ParameterList.declared(by: type.init).tables()
    table = permanent(
      volley_pipeline(
        header: .init(size: UInt32(MemoryLayout<volley_pipeline>.size), major: abiMajor, minor: abiMinor),
        name: permanentText(type.name), version: permanentText(type.version ?? version),
        description: permanentText(type.summary),
        parameter: { pipeline, index in
          guard let export = PipelineExport.find(pipeline), Int(index) < export.parameters.count else { return nil }
          return export.parameters[Int(index)]
        },
        plan: { pipeline, values, length, plan, error in
          serve(nil, error) {
            guard let export = PipelineExport.find(pipeline), let plan else {
              throw VolleyError("the host asked for the plan of no pipeline", domain: .internal)
            }
            let built = try BuiltPlan(export.type, values: UnsafeRawBufferPointer(start: values, count: Int(length)))
            built.write(to: plan)
          }
        }))
  }

  private static func find(_ table: UnsafePointer<volley_pipeline>?) -> PipelineExport? {
    Exports.shared.content.pipelines.first { UnsafePointer($0.table) == table }
  }
}

/// A plan and the user code that it names, until the host releases it.
final class BuiltPlan {
  let plan: Plan
  private let functions: [String: FunctionCode]
  private let json: [CChar]

  /// Sets the parameters, builds the pipeline and checks what can be checked without the host.
  ///
  /// - Parameter values: a JSON object, parameter name to value; empty text stands for no values.
  init(_ type: any Pipeline.Type, values: UnsafeRawBufferPointer) throws {
    let owner = "pipeline '\(type.name)'"
    let given: JSONValue
    do {
      given = values.isEmpty ? .object([]) : try JSONValue.parse(values)
    } catch {
      throw VolleyError("the parameters of \(owner) are not JSON: \(error.message)")
    }
    let environment = StreamExecutionEnvironment(name: type.name)
    let reads = ParameterReads()
    try ParameterReads.$current.withValue(reads) {
      let pipeline = type.init()
      let parameters = ParameterList(of: pipeline)
      try reads.check(parameters, noun: "parameter", of: owner, readIn: "'build'")
      try parameters.set(given, noun: "parameter", of: owner)
      try pipeline.build(environment)
    }
    try reads.checkRest(of: owner)
    (plan, functions) = try environment.finish()
    json = Array(try PlanJSON.encode(plan).utf8CString)
  }

  func write(to target: UnsafeMutablePointer<volley_plan>) {
    // Freed by `release` together with the plan.
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: json.count)
    text.initialize(from: json, count: json.count)
    target.pointee.json = UnsafePointer(text)
    target.pointee.json_length = UInt64(json.count - 1)
    target.pointee.context = Unmanaged.passRetained(self).toOpaque()
    target.pointee.create = { plan, host, kind, place, instance, error in
      serve(nil, error) {
        guard let plan, let context = plan.pointee.context, let place, let instance else {
          throw VolleyError("the host asked for an instance of nothing", domain: .internal)
        }
        try Unmanaged<BuiltPlan>.fromOpaque(context).takeUnretainedValue().create(host, kind, place, instance)
      }
    }
    target.pointee.release = { plan in
      guard let plan, let context = plan.pointee.context else { return }
      plan.pointee.context = nil
      plan.pointee.json?.deallocate()
      plan.pointee.json = nil
      Unmanaged<BuiltPlan>.fromOpaque(context).release()
    }
  }

  private func create(
    _ host: UnsafePointer<volley_host>?, _ kind: UInt32, _ place: UnsafePointer<volley_context>,
    _ instance: UnsafeMutablePointer<volley_instance>
  ) throws {
    let id = place.pointee.function.map { String(cString: $0) } ?? ""
    guard let function = functions[id] else {
      throw VolleyError("pipeline '\(plan.name)' has no function '\(id)'", domain: .internal)
    }
    let made = try function.make(try TaskContext(host: host, place: place))
    guard made.kind == kind else {
      throw VolleyError(
        "function '\(id)' is of kind \(made.kind), and the host asked for kind \(kind)", domain: .internal)
    }
    made.write(to: instance)
  }
}
