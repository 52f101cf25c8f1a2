import Arrow
import Base
import Connectors
import Dataflow
import Keys
import Observability
import Operators
import VolleyPlan

/// A plan after validation, typing, parallelism and chaining: data, which `inspect` shows and `jobGraph` makes
/// runnable.
public struct ExecutionGraph {
  public struct Options: Sendable {
    /// The job's parallelism: of sources that can be split, and of keyed operators.
    public var parallelism: Int
    /// Key groups of the job, a power of two: the upper bound of any parallelism.
    public var maxKeyGroups: Int
    /// Whether neighbours that need no repartitioning run as one task. Off, each operator is a task of its own.
    public var chaining: Bool
    /// Where records go on which functions throw; nil: such a record ends the job.
    public var quarantine: QuarantineOptions?

    public init(
      parallelism: Int, maxKeyGroups: Int = 256, chaining: Bool = true, quarantine: QuarantineOptions? = nil
    ) {
      self.parallelism = parallelism
      self.maxKeyGroups = maxKeyGroups
      self.chaining = chaining
      self.quarantine = quarantine
    }
  }

  /// A chain of nodes that runs as one unit.
  public struct Task: Sendable {
    public let parallelism: Int
    /// Nodes by id, in topological order.
    public let nodes: [Int]
  }

  public let name: String
  public let options: Options
  /// The sources whose schema the plan leaves to their files, and what was found, by uid.
  public let inferred: [(uid: String, schema: Schema)]
  /// In topological order.
  public let nodes: [TypedNode]
  /// In topological order.
  public let tasks: [Task]
  /// By node id.
  let byID: [Int: TypedNode]
  /// By node id: its task.
  let taskOf: [Int: Int]
  /// The inputs by key whose rows need not travel.
  let inPlace: Set<KeyedInput>
  /// What a source's or sink's connector is made with, by node id.
  let endpoints: [Int: Endpoint]
  let log: EventLog?

  /// - Parameter log: where built-in sources and sinks tell what is no failure, such as bad records.
  /// - Throws: `.usage` with one sentence that names the operator and what is wrong with it.
  public init(_ plan: Plan, code: any UserCode, options: Options, log: EventLog? = nil) throws(Failure) {
    let (plan, inferred) = try plan.inferringSchemas(code.codecs, log)
    self.inferred = inferred
    let typed = try TypedPlan(plan)
    name = plan.name
    self.options = options
    self.log = log
    nodes = typed.nodes
    var byID: [Int: TypedNode] = [:]
    for node in typed.nodes { byID[node.node.id] = node }
    self.byID = byID
    var endpoints: [Int: Endpoint] = [:]
    for node in typed.nodes {
      do {
        let endpoint = try Endpoint(node, code: code, pipeline: plan.name, log: log)
        if let endpoint { endpoints[node.node.id] = endpoint }
      } catch {
        // A built-in connector names the place itself.
        throw error.message.hasPrefix(node.node.placeName) ? error : error.within(node.node.placeName)
      }
    }
    self.endpoints = endpoints
    let parallelism = try Self.parallelism(typed.nodes, endpoints, options)
    inPlace = try Self.inPlace(typed.nodes, parallelism)
    (tasks, taskOf) = Self.chain(typed.nodes, parallelism, inPlace, options)
  }

  public func parallelism(of node: Int) -> Int {
    guard let task = taskOf[node] else { preconditionFailure("every node has a task") }
    return tasks[task].parallelism
  }

  /// By node id. What the author says holds; else a keyed operator takes the job's, a source the job's as far as it can
  /// be split, a sink its input's as far as it can be split, and all others their input's, so that rows keep their
  /// order. A row and what takes it back go the same way: such rows are not spread over more subtasks than they come
  /// from.
  private static func checkRevisions(of typed: TypedNode, _ parallelism: [Int: Int], _ wanted: Int) throws(Failure) {
    // The inputs of a union go on as they are when one of them has as many.
    if case .union = typed.node.operator, typed.node.inputs.contains(where: { parallelism[$0.node] ?? 1 >= wanted }) {
      return
    }
    for (index, input) in typed.node.inputs.enumerated() {
      guard typed.inputs[index].isChangelog, case .forward = typed.planned.arrival(ofInput: index),
        let from = parallelism[input.node], from < wanted
      else { continue }
      throw Failure(
        .usage,
        "\(typed.node.placeName) has the parallelism \(wanted), and its rows, which revise each other, come from \(from) "
          + "\(from == 1 ? "subtask" : "subtasks"); give it at most as many, or key the rows before it")
    }
  }

  private static func parallelism(
    _ nodes: [TypedNode], _ endpoints: [Int: Endpoint], _ options: Options
  ) throws(Failure) -> [Int: Int] {
    var result: [Int: Int] = [:]
    for typed in nodes {
      let node = typed.node
      let limit = typed.planned.isGathered ? 1 : endpoints[node.id]?.maximumParallelism ?? options.maxKeyGroups
      if let wanted = node.parallelism {
        guard wanted <= limit else {
          let reason =
            typed.planned.isGathered
            ? "it takes all rows in one subtask, as it has no key"
            : endpoints[node.id]?.maximumParallelism == nil
              ? "there are \(options.maxKeyGroups) key groups"
              : "\(endpoints[node.id]?.label ?? "it") cannot be split further"
          throw Failure(
            .usage, "\(node.placeName) has the parallelism \(wanted), and at most \(limit) is possible: \(reason)")
        }
        try Self.checkRevisions(of: typed, result, wanted)
        result[node.id] = wanted
        continue
      }
      let inherited = node.inputs.compactMap { result[$0.node] }.max()
      let wanted =
        switch node.operator {
        case .source: endpoints[node.id]?.defaultParallelism ?? options.parallelism
        case .sink: min(inherited ?? 1, endpoints[node.id]?.defaultParallelism ?? .max)
        default: typed.planned.isKeyed ? options.parallelism : inherited ?? options.parallelism
        }
      result[node.id] = min(wanted, limit)
    }
    return result
  }

  private static func chain(
    _ nodes: [TypedNode], _ parallelism: [Int: Int], _ inPlace: Set<KeyedInput>, _ options: Options
  ) -> ([Task], [Int: Int]) {
    var chains: [(parallelism: Int, nodes: [Int])] = []
    var taskOf: [Int: Int] = [:]
    for typed in nodes {
      let node = typed.node
      let own = parallelism[node.id] ?? 1
      if let input = node.inputs.first, let upstream = taskOf[input.node],
        canChain(typed, own, chains[upstream], inPlace, options)
      {
        chains[upstream].nodes.append(node.id)
        taskOf[node.id] = upstream
      } else {
        taskOf[node.id] = chains.count
        chains.append((own, [node.id]))
      }
    }
    return (chains.map { Task(parallelism: $0.parallelism, nodes: $0.nodes) }, taskOf)
  }

  private static func canChain(
    _ typed: TypedNode, _ parallelism: Int, _ upstream: (parallelism: Int, nodes: [Int]), _ inPlace: Set<KeyedInput>,
    _ options: Options
  ) -> Bool {
    guard parallelism == upstream.parallelism else { return false }
    switch typed.node.operator {
    case .source, .union: return false
    // Only names the partitioning of the channel behind it: always part of the chain that feeds it.
    case .keyBy: return true
    default:
      guard options.chaining, typed.inputs.count == 1, feed(of: typed, options, inPlace) == nil else { return false }
      return typed.planned.arrival(ofInput: 0) != .keyed
        || inPlace.contains(KeyedInput(node: typed.node.id, index: 0))
    }
  }
}
