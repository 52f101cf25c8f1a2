import Base
import VolleyPlan

/// A plan whose wiring is sound: ids and uids are unique, inputs exist, every operator has as many as it takes, there is no
/// cycle, and every row ends in a sink. Types are not looked at here.
struct PlanStructure {
  /// In topological order, and otherwise in the plan's.
  let nodes: [Plan.Node]

  init(_ plan: Plan) throws(Failure) {
    guard !plan.nodes.isEmpty else {
      throw Failure(.usage, "the pipeline '\(plan.name)' is empty: it needs at least a source and a sink")
    }
    let byID = try Self.index(plan.nodes)
    try Self.checkUIDs(plan.nodes)
    for node in plan.nodes { try Self.checkInputs(node, byID) }
    try Self.checkConsumers(plan.nodes)
    nodes = try Self.sort(plan.nodes, byID)
    try Self.checkSides(nodes)
  }

  private static func index(_ nodes: [Plan.Node]) throws(Failure) -> [Int: Plan.Node] {
    var byID: [Int: Plan.Node] = [:]
    for node in nodes {
      if byID.updateValue(node, forKey: node.id) != nil {
        throw Failure(.usage, "the plan has two nodes with the id \(node.id); ids are unique")
      }
    }
    return byID
  }

  private static func checkUIDs(_ nodes: [Plan.Node]) throws(Failure) {
    var owners: [String: Plan.Node] = [:]
    for node in nodes {
      guard let uid = node.uid else {
        if let reason = node.operator.planned.needsUID {
          throw Failure(
            .usage,
            "\(node.placeName) has no uid, and \(reason) needs one; give it a name of its own, for example "
              + "'\(suggestedUID(for: node, among: nodes))'")
        }
        continue
      }
      guard !uid.isEmpty, uid.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != 0x7f }) else {
        throw Failure(
          .usage,
          "the uid '\(uid)' of \(node.operator.planned.kindName) (node \(node.id)) cannot be used; a uid is not empty and has no "
            + "spaces, slashes or control characters")
      }
      if let other = owners.updateValue(node, forKey: uid) {
        throw Failure(
          .usage,
          "the uid '\(uid)' is used by both \(other.operator.planned.kindName) (node \(other.id)) and "
            + "\(node.operator.planned.kindName) (node \(node.id)); rename one, for example to "
            + "'\(suggestedUID(for: node, among: nodes))'")
      }
    }
  }

  /// A uid that is free: the kind, and a number when the kind alone is taken.
  private static func suggestedUID(for node: Plan.Node, among nodes: [Plan.Node]) -> String {
    let taken = Set(nodes.compactMap(\.uid))
    let base = node.operator.planned.kindName
    if !taken.contains(base) { return base }
    var number = 2
    while taken.contains("\(base)-\(number)") { number += 1 }
    return "\(base)-\(number)"
  }

  private static func checkInputs(_ node: Plan.Node, _ byID: [Int: Plan.Node]) throws(Failure) {
    let allowed = node.operator.planned.inputCounts
    guard allowed.contains(node.inputs.count) else {
      let wanted = allowed.lowerBound == allowed.upperBound ? "\(allowed.lowerBound)" : "at least \(allowed.lowerBound)"
      throw Failure(.usage, "\(node.placeName) has \(node.inputs.count) inputs, and takes \(wanted)")
    }
    if let parallelism = node.parallelism, parallelism < 1 {
      throw Failure(.usage, "\(node.placeName) has the parallelism \(parallelism); it is at least 1")
    }
    for (index, input) in node.inputs.enumerated() {
      guard let producer = byID[input.node] else {
        throw Failure(.usage, "\(node.placeName) reads the node \(input.node), which the plan does not have")
      }
      guard input.output >= 0, input.output < producer.operator.outputCount else {
        throw Failure(
          .usage,
          "\(node.placeName) reads output \(input.output) of \(producer.placeName), which has "
            + "\(producer.operator.outputCount)")
      }
      try checkKey(node, index, producer)
    }
  }

  /// What is partitioned by a key reads a `keyBy`, and nothing else does.
  private static func checkKey(_ node: Plan.Node, _ input: Int, _ producer: Plan.Node) throws(Failure) {
    let isKeyed = node.operator.planned.arrival(ofInput: input).isOfKeys
    let isKey = if case .keyBy = producer.operator { true } else { false }
    if isKeyed && !isKey {
      throw Failure(.usage, "\(node.placeName) reads \(producer.placeName), and must read a keyBy")
    }
    if isKey && !isKeyed {
      throw Failure(
        .usage,
        "\(node.placeName) reads \(producer.placeName); only an operator by key, such as aggregate, can follow a keyBy")
    }
  }

  /// Every output that exists is read: rows that go nowhere are a mistake of the author's.
  private static func checkConsumers(_ nodes: [Plan.Node]) throws(Failure) {
    let read = Set(nodes.flatMap(\.inputs))
    for node in nodes {
      for output in 0..<node.operator.outputCount
      where !read.contains(Plan.Input(node: node.id, output: output)) {
        let which =
          node.operator.outputCount > 1
          ? "output \(output) of \(node.placeName)" : "what \(node.placeName) makes"
        throw Failure(.usage, "\(which) is not read by anything; end the stream with toSink (.blackhole drops rows)")
      }
    }
  }

  /// A source that feeds an input and one that is read to its end before would wait for itself.
  private static func checkSides(_ nodes: [Plan.Node]) throws(Failure) {
    var sources: [Int: Set<Int>] = [:]
    for node in nodes {
      let planned = node.operator.planned
      let ofInputs = node.inputs.map { sources[$0.node] ?? [] }
      sources[node.id] = node.inputs.isEmpty ? [node.id] : ofInputs.reduce(into: []) { $0.formUnion($1) }
      for awaited in ofInputs.indices where planned.side(ofInput: awaited) == .awaited {
        for other in ofInputs.indices where planned.side(ofInput: other) != .awaited {
          guard let shared = ofInputs[awaited].intersection(ofInputs[other]).min(),
            let source = nodes.first(where: { $0.id == shared })
          else { continue }
          throw Failure(
            .usage,
            "\(node.placeName) reads input \(awaited) to its end before input \(other), and \(source.placeName) feeds both; read what "
              + "is looked up with a source of its own")
        }
      }
    }
  }

  private static func sort(_ nodes: [Plan.Node], _ byID: [Int: Plan.Node]) throws(Failure) -> [Plan.Node] {
    var sorted: [Plan.Node] = []
    var done: Set<Int> = []
    var rest = nodes
    while !rest.isEmpty {
      let ready = rest.filter { node in node.inputs.allSatisfy { done.contains($0.node) } }
      guard !ready.isEmpty else {
        let names = cycle(in: rest, byID).map(\.placeName).joined(separator: " → ")
        throw Failure(.usage, "the plan has a cycle: \(names); a stream cannot flow back")
      }
      sorted += ready
      done.formUnion(ready.map(\.id))
      rest.removeAll { done.contains($0.id) }
    }
    return sorted
  }

  /// One cycle among nodes none of which can be sorted: each has an input among them, so walking back must return.
  private static func cycle(in nodes: [Plan.Node], _ byID: [Int: Plan.Node]) -> [Plan.Node] {
    let ids = Set(nodes.map(\.id))
    var path: [Plan.Node] = [nodes[0]]
    while true {
      guard let last = path.last, let back = last.inputs.first(where: { ids.contains($0.node) }),
        let producer = byID[back.node]
      else { return path }
      if let start = path.firstIndex(where: { $0.id == producer.id }) {
        return [producer] + path[start...].reversed()
      }
      path.append(producer)
    }
  }
}
