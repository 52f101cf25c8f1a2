import Base
import VolleyPlan

extension Plan {
  /// The plan with the source of that uid reading a JSON-lines file instead, in the same schema: how a pipeline's own tests
  /// feed it rows.
  public func replacingSource(uid: String, withJSONLines path: String) throws(Failure) -> Plan {
    try replacing(uid, kind: "source") { operation in
      guard case .source(var source) = operation else { return nil }
      source.implementation = Self.jsonLines(path)
      return .source(source)
    }
  }

  /// The plan with the sink of that uid writing a JSON-lines file instead.
  public func replacingSink(uid: String, withJSONLines path: String) throws(Failure) -> Plan {
    try replacing(uid, kind: "sink") { operation in
      guard case .sink(var sink) = operation else { return nil }
      sink.implementation = Self.jsonLines(path)
      return .sink(sink)
    }
  }

  static func jsonLines(_ path: String) -> Implementation {
    .connector(Connector(name: "jsonlines", options: .object([.init("path", .string(path))])))
  }

  private func replacing(
    _ uid: String, kind: String, _ replace: (Operator) -> Operator?
  ) throws(Failure) -> Plan {
    var plan = self
    var known: [String] = []
    for index in plan.nodes.indices {
      guard let replaced = replace(plan.nodes[index].operator) else { continue }
      if let own = plan.nodes[index].uid { known.append(own) }
      guard plan.nodes[index].uid == uid else { continue }
      plan.nodes[index].operator = replaced
      // A file is written by one subtask.
      if kind == "sink" { plan.nodes[index].parallelism = 1 }
      return plan
    }
    throw Failure(
      .usage,
      "the pipeline '\(name)' has no \(kind) with the uid '\(uid)'; it has "
        + (known.isEmpty ? "none" : known.map { "'\($0)'" }.joined(separator: ", ")))
  }
}
