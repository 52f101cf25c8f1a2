import Base
import Observability
import TestSupport
import Testing

@testable import Dataflow

/// A source whose rows come out of order, a chain or a task that drops late ones, and a sink.
private func lateGraph(
  _ files: TestFiles, _ budget: ReadBudget, batches: [[Int64]], chained: Bool, parallelism: Int, blocks: Bool
) -> JobGraph {
  let marking = TestGraph.step("marking", to: [[chained ? .step(index: 1, input: 0) : .output(0)]]) {
    (_) throws(Failure) in MarkingOperator(delay: 20)
  }
  let late = TestGraph.step("late", to: [[.output(0)]]) { (_) throws(Failure) in LateOperator() }
  let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files) }
  let source = TestGraph.source(
    steps: chained ? [marking, late] : [marking], entry: [.step(index: 0, input: 0)]
  ) { (place) throws(Failure) in
    ReplaySource("source", place, splits: [batches.map { .batch(Rows.batch($0)) }], budget: budget, blocks: blocks)
  }
  var tasks = [source]
  if !chained { tasks.append(TestGraph.task("late", parallelism: parallelism, steps: [late], outputs: 1)) }
  tasks.append(TestGraph.task("end", steps: [sink]))
  let edges = tasks.indices.dropLast().map { TestGraph.edge($0, $0 + 1, TestGraph.byModulo) }
  return JobGraph(name: "test", tasks: tasks, edges: edges)
}

struct JobEpochTests {
  let journal = Journal()

  private func finish(_ job: Job, _ checkpoints: TestCheckpoints) throws {
    #expect(checkpoints.wait { $0.hasEnded })
    let epoch = checkpoints.nextEpoch()
    #expect(job.begin(epoch) == .begun)
    checkpoints.complete(epoch)
    job.commit(epoch)
    #expect(try job.wait(atMost: .seconds(60)))
  }

  private func take(_ job: Job, _ checkpoints: TestCheckpoints) {
    let epoch = checkpoints.nextEpoch()
    #expect(job.begin(epoch) == .begun)
    #expect(checkpoints.wait { $0.isWhole(epoch) })
    checkpoints.complete(epoch)
    job.commit(epoch)
  }

  private func cut(_ job: Job) {
    job.fail(Failure(.software, "cut"))
    #expect(TestGraph.failure(of: job)?.message == "cut")
  }

  @Test("an operator's state stays until it has given all that it has at the end")
  func endBehindRows() throws {
    let (checkpoints, files, budget) = (TestCheckpoints(), TestFiles(), ReadBudget())
    budget.letAllEnd()
    let giving = TestGraph.step("giving", to: [[.output(0)]]) { (_) throws(Failure) in
      GivingOperator(journal) { checkpoints.hasGiven(Epoch(0), "giving-uid") }
    }
    let source = TestGraph.source(steps: [giving], entry: [.step(index: 0, input: 0)]) { (place) throws(Failure) in
      ReplaySource("source", place, splits: [[.batch(Rows.batch(Array(0..<50)))]], budget: budget)
    }
    let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files) }
    let graph = JobGraph(
      name: "test", tasks: [source, TestGraph.task("end", steps: [sink])],
      edges: [TestGraph.edge(0, 1, TestGraph.byModulo)])
    let job = Job(graph: graph, options: JobOptions(batchDelay: .zero, checkpoints: checkpoints), log: TestGraph.log)
    job.start()
    try finish(job, checkpoints)
    #expect(journal.calls(of: "giving") == Array(repeating: "with state", count: 50))
    #expect(files.counts("sink").count == 50)
  }

  @Test("what is late is decided after a restart as it would have been without", arguments: [true, false])
  func lateRows(chained: Bool) throws {
    var generator = SeededGenerator()
    for _ in 0..<8 {
      let batches = (0..<30).map { batch in
        (0..<5).map { _ in Int64(batch * 10) + Int64.random(in: -60...60, using: &generator) }
      }
      let (plain, all) = (TestFiles(), ReadBudget())
      all.letAllEnd()
      let reference = Job(
        graph: lateGraph(plain, all, batches: batches, chained: chained, parallelism: 1, blocks: false),
        log: TestGraph.log)
      reference.start()
      #expect(TestGraph.failure(of: reference) == nil)
      #expect(plain.counts("sink").values.reduce(0, +) < 140, "some are late, \(generator)")
      let (checkpoints, files, budget) = (TestCheckpoints(), TestFiles(), ReadBudget())
      for round in 0... {
        checkpoints.restart()
        files.restart()
        let graph = lateGraph(
          files, budget, batches: batches, chained: chained, parallelism: Int.random(in: 1...3, using: &generator),
          blocks: Bool.random(using: &generator))
        let job = Job(
          graph: graph, options: JobOptions(batchDelay: .zero, checkpoints: checkpoints), log: TestGraph.log)
        job.start()
        budget.add(Int.random(in: 0...6, using: &generator))
        if round == 8 {
          budget.letAllEnd()
          try finish(job, checkpoints)
          break
        }
        take(job, checkpoints)
        budget.add(Int.random(in: 0...3, using: &generator))
        cut(job)
      }
      #expect(files.counts("sink") == plain.counts("sink"), "\(generator)")
    }
  }

  @Test(
    "rows of the end show when their epoch is committed, and the job ends then and not before",
    arguments: [true, false])
  func end(blocks: Bool) throws {
    let (checkpoints, files, budget) = (TestCheckpoints(), TestFiles(), ReadBudget())
    let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files, blocks: blocks) }
    let tasks = [
      TestGraph.source { (place) throws(Failure) in
        ReplaySource(
          "source", place, splits: [[.batch(Rows.batch([1, 2]))], [.batch(Rows.batch([3]))]], budget: budget)
      }, TestGraph.task("end", parallelism: 2, steps: [sink]),
    ]
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 1, TestGraph.byModulo)]),
      options: JobOptions(checkpoints: checkpoints), log: TestGraph.log)
    job.start()
    budget.letAllEnd()
    #expect(checkpoints.wait { $0.hasEnded })
    #expect(try !job.wait(atMost: .milliseconds(20)))
    #expect(files.shown.isEmpty && files.hidden == ["sink/0/1", "sink/1/1"])
    try finish(job, checkpoints)
    #expect(files.hidden.isEmpty && files.counts("sink") == [1: 1, 2: 1, 3: 1])
    #expect(checkpoints.committed(Epoch(1)).count == 2)
    guard case .positions(let positions) = checkpoints.part("source-uid") else {
      return #expect(Bool(false), "a source's part is positions")
    }
    #expect(positions == [SplitPosition(split: "0", position: "1"), SplitPosition(split: "1", position: "1")])

    // What has ended ends again, and shows nothing twice.
    checkpoints.restart()
    files.restart()
    let again = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 1, TestGraph.byModulo)]),
      options: JobOptions(checkpoints: checkpoints), log: TestGraph.log)
    again.start()
    try finish(again, checkpoints)
    #expect(files.counts("sink") == [1: 1, 2: 1, 3: 1])
  }

  @Test("a source that was idle holds nobody back behind what was told before the restart")
  func idle() throws {
    let (checkpoints, files, resting, other) = (TestCheckpoints(), TestFiles(), ReadBudget(), ReadBudget())
    func job() -> Job {
      func source(_ name: String, _ ids: [Int64], _ budget: ReadBudget, rests: Bool) -> JobGraph.Task {
        let marking = TestGraph.step("\(name) marking", to: [[.output(0)]]) { (_) throws(Failure) in
          MarkingOperator(delay: 0, rests: rests)
        }
        return TestGraph.source(name, steps: [marking], entry: [.step(index: 0, input: 0)]) {
          (place) throws(Failure) in
          ReplaySource(name, place, splits: [ids.map { .batch(Rows.batch([$0])) }], budget: budget)
        }
      }
      let late = TestGraph.step("late", to: [[.step(index: 1, input: 0)]]) { (_) throws(Failure) in LateOperator() }
      let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files) }
      let tasks = [
        source("resting", [100], resting, rests: true), source("other", [500, 450, 600], other, rests: false),
        TestGraph.task("late", inputs: 2, steps: [late, sink]),
      ]
      return Job(
        graph: JobGraph(
          name: "test", tasks: tasks, edges: [TestGraph.edge(0, 2), TestGraph.edge(1, 2, input: 1)]),
        options: JobOptions(batchDelay: .zero, checkpoints: checkpoints), log: TestGraph.log)
    }
    let first = job()
    first.start()
    resting.add(1)
    other.add(1)
    #expect(Eventually.so { first.report()[4].counts.watermark == EventTime(microseconds: 500) })
    take(first, checkpoints)
    cut(first)

    checkpoints.restart()
    files.restart()
    let second = job()
    second.start()
    // The one that was idle is active, far behind, and neither idle nor at its end.
    other.add(2)
    #expect(Eventually.so { second.report()[4].counts.rowsIn == 2 })
    take(second, checkpoints)
    other.letAllEnd()
    resting.letAllEnd()
    try finish(second, checkpoints)
    #expect(files.counts("sink") == [100: 1, 500: 1, 600: 1])
  }

  @Test("a stop with an epoch finishes nothing: what operators hold is in the epoch, and comes after the restart")
  func stop() throws {
    let (checkpoints, files, budget) = (TestCheckpoints(), TestFiles(), ReadBudget())
    func job() -> Job {
      let hold = TestGraph.step("hold", to: [[.output(0)]]) { (place) throws(Failure) in HoldingOperator(place) }
      let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files, blocks: true) }
      let tasks = [
        TestGraph.source(steps: [hold], entry: [.step(index: 0, input: 0)]) { (place) throws(Failure) in
          ReplaySource("source", place, splits: [(0..<4).map { .batch(Rows.batch([$0])) }], budget: budget)
        }, TestGraph.task("end", steps: [sink]),
      ]
      return Job(
        graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 1)]),
        options: JobOptions(checkpoints: checkpoints), log: TestGraph.log)
    }
    let first = job()
    first.start()
    budget.add(2)
    #expect(Eventually.so { first.report()[0].counts.rowsOut == 2 })
    // An epoch that is aborted leaves the job as it stands; a later one stops it.
    let aborted = checkpoints.nextEpoch()
    #expect(first.stop(with: aborted) == .begun)
    #expect(checkpoints.wait { $0.isWhole(aborted) })
    first.abort(aborted)
    budget.add(1)
    let epoch = checkpoints.nextEpoch()
    #expect(first.stop(with: epoch) == .begun)
    #expect(checkpoints.wait { $0.isWhole(epoch) })
    #expect(try !first.wait(atMost: .milliseconds(10)))
    checkpoints.complete(epoch)
    first.commit(epoch)
    #expect(try first.wait(atMost: .seconds(60)))
    #expect(files.counts("sink") == [:])
    #expect(first.begin(Epoch(100)) == .declined("the job does not run"))
    let snapshots = first.report()[1].counts
    #expect(snapshots.snapshots == 2 && snapshots.snapshotBytes > 0 && snapshots.snapshotNanoseconds > 0)

    checkpoints.restart()
    files.restart()
    let second = job()
    second.start()
    budget.letAllEnd()
    try finish(second, checkpoints)
    #expect(files.counts("sink") == [0: 1, 1: 1, 2: 1, 3: 1])
  }

  @Test("no epoch begins while an input is read to its end before others; then one does")
  func awaited() throws {
    let (checkpoints, files, budget) = (TestCheckpoints(), TestFiles(), ReadBudget())
    func job() -> Job {
      func source(_ name: String, _ ids: Range<Int64>) -> JobGraph.Task {
        TestGraph.source(name) { (place) throws(Failure) in
          ReplaySource(name, place, splits: [ids.map { .batch(Rows.batch([$0])) }], budget: budget, blocks: true)
        }
      }
      let hold = TestGraph.step("hold", to: [[.output(0)]]) { (place) throws(Failure) in HoldingOperator(place) }
      let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files) }
      let tasks = [
        source("main", 0..<60), source("side", 100..<104),
        TestGraph.task("join", inputs: 2, steps: [hold], outputs: 1), TestGraph.task("end", steps: [sink]),
      ]
      var side = TestGraph.edge(1, 2, input: 1)
      side.side = .awaited
      return Job(
        graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 2), side, TestGraph.edge(2, 3)]),
        options: JobOptions(batchDelay: .zero, channelBatches: 2, checkpoints: checkpoints), log: TestGraph.log)
    }
    let first = job()
    first.start()
    let reason = "task 'join' still reads an input to its end, before its other inputs are read at all"
    #expect(first.begin(checkpoints.nextEpoch()) == .declined(reason))
    budget.add(20)
    budget.letEnd("side")
    #expect(
      Eventually.so {
        budget.add(1)
        return first.report()[1].counts.rowsOut == 4
      })
    let epoch = checkpoints.nextEpoch()
    #expect(Eventually.so { first.begin(epoch) == .begun })
    #expect(checkpoints.wait { $0.isWhole(epoch) })
    checkpoints.complete(epoch)
    cut(first)

    checkpoints.restart()
    files.restart()
    let second = job()
    second.start()
    budget.letAllEnd()
    try finish(second, checkpoints)
    let expected = Dictionary(uniqueKeysWithValues: (Array(0..<60) + Array(100..<104)).map { (Int64($0), 1) })
    #expect(files.counts("sink") == expected)
  }

  @Test("every stage with a part is told before anything is opened; what cannot take part gives an empty one")
  func parts() throws {
    let (checkpoints, budget) = (TestCheckpoints(), ReadBudget())
    let hold = TestGraph.step("hold", to: [[.output(0)]]) { (place) throws(Failure) in HoldingOperator(place) }
    let pass = TestGraph.step("pass", to: [[.step(index: 1, input: 0)]]) { (_) throws(Failure) in
      TestOperator("pass", journal: journal)
    }
    var plain = TestGraph.sink { (_) throws(Failure) in TestSink("sink", journal: journal) }
    plain.uid = nil
    var other = TestGraph.sink { (_) throws(Failure) in TestSink("other", blocks: true, journal: journal) }
    other.uid = nil
    let tasks = [
      TestGraph.source("replayed", steps: [pass, hold], entry: [.step(index: 0, input: 0)]) {
        (place) throws(Failure) in ReplaySource("replayed", place, splits: [], budget: budget)
      },
      TestGraph.source("plain", parallelism: 2) { (place) throws(Failure) in
        TestSource("plain", journal: journal) { budget.mayEnd("plain") ? .end : .idle }
      },
      TestGraph.task(
        "end", inputs: 2, steps: [plain, other], entry: [[.step(index: 0, input: 0)], [.step(index: 1, input: 0)]]),
    ]
    let job = Job(
      graph: JobGraph(
        name: "test", tasks: tasks, edges: [TestGraph.edge(0, 2), TestGraph.edge(1, 2, input: 1)]),
      options: JobOptions(checkpoints: checkpoints), log: TestGraph.log)
    job.start()
    let parts = checkpoints.places.map { part in
      let kind =
        switch part.kind {
        case .source(let replays): "source \(replays)"
        case .state(let tables): "state \(tables.map(\.name).joined(separator: ","))"
        case .sink(let transactional): "sink \(transactional)"
        }
      return "\(part.place.id) \(part.place.subtask)/\(part.place.parallelism) \(kind)"
    }
    #expect(
      parts.sorted() == [
        "hold-uid 0/1 state rows,$progress", "plain-uid 0/2 source false", "plain-uid 1/2 source false",
        "replayed-uid 0/1 source true", "sink 1 0/1 sink false", "sink 2 0/1 sink false",
      ])
    take(job, checkpoints)
    #expect(journal.count("sink", "flush") == 1 && journal.count("other", "flush") == 1)
    budget.letAllEnd()
    try finish(job, checkpoints)
    #expect(journal.count("sink", "close complete") == 1 && journal.count("other", "close complete") == 1)
  }

  @Test("a barrier does not wait for a source that is held back until others come after it", arguments: [true, false])
  func heldBack(blocks: Bool) throws {
    let (checkpoints, files, budget) = (TestCheckpoints(), TestFiles(), ReadBudget())
    func source(_ name: String, _ first: Int64) -> JobGraph.Task {
      let marking = TestGraph.step("\(name) marking", to: [[.output(0)]]) { (_) throws(Failure) in
        MarkingOperator(delay: 0, alignment: WatermarkAlignment(group: "all", maxDrift: 10))
      }
      return TestGraph.source(name, steps: [marking], entry: [.step(index: 0, input: 0)]) { (place) throws(Failure) in
        ReplaySource(
          name, place, splits: [(0..<6).map { .batch(Rows.batch([first + $0 * 1000])) }], budget: budget, blocks: blocks
        )
      }
    }
    let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files) }
    let tasks = [source("slow", 0), source("fast", 500), TestGraph.task("end", inputs: 2, steps: [sink])]
    let edges = [TestGraph.edge(0, 2), TestGraph.edge(1, 2, input: 1)]
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: edges),
      options: JobOptions(batchDelay: .zero, checkpoints: checkpoints), log: TestGraph.log)
    job.start()
    for _ in 0..<6 {
      budget.add(2)
      take(job, checkpoints)
    }
    budget.letAllEnd()
    try finish(job, checkpoints)
    #expect(files.counts("sink").count == 12)
  }
}
