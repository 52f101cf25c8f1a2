import VolleyPlan

extension ExecutionGraph {
  /// The graph in Graphviz's language (https://graphviz.org/doc/info/lang.html), a box a task.
  public var dot: String {
    var text = "digraph \(quoted(name)) {\n  rankdir=LR;\n  node [shape=box];\n"
    for (index, task) in tasks.enumerated() {
      text += "  subgraph cluster_\(index) {\n    label=\(quoted("task \(index) ×\(task.parallelism)"));\n"
      for id in task.nodes {
        guard let typed = byID[id] else { continue }
        let lines = [typed.label, endpoints[id]?.label ?? "", summary(of: typed)].filter { !$0.isEmpty }
        text += "    n\(id) [label=\(quoted(lines.joined(separator: "\n")))];\n"
      }
      text += "  }\n"
    }
    for typed in nodes {
      for input in typed.node.inputs {
        let label = (byID[input.node]?.outputs.count ?? 1) > 1 ? " [label=\"output \(input.output)\"]" : ""
        text += "  n\(input.node) -> n\(typed.node.id)\(label);\n"
      }
    }
    return text + "}\n"
  }

  private func quoted(_ text: String) -> String {
    var result = "\""
    for character in text {
      switch character {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
    return result + "\""
  }
}
