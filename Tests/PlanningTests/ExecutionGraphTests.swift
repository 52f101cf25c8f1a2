import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

@Suite("A plan becomes tasks and channels")
struct ExecutionGraphTests {
  private func chains(_ graph: ExecutionGraph) -> [[Int]] { graph.tasks.map(\.nodes) }

  private func describe(_ exchange: JobGraph.Exchange) -> String {
    switch exchange {
    case .forward: "forward"
    case .rebalance: "rebalance"
    case .partition: "partition"
    case .broadcast: "broadcast"
    }
  }

  private func edges(_ graph: ExecutionGraph) throws(Failure) -> [String] {
    try graph.jobGraph(code: NamedCode()).edges.map {
      "\($0.from).\($0.output) → \($0.to).\($0.input) \(describe($0.exchange))"
    }
  }

  @Test("neighbours of one parallelism are one task")
  func chain() throws {
    let graph = try graph([source(1), node(2, positive, from: 1), sink(3, from: 2)], parallelism: 2)
    #expect(chains(graph) == [[1, 2, 3]])
    #expect(graph.tasks[0].parallelism == 2)
    #expect(try edges(graph).isEmpty)
    let job = try graph.jobGraph(code: NamedCode())
    #expect(job.tasks[0].entry == [[.step(index: 0, input: 0)]])
    #expect(job.tasks[0].steps.map(\.label) == ["filter", "sink out"])
    #expect(job.tasks[0].steps[0].outputs == [[.step(index: 1, input: 0)]])
  }

  @Test("without chaining each operator is a task")
  func unchained() throws {
    let graph = try graph([source(1), node(2, positive, from: 1), sink(3, from: 2)], chaining: false)
    #expect(chains(graph) == [[1], [2], [3]])
    #expect(try edges(graph) == ["0.0 → 1.0 forward", "1.0 → 2.0 forward"])
  }

  @Test("a key is partitioned only when rows travel, and combined before they do")
  func keyed() throws {
    let nodes = [
      source(1), node(2, keyBy("user_id"), from: 1), node(3, sum("amount", as: "s"), from: 2, uid: "sums"),
      sink(4, from: 3),
    ]
    let single = try graph(nodes)
    #expect(chains(single) == [[1, 2], [3, 4]])
    #expect(try edges(single) == ["0.0 → 1.0 forward"])
    #expect(try single.jobGraph(code: NamedCode()).tasks[0].steps.isEmpty)

    let double = try graph(nodes, parallelism: 2)
    #expect(try edges(double) == ["0.0 → 1.0 partition"])
    #expect(try double.jobGraph(code: NamedCode()).tasks[0].steps.map(\.label) == ["combine sums"])
  }

  @Test("records told once each are not combined")
  func perRecord() throws {
    let double = try graph(
      [
        source(1), node(2, keyBy("user_id"), from: 1),
        node(3, sum("amount", as: "s", emission: .perRecord), from: 2, uid: "sums"), sink(4, from: 3),
      ], parallelism: 2)
    #expect(try !double.jobGraph(code: NamedCode()).tasks[0].steps.contains { $0.label.hasPrefix("combine") })
  }

  @Test("a computed key is computed before the channel")
  func computedKey() throws {
    let key = Plan.Operator.keyBy(
      Plan.KeyBy(keys: [NamedExpression("bucket", .call("modulo", [.column("user_id"), .literal(.int64(10))]))]))
    let graph = try graph([
      source(1), node(2, key, from: 1), node(3, sum("amount", as: "s"), from: 2, uid: "sums"), sink(4, from: 3),
    ])
    #expect(graph.nodes[2].outputs[0].schema.fields.map(\.name) == ["bucket", "s"])
    #expect(try graph.jobGraph(code: NamedCode()).tasks[0].steps.map(\.label) == ["keyBy"])
  }

  @Test("a stream read twice feeds both readers of its task")
  func tee() throws {
    let graph = try graph([
      source(1), node(2, positive, from: 1), sink(3, from: 1, uid: "all"), sink(4, from: 2, uid: "some"),
    ])
    #expect(chains(graph) == [[1, 2, 3, 4]])
    let job = try graph.jobGraph(code: NamedCode())
    #expect(job.tasks[0].entry == [[.step(index: 0, input: 0), .step(index: 1, input: 0)]])
  }

  @Test("a union is a task of its own with an input for each stream")
  func union() throws {
    let graph = try graph([
      source(1, uid: "a"), source(2, uid: "b"), node(3, .union(Plan.Union()), from: 1, 2), node(4, positive, from: 3),
      sink(5, from: 4),
    ])
    #expect(chains(graph) == [[1], [2], [3, 4, 5]])
    #expect(try edges(graph) == ["0.0 → 2.0 forward", "1.0 → 2.1 forward"])
    let job = try graph.jobGraph(code: NamedCode())
    #expect(job.tasks[2].entry == [[.step(index: 0, input: 0)], [.step(index: 0, input: 0)]])
  }

  @Test("a union's inputs go on subtask by subtask, each in its order, unless more subtasks are asked for than any has")
  func unionOfParallelisms() throws {
    func union(_ parallelism: Int?, of first: Int, _ second: Int) throws -> [String] {
      try edges(
        try graph([
          source(1, uid: "a", parallelism: first), source(2, uid: "b", parallelism: second),
          node(3, .union(Plan.Union()), from: 1, 2, parallelism: parallelism), sink(4, from: 3),
        ]))
    }
    let forward = ["0.0 → 2.0 forward", "1.0 → 2.1 forward"]
    #expect(try union(nil, of: 1, 3) == forward)
    #expect(try union(nil, of: 3, 2) == forward)
    #expect(try union(2, of: 1, 3) == forward)
    #expect(try union(4, of: 2, 3) == ["0.0 → 2.0 rebalance", "1.0 → 2.1 rebalance"])
    #expect(try union(4, of: 2, 4) == forward)
  }

  @Test("a union's batches have one schema, although a column is nullable in some of its inputs only")
  func unionOfNullabilities() throws {
    let nullable = orderFields.map { Field($0.name, $0.type) }
    let graph = try graph([
      source(1, uid: "a"), source(2, uid: "b", fields: nullable), node(3, .union(Plan.Union()), from: 1, 2),
      sink(4, from: 3),
    ])
    #expect(graph.nodes[2].outputs[0].schema.fields == nullable)
    let task = try graph.jobGraph(code: NamedCode()).tasks[2]
    #expect(task.steps.map(\.label) == ["columns", "sink out"])
    #expect(task.entry == [[.step(index: 0, input: 0)], [.step(index: 1, input: 0)]])
    #expect(task.steps[0].outputs == [[.step(index: 1, input: 0)]])
  }

  @Test("a stream united with itself gives its rows twice")
  func unionWithItself() throws {
    let graph = try graph([source(1), node(2, .union(Plan.Union()), from: 1, 1), sink(3, from: 2)])
    #expect(try edges(graph) == ["0.0 → 1.0 forward", "0.1 → 1.1 forward"])
    let job = try graph.jobGraph(code: NamedCode())
    #expect(job.tasks[0].entry == [[.output(0), .output(1)]])
  }

  @Test("different parallelisms are rebalanced, and rows keep their order where nobody asked for more")
  func parallelism() throws {
    let graph = try graph(
      [
        source(1, parallelism: 1), node(2, positive, from: 1), node(3, positive, from: 2, parallelism: 3),
        sink(4, from: 3, parallelism: 1),
      ],
      parallelism: 4)
    #expect(graph.tasks.map(\.parallelism) == [1, 3, 1])
    #expect(try edges(graph) == ["0.0 → 1.0 rebalance", "1.0 → 2.0 rebalance"])
  }

  @Test("a batch function takes only the columns that it names, and has its outputs by number")
  func batchFunction() throws {
    let function = Plan.Operator.batchFunction(
      Plan.BatchFunction(
        function: "split:1", label: "split", columns: [Field("amount", .float64)],
        outputs: [[Field("x", .int64)], [Field("y", .utf8)]]))
    var second = sink(4, from: 2, uid: "right")
    second.inputs = [Plan.Input(node: 2, output: 1)]
    let graph = try graph([source(1), node(2, function, from: 1), sink(3, from: 2, uid: "left"), second])
    let job = try graph.jobGraph(code: NamedCode())
    #expect(job.tasks[0].steps.map(\.label) == ["columns", "split", "sink left", "sink right"])
    #expect(job.tasks[0].steps[1].outputs == [[.step(index: 2, input: 0)], [.step(index: 3, input: 0)]])
  }

  @Test("the tree, the JSON and the dot show every operator")
  func rendering() throws {
    let graph = try graph(
      [
        source(1), node(2, positive, from: 1), node(3, keyBy("user_id"), from: 2),
        node(4, sum("amount", as: "s"), from: 3, uid: "sums"), sink(5, from: 4),
      ], parallelism: 2)
    let lines = graph.tree.split(separator: "\n")
    #expect(lines.count == 5, "\(graph.tree)")
    for (line, start) in zip(
      lines,
      ["sink out [blackhole", "└─ aggregate sums ", "   └─ keyBy ", "      └─ filter ", "         └─ source orders ["])
    {
      #expect(line.hasPrefix(start), "\(graph.tree)")
    }
    for text in ["(amount > 0.0)", "sum(amount) as s", "user_id", "task 0 ×2", ", combined by key before"] {
      #expect(graph.tree.contains(text), "\(graph.tree)")
    }
    #expect(graph.json["nodes"] != nil)
    #expect(graph.dot.hasPrefix("digraph \"test\" {"))
    let drawn = TestProcess.run(["dot", "-Tsvg"], input: graph.dot)
    #expect(drawn.status == 0, "install graphviz: \(drawn.errors)")
    #expect(drawn.output.contains("sum(amount) as s"))
  }

  @Test("a test's ends replace source and sink by uid")
  func testEnds() throws {
    let plan = Plan(name: "test", nodes: [source(1), sink(2, from: 1)])
    let replaced = try plan.replacingSource(uid: "orders", withJSONLines: "/in").replacingSink(
      uid: "out", withJSONLines: "/out")
    guard case .source(let newSource) = replaced.nodes[0].operator,
      case .connector(let connector) = newSource.implementation
    else { throw Failure(.software, "the source is a connector") }
    #expect(connector.name == "jsonlines" && connector.options["path"] == .string("/in"))
    #expect(newSource.schema == orderFields)
    #expect(throws: Failure(.usage, "the pipeline 'test' has no sink with the uid 'aut'; it has 'out'")) {
      try plan.replacingSink(uid: "aut", withJSONLines: "/out")
    }
  }
}
