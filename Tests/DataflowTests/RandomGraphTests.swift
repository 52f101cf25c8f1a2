import Arrow
import Base
import Observability
import TestSupport
import Testing

@testable import Dataflow

/// A random graph of tasks, and how often each row comes to each of its sinks.
private struct RandomGraph {
  var tasks: [JobGraph.Task] = []
  var edges: [JobGraph.Edge] = []
  /// By task output: how often each row leaves there.
  private var leaving: [[Int: [Int64: Int]]] = []
  /// How often each row must come to each sink.
  var expected: [String: [Int64: Int]] = [:]
  private let journal: Journal

  init(_ generator: inout SeededGenerator, _ journal: Journal) {
    self.journal = journal
    let sources = Int.random(in: 1...3, using: &generator)
    for index in 0..<sources { addSource(index, &generator) }
    for _ in 0..<Int.random(in: 1...5, using: &generator) { addTask(&generator) }
    // What nobody takes yet goes to sinks.
    for task in tasks.indices {
      for output in leaving[task].keys.sorted() where !edges.contains(where: { $0.from == task && $0.output == output })
      {
        addEnd([(task, output)], &generator)
      }
    }
  }

  private mutating func addSource(_ index: Int, _ generator: inout SeededGenerator) {
    let parallelism = Int.random(in: 1...3, using: &generator)
    let blocks = Bool.random(using: &generator)
    var scripts: [[ReadOutcome]] = []
    var counts: [Int64: Int] = [:]
    for subtask in 0..<parallelism {
      var next = Int64(index * 10 + subtask) * 1_000_000
      scripts.append(
        (0..<Int.random(in: 0...30, using: &generator)).map { _ in
          if Int.random(in: 0..<10, using: &generator) == 0 { return .idle }
          let rows = Int64.random(in: 1...15, using: &generator)
          defer { next += rows }
          for id in next..<next + rows { counts[id] = 1 }
          return .batch(Rows.batch(next..<next + rows))
        })
    }
    let journal = journal
    tasks.append(
      TestGraph.source("source \(index)", parallelism: parallelism) { (place) throws(Failure) in
        var rest = scripts[place.id.index][...]
        return TestSource("source \(index).\(place.id.index)", blocks: blocks, journal: journal) {
          rest.popFirst() ?? .end
        }
      })
    leaving.append([0: counts])
  }

  /// A task with one to three inputs and a chain of up to three operators, each of which does one thing to rows.
  private mutating func addTask(_ generator: inout SeededGenerator) {
    let from = (0..<Int.random(in: 1...3, using: &generator)).map { _ in pickOutput(&generator) }
    let index = tasks.count
    let parallelism = Int.random(in: 1...3, using: &generator)
    var counts = connect(from, to: index, parallelism, &generator)
    var steps: [JobGraph.Step] = []
    let length = Int.random(in: 1...3, using: &generator)
    for step in 0..<length {
      let kind = Int.random(in: 0..<4, using: &generator)
      let target: JobGraph.Target = step + 1 == length ? .output(0) : .step(index: step + 1, input: 0)
      switch kind {
      case 0: counts = counts.filter { $0.key % 3 != 0 }
      case 1: counts = counts.mapValues { $0 * 2 }
      default: break
      }
      steps.append(operatorStep("op \(index).\(step)", kind, to: [[target]]))
    }
    tasks.append(
      TestGraph.task("task \(index)", parallelism: parallelism, inputs: from.count, steps: steps, outputs: 1))
    leaving.append([0: counts])
  }

  private mutating func addEnd(_ from: [(task: Int, output: Int)], _ generator: inout SeededGenerator) {
    let index = tasks.count
    let parallelism = Int.random(in: 1...3, using: &generator)
    let blocks = Bool.random(using: &generator)
    let counts = connect(from, to: index, parallelism, &generator)
    let name = "sink \(index)"
    let journal = journal
    let sink = TestGraph.sink(name) { (place) throws(Failure) in
      TestSink("\(name).\(place.id.index)", blocks: blocks, journal: journal)
    }
    tasks.append(TestGraph.task("end \(index)", parallelism: parallelism, inputs: from.count, steps: [sink]))
    leaving.append([:])
    expected[name] = counts
  }

  private func pickOutput(_ generator: inout SeededGenerator) -> (task: Int, output: Int) {
    (Int.random(in: 0..<tasks.count, using: &generator), 0)
  }

  /// Edges to the inputs of a task that is about to be added; how often each row comes in.
  private mutating func connect(
    _ from: [(task: Int, output: Int)], to index: Int, _ parallelism: Int, _ generator: inout SeededGenerator
  ) -> [Int64: Int] {
    var counts: [Int64: Int] = [:]
    for (input, origin) in from.enumerated() {
      let exchange: JobGraph.Exchange
      var copies = 1
      switch Int.random(in: 0..<4, using: &generator) {
      case 0 where tasks[origin.task].parallelism >= parallelism: exchange = .forward
      case 1: exchange = TestGraph.byModulo
      // Copies of copies would be too many.
      case 2 where leaving[origin.task][origin.output, default: [:]].values.reduce(0, +) < 1000:
        (exchange, copies) = (.broadcast, parallelism)
      default: exchange = .rebalance
      }
      edges.append(TestGraph.edge(origin.task, index, exchange, output: origin.output, input: input))
      for (id, count) in leaving[origin.task][origin.output] ?? [:] { counts[id, default: 0] += count * copies }
    }
    return counts
  }

  private func operatorStep(_ name: String, _ kind: Int, to targets: [[JobGraph.Target]]) -> JobGraph.Step {
    let journal = journal
    return TestGraph.step(name, to: targets) { (place) throws(Failure) in
      var kept: [RecordBatch] = []
      return TestOperator(
        "\(name).\(place.id.index)", journal: journal,
        body: { (batch, _, output) throws(Failure) in
          switch kind {
          // Drops a third of the rows, by a selection.
          case 0: try output.emit(Rows.filter(batch) { $0 % 3 != 0 }, output: 0)
          // Gives every row twice.
          case 1:
            try output.emit(batch, output: 0)
            try output.emit(batch, output: 0)
          // Keeps every row until the end.
          case 2: kept.append(batch)
          // One batch a row.
          default: for id in Rows.ids(batch) { try output.emit(Rows.batch([id]), output: 0) }
          }
        }, onFinish: { (output) throws(Failure) in for batch in kept { try output.emit(batch, output: 0) } })
    }
  }
}

struct RandomGraphTests {
  @Test("in random graphs every row comes exactly as often to each sink as its paths say")
  func accounted() {
    var generator = SeededGenerator()
    for _ in 0..<80 {
      let journal = Journal()
      let graph = RandomGraph(&generator, journal)
      let options = JobOptions(
        threads: Int.random(in: 1...3, using: &generator), batchRows: Int.random(in: 1...200, using: &generator),
        batchDelay: [.zero, .microseconds(100), .milliseconds(10)].randomElement(using: &generator) ?? .zero,
        channelBytes: Int.random(in: 8...2000, using: &generator),
        channelBatches: Int.random(in: 1...6, using: &generator))
      let failure = TestGraph.run(graph.tasks, graph.edges, options)
      #expect(failure == nil, "\(generator)")
      for (sink, expected) in graph.expected {
        var counts: [Int64: Int] = [:]
        for id in journal.allRows("\(sink).") { counts[id, default: 0] += 1 }
        #expect(counts == expected, "\(sink), \(generator)")
      }
      checkEnds(journal, generator)
    }
  }

  private func checkEnds(_ journal: Journal, _ generator: SeededGenerator) {
    for entry in Set(journal.entries) where entry.call == "open" {
      #expect(journal.count(entry.part, "close") == 1, "\(entry.part), \(generator)")
    }
  }

  @Test("rows of one key keep their order through any chain of partitioned and forward exchanges")
  func ordered() {
    var generator = SeededGenerator()
    for _ in 0..<30 {
      let journal = Journal()
      let parallelism = Int.random(in: 1...3, using: &generator)
      let sourceBlocks = Bool.random(using: &generator)
      let sinkBlocks = Bool.random(using: &generator)
      let sizes = (0..<40).map { _ in Int64.random(in: 1...60, using: &generator) }
      var tasks = [
        TestGraph.source { (_) throws(Failure) in
          var (rest, next) = (sizes[...], Int64(0))
          return TestSource("source", blocks: sourceBlocks, journal: journal) {
            guard let size = rest.popFirst() else { return .end }
            defer { next += size }
            return .batch(Rows.batch(next..<next + size))
          }
        }
      ]
      var edges = [TestGraph.edge(0, 1, TestGraph.byModulo)]
      let length = Int.random(in: 1...4, using: &generator)
      for index in 1...length {
        tasks.append(
          TestGraph.task(
            "task \(index)", parallelism: parallelism,
            steps: [
              TestGraph.step("op \(index)", to: [[.output(0)]]) { (place) throws(Failure) in
                TestOperator("op \(index).\(place.id.index)", journal: journal)
              }
            ], outputs: 1))
        let exchange = Bool.random(using: &generator) ? JobGraph.Exchange.forward : TestGraph.byModulo
        edges.append(TestGraph.edge(index, index + 1, exchange))
      }
      tasks.append(
        TestGraph.task(
          "end", parallelism: parallelism,
          steps: [
            TestGraph.sink { (place) throws(Failure) in
              TestSink("sink \(place.id.index)", blocks: sinkBlocks, journal: journal)
            }
          ]))
      let options = JobOptions(
        threads: Int.random(in: 1...3, using: &generator), batchRows: Int.random(in: 1...100, using: &generator),
        batchDelay: .microseconds(Int.random(in: 0...500, using: &generator)),
        channelBytes: Int.random(in: 8...1000, using: &generator),
        channelBatches: Int.random(in: 1...4, using: &generator))
      #expect(TestGraph.run(tasks, edges, options) == nil, "\(generator)")
      for index in 0..<parallelism {
        let rows = journal.rows("sink \(index)")
        let expected = (0..<sizes.reduce(0, +)).filter { ModuloPartitioner.target(of: $0, parallelism) == index }
        #expect(rows == Array(expected), "\(generator)")
      }
    }
  }
}
