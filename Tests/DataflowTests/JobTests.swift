import Arrow
import Base
import Observability
import Synchronization
import TestSupport
import Testing

@testable import Dataflow

struct JobTests {
  private let journal = Journal()

  /// Every choice of what blocks: the source, the sink.
  static let blocking: [(Bool, Bool)] = [(false, false), (false, true), (true, false), (true, true)]

  /// source → operator → sink: in one task, or in three.
  static func line(
    _ journal: Journal, batches: [[Int64]], blocking: (Bool, Bool), tasks: Int, parallelism: Int = 1
  ) -> ([JobGraph.Task], [JobGraph.Edge]) {
    let source = { (place: SubtaskContext) throws(Failure) -> any Source in
      try journal.note("source", "make")
      return TestSource(
        parallelism == 1 ? "source" : "source \(place.id.index)", blocks: blocking.0, journal: journal,
        batches: batches.map { $0.map { $0 * Int64(parallelism) + Int64(place.id.index) } })
    }
    let step = TestGraph.step("op", to: [[tasks == 1 ? .step(index: 1, input: 0) : .output(0)]]) {
      (place) throws(Failure) in
      try journal.note("op", "make")
      return TestOperator(parallelism == 1 ? "op" : "op \(place.id.index)", journal: journal)
    }
    let sink = TestGraph.sink { (place) throws(Failure) in
      try journal.note("sink", "make")
      return TestSink(
        parallelism == 1 ? "sink" : "sink \(place.id.index)", blocks: blocking.1, journal: journal)
    }
    if tasks == 1 {
      let task = TestGraph.source(
        parallelism: parallelism, steps: [step, sink], entry: [.step(index: 0, input: 0)], outputs: 0, make: source)
      return ([task], [])
    }
    return (
      [
        TestGraph.source(parallelism: parallelism, make: source),
        TestGraph.task("middle", parallelism: parallelism, steps: [step], outputs: 1),
        TestGraph.task("end", parallelism: parallelism, steps: [sink]),
      ], [TestGraph.edge(0, 1, TestGraph.byModulo), TestGraph.edge(1, 2, .forward)]
    )
  }

  @Test(
    "rows go from source to sink in order, in one task or several, on one thread or several",
    arguments: blocking, [1, 3])
  func passes(blocking: (Bool, Bool), tasks: Int) {
    for threads in 1...2 {
      for batches: [[Int64]] in [[], [[1]], [[1], [2]], [[1, 2, 3], [4], [5, 6]]] {
        let journal = Journal()
        let (tasks, edges) = JobTests.line(journal, batches: batches, blocking: blocking, tasks: tasks)
        #expect(TestGraph.run(tasks, edges, JobOptions(threads: threads)) == nil)
        #expect(journal.rows("sink") == batches.flatMap { $0 })
        #expect(journal.calls(of: "sink").suffix(3) == ["flush", "close complete", "close"])
        #expect(journal.calls(of: "op").suffix(2) == ["finish", "close"])
        #expect(journal.count("source", "close") == 1 && journal.count("source", "stop") == 0)
        let opened = journal.entries.filter { $0.call == "open" }.map(\.part)
        #expect(opened == ["sink", "op", "source"])
        let closed = journal.entries.filter { $0.call == "close" }.map(\.part)
        #expect(Set(closed) == ["source", "op", "sink"])
        if !blocking.1 && tasks.count == 1 && !blocking.0 { #expect(closed == ["source", "op", "sink"]) }
      }
    }
  }

  @Test(
    "inputs of different parallelism that go on subtask by subtask keep their order",
    arguments: [(1, 3, 3), (3, 1, 3), (4, 2, 3), (3, 3, 3), (2, 5, 2), (1, 1, 1)])
  func pointwise(parallelism: (Int, Int, Int)) {
    let (first, second, receivers) = parallelism
    for threads in 1...2 {
      let journal = Journal()
      func source(_ name: String, _ count: Int, _ base: Int64) -> JobGraph.Task {
        TestGraph.source(name, parallelism: count) { (place) throws(Failure) in
          TestSource(
            "\(name) \(place.id.index)", journal: journal,
            batches: (0..<40).map { [base + Int64(place.id.index) * 1000 + $0] })
        }
      }
      let sink = TestGraph.sink { (place) throws(Failure) in TestSink("sink \(place.id.index)", journal: journal) }
      let failure = TestGraph.run(
        [
          source("a", first, 0), source("b", second, 100_000),
          TestGraph.task("union", parallelism: receivers, inputs: 2, steps: [sink]),
        ], [TestGraph.edge(0, 2, .forward, input: 0), TestGraph.edge(1, 2, .forward, input: 1)],
        JobOptions(threads: threads, batchRows: 1, channelBatches: 2))
      #expect(failure == nil)
      for (base, count) in [(Int64(0), first), (100_000, second)] {
        for sender in 0..<count {
          let start = base + Int64(sender) * 1000
          let rows = journal.rows("sink \(sender % receivers)").filter { (start..<start + 1000).contains($0) }
          #expect(rows == (start..<start + 40).map { $0 })
        }
      }
    }
  }

  @Test("parallel subtasks share the work, each key in one place and in order", arguments: blocking)
  func parallel(blocking: (Bool, Bool)) {
    let batches = (0..<50).map { batch in (0..<20).map { Int64(batch * 20 + $0) } }
    let (tasks, edges) = JobTests.line(journal, batches: batches, blocking: blocking, tasks: 3, parallelism: 3)
    #expect(TestGraph.run(tasks, edges, JobOptions(threads: 2, batchRows: 16)) == nil)
    var all: [Int64] = []
    for index in 0..<3 {
      let rows = journal.rows("sink \(index)")
      #expect(rows.allSatisfy { ModuloPartitioner.target(of: $0, 3) == index })
      // Every source gives one residue, so that each sink is fed by one source, in order.
      #expect(rows == rows.sorted())
      all += rows
    }
    #expect(all.sorted() == Array(0..<3000))
  }

  @Test("the report counts rows, bytes and batches of each stage, also after the end", arguments: blocking)
  func report(blocking: (Bool, Bool)) throws {
    let (tasks, edges) = JobTests.line(journal, batches: [[1, 2], [3]], blocking: blocking, tasks: 3, parallelism: 2)
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: edges), options: JobOptions(), log: TestGraph.log)
    #expect(job.report().map(\.counts.rowsOut) == [0, 0, 0])
    job.start()
    try job.wait()
    let report = job.report()
    #expect(report.map(\.label) == ["source", "op", "sink"])
    #expect(report.map(\.uid) == ["source-uid", "op-uid", "sink-uid"])
    #expect(report.map(\.taskName) == ["source", "middle", "end"])
    #expect(report.map(\.task) == [0, 1, 2] && report.map(\.parallelism) == [2, 2, 2])
    #expect(report.map(\.counts.rowsIn) == [0, 6, 6] && report.map(\.counts.rowsOut) == [6, 6, 0])
    #expect(report.map(\.counts.bytesIn) == [0, 48, 48] && report.map(\.counts.bytesOut) == [48, 48, 0])
    #expect(report[0].counts.batchesOut == 4 && report[1].counts.batchesIn > 0)
    #expect(report.allSatisfy { $0.queuedBatches == 0 && $0.queuedBytes == 0 })
    #expect(report[1].counts.busyNanoseconds > 0)
  }

  @Test("an operator's outputs and a source's several consumers each get every row")
  func fanOut() {
    let journal = self.journal
    let split = TestGraph.step("split", to: [[.step(index: 1, input: 0), .output(0)], [.step(index: 2, input: 0)]]) {
      (_) throws(Failure) in
      TestOperator("split", journal: journal) { (batch, _, output) throws(Failure) in
        try output.emit(Rows.filter(batch) { $0 % 2 == 0 }, output: 0)
        try output.emit(Rows.filter(batch) { $0 % 2 != 0 }, output: 1)
      }
    }
    func sink(_ name: String, blocks: Bool = false) -> JobGraph.Step {
      TestGraph.sink(name) { (_) throws(Failure) in TestSink(name, blocks: blocks, journal: journal) }
    }
    let source = TestGraph.source(
      steps: [split, sink("even", blocks: true), sink("odd"), sink("all")],
      entry: [.step(index: 0, input: 0), .step(index: 3, input: 0), .output(1)], outputs: 2
    ) { (_) throws(Failure) in TestSource("source", journal: journal, batches: [[1, 2, 3, 4], [5], [6]]) }
    let other = TestGraph.task("other", steps: [sink("far even")])
    let third = TestGraph.task("third", steps: [sink("far all")])
    let fourth = TestGraph.task("fourth", steps: [sink("far all again")])
    let failure = TestGraph.run(
      [source, other, third, fourth],
      [
        TestGraph.edge(0, 1, .forward), TestGraph.edge(0, 2, .forward, output: 1),
        TestGraph.edge(0, 3, TestGraph.byModulo, output: 1),
      ])
    #expect(failure == nil)
    #expect(journal.rows("even") == [2, 4, 6] && journal.rows("odd") == [1, 3, 5])
    #expect(journal.rows("far even") == [2, 4, 6] && journal.rows("all") == [1, 2, 3, 4, 5, 6])
    #expect(journal.rows("far all") == [1, 2, 3, 4, 5, 6] && journal.rows("far all again") == [1, 2, 3, 4, 5, 6])
  }

  @Test(
    "a broadcast brings every row to every subtask, in order and in the same memory", arguments: blocking, [1, 2, 3])
  func broadcast(blocking: (Bool, Bool), receivers: Int) {
    let addresses = Monitor([Int64: Set<UInt>]())
    let journal = self.journal
    let batches: [[Int64]] = (0..<20).map { [$0 * 2, $0 * 2 + 1] }
    let tasks = [
      TestGraph.source { (_) throws(Failure) in
        TestSource("source", blocks: blocking.0, journal: journal, batches: batches)
      },
      TestGraph.task(
        "end", parallelism: receivers,
        steps: [
          TestGraph.sink { (place) throws(Failure) in
            TestSink("sink \(place.id.index)", blocks: blocking.1, journal: journal) { batch in
              let address = UInt(bitPattern: batch.columns[0].values(Int64.self))
              addresses.withLock { _ = $0[Rows.ids(batch)[0], default: []].insert(address) }
            }
          }
        ]),
    ]
    let options = JobOptions(threads: 2, batchDelay: .zero, channelBatches: 2)
    #expect(TestGraph.run(tasks, [TestGraph.edge(0, 1, .broadcast)], options) == nil)
    for index in 0..<receivers { #expect(journal.rows("sink \(index)") == batches.flatMap { $0 }) }
    #expect(addresses.withLock { $0.values.allSatisfy { $0.count == 1 } })
  }

  @Test("small batches leave a channel as one, and a delay of zero leaves them as they are")
  func coalescing() {
    for (delay, expected) in [(Duration.seconds(60), [3]), (.zero, [1, 1, 1])] {
      let journal = Journal()
      let (tasks, edges) = JobTests.line(
        journal, batches: [[1], [2], [3]], blocking: (false, false), tasks: 3)
      #expect(TestGraph.run(tasks, edges, JobOptions(batchDelay: delay)) == nil)
      #expect(journal.batches("sink") == expected)
    }
  }

  @Test("a sink is flushed when its input pauses", arguments: [false, true])
  func flushes(blocks: Bool) throws {
    let feed = Monitor([Int64]())
    let journal = self.journal
    let source = TestGraph.source(
      steps: [TestGraph.sink { (_) throws(Failure) in TestSink("sink", blocks: blocks, journal: journal) }],
      entry: [.step(index: 0, input: 0)], outputs: 0
    ) { (_) throws(Failure) in
      TestSource("source", journal: journal) {
        feed.withLock { rows in
          defer { rows = [] }
          return rows.isEmpty ? .idle : .batch(Rows.batch(rows))
        }
      }
    }
    let job = Job(
      graph: JobGraph(name: "test", tasks: [source], edges: []), options: JobOptions(), log: TestGraph.log)
    job.start()
    for round in 1...3 {
      feed.withLock { $0 = [Int64(round)] }
      #expect(
        journal.wait { view in
          let calls = view.entries.filter { $0.part == "sink" }.map(\.call)
          return calls.filter { $0 == "write" }.count == round && calls.last == "flush"
        })
    }
    job.stop()
    try job.wait()
    #expect(journal.rows("sink") == [1, 2, 3])
  }
}
