import Base
import TestSupport

@testable import Dataflow

/// A random graph that may run in any parallelism, and how often each row shows at each of its sinks.
struct EpochGraph {
  enum Kind: CaseIterable {
    case filter, double, single, gather, trickle, delay, hold
    /// Behind an exchange by the id only.
    case distinct, count, pairs

    var isKeyed: Bool { [.distinct, .count, .pairs].contains(self) }
  }

  enum Node {
    case source(splits: [[ReadOutcome]], blocks: Bool, kinds: [Kind])
    case task(inputs: [(from: Int, isKeyed: Bool)], kinds: [Kind])
    case sink(inputs: [(from: Int, isKeyed: Bool)], blocks: Bool)
  }

  var nodes: [Node] = []
  /// By node: how often each row leaves there; at a sink, shows there.
  var counts: [[Int64: Int]] = []

  init(_ generator: inout SeededGenerator) {
    for index in 0..<Int.random(in: 1...3, using: &generator) { addSource(index, &generator) }
    for _ in 0..<Int.random(in: 1...4, using: &generator) { addTask(&generator) }
    for node in nodes.indices where !nodes.contains(where: { $0.froms.contains(node) }) {
      var froms = [node]
      if Int.random(in: 0..<3, using: &generator) == 0 { froms.append(Int.random(in: 0...node, using: &generator)) }
      let inputs = froms.map { (from: $0, isKeyed: Bool.random(using: &generator)) }
      nodes.append(.sink(inputs: inputs, blocks: Bool.random(using: &generator)))
      counts.append(sum(inputs))
    }
  }

  private func sum(_ inputs: [(from: Int, isKeyed: Bool)]) -> [Int64: Int] {
    inputs.reduce(into: [:]) { $0.merge(counts[$1.from], uniquingKeysWith: +) }
  }

  private mutating func addSource(_ index: Int, _ generator: inout SeededGenerator) {
    var own: [Int64: Int] = [:]
    let splits = (0..<Int.random(in: 1...5, using: &generator)).map { _ -> [ReadOutcome] in
      (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        if Int.random(in: 0..<8, using: &generator) == 0 { return .idle }
        let ids = (0..<Int.random(in: 1...8, using: &generator)).map { _ in Int64.random(in: 0..<60, using: &generator)
        }
        for id in ids { own[id, default: 0] += 1 }
        return .batch(Rows.batch(ids))
      }
    }
    let kinds = pickKinds(0...2, &generator)
    nodes.append(.source(splits: splits, blocks: Bool.random(using: &generator), kinds: kinds))
    counts.append(kinds.reduce(own) { EpochGraph.apply($1, $0) })
  }

  private mutating func addTask(_ generator: inout SeededGenerator) {
    let isKeyed = Bool.random(using: &generator)
    let inputs = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
      (from: Int.random(in: nodes.indices, using: &generator), isKeyed: isKeyed)
    }
    var kinds = pickKinds(isKeyed ? 0...2 : 1...3, &generator)
    if isKeyed { kinds.insert([.distinct, .count, .pairs].randomElement(using: &generator) ?? .count, at: 0) }
    let incoming = sum(inputs)
    // Copies of copies would be too many.
    if incoming.values.reduce(0, +) > 3000 { kinds.removeAll { $0 == .double } }
    if kinds.isEmpty { kinds = [.single] }
    nodes.append(.task(inputs: inputs, kinds: kinds))
    counts.append(kinds.reduce(incoming) { EpochGraph.apply($1, $0) })
  }

  private func pickKinds(_ count: ClosedRange<Int>, _ generator: inout SeededGenerator) -> [Kind] {
    let all = Kind.allCases.filter { !$0.isKeyed }
    return (0..<Int.random(in: count, using: &generator)).compactMap { _ in all.randomElement(using: &generator) }
  }

  private static func apply(_ kind: Kind, _ counts: [Int64: Int]) -> [Int64: Int] {
    switch kind {
    case .filter: counts.filter { $0.key % 5 != 0 }
    case .double: counts.mapValues { $0 * 2 }
    case .distinct: counts.mapValues { _ in 1 }
    case .pairs: counts.mapValues { $0 / 2 }.filter { $0.value > 0 }
    case .single, .gather, .trickle, .delay, .hold, .count: counts
    }
  }

  var sinks: [(name: String, counts: [Int64: Int])] {
    nodes.indices.compactMap { if case .sink = nodes[$0] { ("sink\($0)", counts[$0]) } else { nil } }
  }

  var sources: [String] {
    nodes.indices.compactMap { if case .source = nodes[$0] { "source\($0)" } else { nil } }
  }

  /// The graph with new parts, each task in a parallelism of its own.
  func build(_ files: TestFiles, _ budget: ReadBudget, _ generator: inout SeededGenerator) -> JobGraph {
    let parallelism = nodes.map { _ in Int.random(in: 1...3, using: &generator) }
    var tasks: [JobGraph.Task] = []
    var edges: [JobGraph.Edge] = []
    for (index, node) in nodes.enumerated() {
      for (input, origin) in node.inputs.enumerated() {
        let mayForward = parallelism[origin.from] >= parallelism[index]
        let exchange =
          origin.isKeyed
          ? TestGraph.byModulo : mayForward && Bool.random(using: &generator) ? .forward : .rebalance
        edges.append(TestGraph.edge(origin.from, index, exchange, input: input))
      }
      tasks.append(task(index, node, parallelism[index], files, budget))
    }
    return JobGraph(name: "test", tasks: tasks, edges: edges)
  }

  private func task(
    _ index: Int, _ node: Node, _ parallelism: Int, _ files: TestFiles, _ budget: ReadBudget
  ) -> JobGraph.Task {
    switch node {
    case .source(let splits, let blocks, let kinds):
      let name = "source\(index)"
      return TestGraph.source(
        name, parallelism: parallelism, steps: steps(kinds, index),
        entry: [kinds.isEmpty ? .output(0) : .step(index: 0, input: 0)]
      ) { (place) throws(Failure) in ReplaySource(name, place, splits: splits, budget: budget, blocks: blocks) }
    case .task(let inputs, let kinds):
      return TestGraph.task(
        "task\(index)", parallelism: parallelism, inputs: inputs.count, steps: steps(kinds, index), outputs: 1)
    case .sink(let inputs, let blocks):
      let name = "sink\(index)"
      let sink = TestGraph.sink(name) { (place) throws(Failure) in FileSink(name, place, files, blocks: blocks) }
      return TestGraph.task("end\(index)", parallelism: parallelism, inputs: inputs.count, steps: [sink])
    }
  }

  private func steps(_ kinds: [Kind], _ task: Int) -> [JobGraph.Step] {
    kinds.enumerated().map { position, kind in
      let target: JobGraph.Target =
        position + 1 == kinds.count ? .output(0) : .step(index: position + 1, input: 0)
      return TestGraph.step("\(kind)\(task).\(position)", to: [[target]]) { (place) throws(Failure) in
        EpochGraph.make(kind, place)
      }
    }
  }

  private static func make(_ kind: Kind, _ place: SubtaskContext) -> any Operator {
    switch kind {
    case .filter:
      TestOperator("filter", journal: Journal()) { (batch, _, output) throws(Failure) in
        try output.emit(Rows.filter(batch) { $0 % 5 != 0 }, output: 0)
      }
    case .double:
      TestOperator("double", journal: Journal()) { (batch, _, output) throws(Failure) in
        for _ in 0..<2 { try output.emit(batch, output: 0) }
      }
    case .single:
      TestOperator("single", journal: Journal()) { (batch, _, output) throws(Failure) in
        for id in Rows.ids(batch) { try output.emit(Rows.batch([id]), output: 0) }
      }
    case .gather: GatheringOperator()
    case .trickle: TricklingOperator()
    case .delay: DelayingOperator()
    case .hold: HoldingOperator(place)
    case .distinct: CountingOperator(.distinct, place)
    case .count: CountingOperator(.count, place)
    case .pairs: CountingOperator(.pairs, place)
    }
  }
}

extension EpochGraph.Node {
  var inputs: [(from: Int, isKeyed: Bool)] {
    switch self {
    case .source: []
    case .task(let inputs, _), .sink(let inputs, _): inputs
    }
  }

  var froms: [Int] { inputs.map(\.from) }
}
