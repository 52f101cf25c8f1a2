import VolleyPlan

/// Where a pipeline begins: sources are made from it, and it keeps the plan that grows with every call.
public final class StreamExecutionEnvironment {
  let name: String
  private var nodes: [Plan.Node] = []
  private var functions: [String: FunctionCode] = [:]
  private var sideOutputs: [Int: [String?]] = [:]
  /// What is wrong with the pipeline, in the order of the calls; the first is reported.
  private var problems: [String] = []

  init(name: String) { self.name = name }

  /// A stream of the rows of a source.
  ///
  /// - Parameter uid: the source's stable name in this pipeline, under which its position is kept.
  public func fromSource(_ source: Source, uid: String) -> DataStream {
    let id = nodes.count
    if let problem = source.schema.problem { report("source '\(uid)': \(problem)") }
    if source.schema.fields.isEmpty && source.schema.problem == nil && !source.schema.isInferred {
      report("source '\(uid)' has no columns: give its schema")
    }
    let implementation: Plan.Implementation
    switch source.implementation {
    case .connector(let connector): implementation = .connector(connector)
    case .code(let make):
      if let field = source.schema.fields.first(where: { !StructColumn.canBuild($0.type) }) {
        report(
          "source '\(uid)' has the column '\(field.name)' of \(field.type), which is not built value by value: choose "
            + "another type for it, and cast it later")
      }
      let code = FunctionCode(id: "source:\(id)") { .source(SourceInstance($0, try make($0))) }
      register([code])
      implementation = .function(code.id)
    }
    return add(
      .source(.init(implementation: implementation, schema: source.schema.fields, badRecords: source.badRecords.plan)),
      inputs: [], uid: uid)
  }

  // MARK: What streams call

  func add(_ operation: Plan.Operator, inputs: [Plan.Input], uid: String? = nil, parallelism: Int? = nil) -> DataStream
  {
    let id = nodes.count
    nodes.append(Plan.Node(id: id, uid: uid, parallelism: parallelism, inputs: inputs, operator: operation))
    return DataStream(environment: self, input: Plan.Input(node: id))
  }

  func setParallelism(_ parallelism: Int, of node: Int) {
    if parallelism < 1 { report("\(describe(node)) has parallelism \(parallelism): give it at least 1") }
    nodes[node].parallelism = parallelism
  }

  var nextID: Int { nodes.count }

  /// What authors call the outputs of a node; nil for the main one.
  func nameOutputs(of node: Int, _ names: [String?]) { sideOutputs[node] = names }
  func outputNames(of node: Int) -> [String?] { sideOutputs[node] ?? [] }

  /// The names of a `keyBy`'s columns.
  func keyNames(of node: Int) -> [String] {
    guard nodes.indices.contains(node), case .keyBy(let keyBy) = nodes[node].operator else { return [] }
    return keyBy.keys.map(\.name)
  }

  func register(_ codes: [FunctionCode]) {
    for code in codes {
      if let known = functions[code.id], known !== code {
        report("two functions have the id '\(code.id)': give one of them another name, or use one value for both")
      }
      functions[code.id] = code
    }
  }

  func report(_ problem: String) { problems.append(problem) }

  /// The result of a step that may be wrong, or nothing and a report.
  func checking<Result>(_ step: String, _ body: () throws(VolleyError) -> Result) -> Result? {
    do {
      return try body()
    } catch {
      report("\(step): \(error.message)")
      return nil
    }
  }

  // MARK: The end

  /// The plan, when nothing is wrong with it that can be seen here.
  func finish() throws -> (Plan, [String: FunctionCode]) {
    checkUIDs()
    checkEnds()
    if let problem = problems.first { throw VolleyError("pipeline '\(name)': \(problem)") }
    return (Plan(name: name, nodes: nodes), functions)
  }

  private func checkUIDs() {
    var owners: [String: Int] = [:]
    for node in nodes {
      guard let uid = node.uid else { continue }
      let suggestion = node.operator.noun + "-\(node.id)"
      if uid.isEmpty { report("\(describe(node.id)) has an empty uid: give it one, such as '\(suggestion)'") }
      if let owner = owners[uid] {
        report(
          "\(nodes[owner].operator.noun) and \(node.operator.noun) have the same uid '\(uid)': give one of them another, "
            + "such as '\(suggestion)'")
      }
      owners[uid] = node.id
    }
  }

  /// Every output must be read, or its rows would be lost in silence.
  private func checkEnds() {
    if nodes.isEmpty { report("it has no source: begin with env.fromSource") }
    let read = Set(nodes.flatMap(\.inputs))
    for node in nodes {
      let outputs = node.operator.outputCount
      for output in 0..<outputs where !read.contains(Plan.Input(node: node.id, output: output)) {
        let which = outputs == 1 ? "the stream" : "output \(output)"
        report(
          "\(which) of \(describe(node.id)) leads nowhere: end it with toSink (.blackhole drops rows on purpose)")
      }
    }
  }

  /// "filter 3 behind source 'orders'".
  func describe(_ id: Int) -> String {
    let node = nodes[id]
    if let uid = node.uid, !uid.isEmpty { return "\(node.operator.noun) '\(uid)'" }
    guard let input = node.inputs.first else { return "\(node.operator.noun) \(id)" }
    var origin = nodes[input.node]
    while origin.uid == nil, let input = origin.inputs.first { origin = nodes[input.node] }
    return "\(node.operator.noun) \(id) behind \(origin.operator.noun) '\(origin.uid ?? "")'"
  }
}

extension Plan.Operator {
  /// What the author called it.
  var noun: String {
    switch self {
    case .source: "source"
    case .filter: "filter"
    case .select: "select"
    case .extend: "withColumn"
    case .batchFunction(let function): function.label
    case .keyBy: "keyBy"
    case .aggregate: "aggregate"
    case .process(let process): process.label
    case .deduplicate: "deduplicate"
    case .topN: "topN"
    case .latest: "latest"
    case .pattern: "pattern"
    case .union: "union"
    case .eventTime: "eventTime"
    case .window, .windowChoice: "window"
    case .join: "join"
    case .sink: "sink"
    }
  }
}
