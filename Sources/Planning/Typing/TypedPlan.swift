import Arrow
import Base
import VolleyPlan

/// A plan with every name resolved and every type known, and without columns that nobody reads.
struct TypedPlan {
  /// In topological order.
  let nodes: [TypedNode]

  init(_ plan: Plan) throws(Failure) {
    let structure = try PlanStructure(plan)
    var typed: [TypedNode] = []
    var byID: [Int: TypedNode] = [:]
    for node in structure.nodes {
      var inputs: [TypedStream] = []
      for input in node.inputs {
        guard let producer = byID[input.node] else { preconditionFailure("nodes are typed after their inputs") }
        inputs.append(producer.outputs[input.output])
      }
      let planned = node.operator.planned
      let outputs: [TypedStream]
      do { outputs = try planned.typed(inputs) } catch { throw error.within(node.placeName) }
      let result = TypedNode(
        node: node, inputs: inputs, outputs: outputs, wholeInputs: inputs, planned: planned)
      typed.append(result)
      byID[node.id] = result
    }
    try typed.checkVersions()
    nodes = try typed.narrowed()
  }
}
