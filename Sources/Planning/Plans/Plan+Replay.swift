import VolleyPlan

extension Plan {
  /// The plan with every sink writing a JSON-lines file instead, and every source its bad records, and nothing else outside.
  ///
  /// - Parameters:
  ///   - sink: the path of a sink's file, by its uid, or a name made from its place in the plan.
  ///   - badRecords: the path of a source's file of bad records, by the same.
  public func writingLocally(sink: (String) -> String, badRecords: (String) -> String) -> Plan {
    var plan = self
    for index in plan.nodes.indices {
      let name = plan.nodes[index].stableName
      switch plan.nodes[index].operator {
      case .sink(var own):
        own.implementation = Self.jsonLines(sink(name))
        plan.nodes[index].operator = .sink(own)
        // A file is written by one subtask.
        plan.nodes[index].parallelism = 1
      case .source(var own):
        if case .deadLetter = own.badRecords { own.badRecords = .deadLetter(path: badRecords(name)) }
        plan.nodes[index].operator = .source(own)
      default: break
      }
    }
    return plan
  }

  /// The names of the sinks, as `writingLocally` is told them.
  public var sinkNames: [String] {
    nodes.compactMap { node in if case .sink = node.operator { node.stableName } else { nil } }
  }
}
