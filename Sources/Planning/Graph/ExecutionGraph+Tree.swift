import VolleyPlan

extension ExecutionGraph {
  /// The graph as an indented tree, sinks at the root, for a terminal. A node that several read is spelt out once.
  public var tree: String {
    var lines: [String] = []
    var shown: Set<Int> = []
    let read = Set(nodes.flatMap { $0.node.inputs.map(\.node) })
    for root in nodes where !read.contains(root.node.id) {
      append(root, prefix: "", branch: "", to: &lines, &shown)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func append(
    _ typed: TypedNode, prefix: String, branch: String, to lines: inout [String], _ shown: inout Set<Int>
  ) {
    let node = typed.node
    let isNew = shown.insert(node.id).inserted
    lines.append(prefix + branch + line(typed) + (isNew ? "" : " (above)"))
    guard isNew else { return }
    let childPrefix = prefix + (branch.isEmpty ? "" : branch == "└─ " ? "   " : "│  ")
    for (index, input) in node.inputs.enumerated() {
      guard let producer = byID[input.node] else { continue }
      append(producer, prefix: childPrefix, branch: index == node.inputs.count - 1 ? "└─ " : "├─ ", to: &lines, &shown)
    }
  }

  private func line(_ typed: TypedNode) -> String {
    var parts = [typed.label]
    if let endpoint = endpoints[typed.node.id] { parts.append("[\(endpoint.label)]") }
    let summary = summary(of: typed)
    if !summary.isEmpty { parts.append(summary) }
    let task = taskOf[typed.node.id] ?? 0
    return parts.joined(separator: " ") + "  · task \(task) ×\(parallelism(of: typed.node.id))"
  }
}
