import Arrow
import VolleyPlan

extension ExecutionGraph {
  /// What an output of a node gives.
  func stream(_ output: Plan.Input) -> TypedStream {
    guard let node = byID[output.node] else { preconditionFailure("inputs exist") }
    return node.outputs[output.output]
  }

  /// Whether rows on their way to an input of this operator may go to another subtask than the one that has them.
  func travels(to typed: TypedNode, input: Int = 0) -> Bool {
    if inPlace.contains(KeyedInput(node: typed.node.id, index: input)) { return false }
    return parallelism(of: typed.node.inputs[input].node) > 1 || parallelism(of: typed.node.id) > 1
  }

  /// Whether rows are combined by key before they travel to this node.
  func combines(_ typed: TypedNode) -> Bool {
    guard let step = typed.planned as? any PlannedStep else { return false }
    // Rows that revise others are no sums: some are taken back.
    return step.combines && !typed.inputs[0].isChangelog && travels(to: typed)
  }

  /// What a node does, in one line, for `inspect`.
  func summary(of typed: TypedNode) -> String {
    combines(typed) ? "\(typed.summary), combined by key before the exchange" : typed.summary
  }

  /// The labels of a task's operators in a row.
  func taskName(_ task: Task) -> String {
    task.nodes.compactMap { byID[$0]?.label }.joined(separator: " → ")
  }
}
