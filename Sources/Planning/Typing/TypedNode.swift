import Arrow
import VolleyPlan

/// A node whose columns are known.
public struct TypedNode {
  public let node: Plan.Node
  /// By input: of the columns that it is given.
  public let inputs: [TypedStream]
  /// By output: of the columns that somebody reads.
  public let outputs: [TypedStream]
  /// By input: of the columns that there would be if all were read.
  let wholeInputs: [TypedStream]

  let planned: any PlannedOperator
}

extension TypedNode {
  /// What a report calls it: "filter", "aggregate revenue".
  var label: String {
    let kind =
      switch node.operator {
      case .batchFunction(let function): function.label
      case .process(let process): process.label
      default: planned.kindName
      }
    return if let uid = node.uid { "\(kind) \(uid)" } else { kind }
  }

  /// What it does, in one line, for `inspect`.
  var summary: String { planned.summary(outputs) }
}
