import Connectors
import Glibc
import VolleyPlan

extension Plan {
  /// Whether the plan itself reads from or writes to a terminal: a status line would stand in the middle of its rows.
  var talksToTerminal: Bool {
    nodes.contains { node in
      switch node.operator {
      case .source(let source): source.implementation.isConnector(in: ["stdin"]) && isatty(STDIN_FILENO) == 1
      case .sink(let sink):
        sink.implementation.isConnector(in: ["stdout", "console"]) && isatty(StandardOutput.descriptor) == 1
      default: false
      }
    }
  }
}

extension Plan.Implementation {
  fileprivate func isConnector(in names: Set<String>) -> Bool {
    if case .connector(let connector) = self { names.contains(connector.name) } else { false }
  }
}
