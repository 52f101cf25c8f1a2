import Arrow
import Base
import Connectors
import Observability
import VolleyPlan

extension Plan {
  /// The plan with the schemas of sources that declare none, as their files have them; and which those are.
  ///
  /// - Throws: as `BuiltinConnectors.inferSchema`.
  func inferringSchemas(
    _ codecs: CodecSet, _ log: EventLog?
  ) throws(Failure) -> (Plan, [(uid: String, schema: Schema)]) {
    var plan = self
    var inferred: [(uid: String, schema: Schema)] = []
    for index in plan.nodes.indices {
      let node = plan.nodes[index]
      guard case .source(var source) = node.operator, source.schema.isEmpty,
        case .connector(let connector) = source.implementation,
        let fields = try BuiltinConnectors.inferSchema(connector, uid: node.stableName, codecs: codecs)
      else { continue }
      source.schema = fields
      plan.nodes[index].operator = .source(source)
      let schema = Schema(fields)
      inferred.append((node.stableName, schema))
      log?.info(
        "source.schema-inferred", "source '\(node.stableName)' has the columns \(schema), found in its files",
        ["uid": .string(node.stableName), "schema": .string(schema.description)])
    }
    return (plan, inferred)
  }
}
