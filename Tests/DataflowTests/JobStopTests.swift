import Arrow
import Base
import Observability
import Synchronization
import TestSupport
import Testing

@testable import Dataflow

struct JobStopTests {
  private let journal = Journal()

  /// Gives rows 0, 1, 2, … one batch of `rows` after the other, for ever.
  static func endless(_ journal: Journal, blocks: Bool, rows: Int = 10) -> TestSource {
    var next: Int64 = 0
    return TestSource("source", blocks: blocks, journal: journal) {
      defer { next += Int64(rows) }
      return .batch(Rows.batch(next..<next + Int64(rows)))
    }
  }

  static func job(
    _ journal: Journal, blocking: (Bool, Bool), options: JobOptions, onWrite: @escaping @Sendable (RecordBatch) -> Void
  ) -> Job {
    let tasks = [
      TestGraph.source { (_) throws(Failure) in JobStopTests.endless(journal, blocks: blocking.0) },
      TestGraph.task(
        "middle",
        steps: [
          TestGraph.step("op", to: [[.output(0)]]) { (_) throws(Failure) in TestOperator("op", journal: journal) }
        ], outputs: 1),
      TestGraph.task(
        "end",
        steps: [
          TestGraph.sink { (_) throws(Failure) in
            TestSink("sink", blocks: blocking.1, journal: journal, onWrite: onWrite)
          }
        ]),
    ]
    let edges = [TestGraph.edge(0, 1, .rebalance), TestGraph.edge(1, 2, .forward)]
    return Job(graph: JobGraph(name: "test", tasks: tasks, edges: edges), options: options, log: TestGraph.log)
  }

  @Test("a stop drains what is in flight: the sink has every row that the source gave", arguments: JobTests.blocking)
  func drains(blocking: (Bool, Bool)) throws {
    for threads in 1...2 {
      let journal = Journal()
      let job = JobStopTests.job(journal, blocking: blocking, options: JobOptions(threads: threads)) { _ in }
      job.start()
      #expect(journal.wait { ($0.rows["sink"]?.count ?? 0) > 1000 })
      job.stop()
      job.stop()
      try job.wait()
      try job.wait()
      let rows = journal.rows("sink")
      #expect(rows == Array(0..<Int64(rows.count)))
      #expect(job.report()[0].counts.rowsOut == rows.count)
      #expect(journal.count("source", "stop") == 1 && journal.count("sink", "close complete") == 1)
    }
  }

  @Test("a stop works while every channel is full and the sink is stuck", arguments: JobTests.blocking)
  func stopWhileFull(blocking: (Bool, Bool)) throws {
    let gate = Monitor(false)
    let options = JobOptions(threads: 2, batchDelay: .zero, channelBytes: 400, channelBatches: 2)
    let job = JobStopTests.job(journal, blocking: blocking, options: options) { _ in
      _ = gate.wait { $0 ? true : nil }
    }
    job.start()
    // Nothing moves any more when the source has been backpressured: its reads stay where they are.
    #expect(journal.wait { view in view.entries.contains { $0.part == "sink" && $0.call == "write" } })
    job.stop()
    gate.withLock { $0 = true }
    gate.broadcast()
    try job.wait()
    let rows = journal.rows("sink")
    #expect(rows == Array(0..<Int64(rows.count)) && job.report()[0].counts.rowsOut == rows.count)
  }

  @Test(
    "a call that does not return is told with its stage, and none is when all have returned", arguments: [false, true])
  func runningCalls(inOpen: Bool) throws {
    let gate = Monitor(false)
    let journal = Journal()
    let reached = Monitor(false)
    func wait() {
      reached.withLock { $0 = true }
      reached.broadcast()
      _ = gate.wait { $0 ? true : nil }
    }
    let source = TestGraph.source(
      steps: [
        TestGraph.step("op", to: [[.step(index: 1, input: 0)]]) { (_) throws(Failure) in
          if inOpen { wait() }
          return TestOperator("op", journal: journal) { (batch, _, output) throws(Failure) in
            wait()
            try output.emit(batch, output: 0)
          }
        }, TestGraph.sink { (_) throws(Failure) in TestSink("sink", journal: journal) },
      ], entry: [.step(index: 0, input: 0)], outputs: 0
    ) { (_) throws(Failure) in TestSource("source", journal: journal, batches: [[1], [2]]) }
    let job = Job(graph: JobGraph(name: "test", tasks: [source], edges: []), log: TestGraph.log)
    #expect(job.runningCalls().isEmpty)
    let starter = try OSThread(name: "start") { job.start() }
    _ = reached.wait { $0 ? true : nil }
    let calls = job.runningCalls()
    #expect(calls.map(\.label) == ["op"] && calls.map(\.uid) == ["op-uid"] && calls.map(\.subtask) == [0])
    gate.withLock { $0 = true }
    gate.broadcast()
    starter.join()
    try job.wait()
    #expect(job.runningCalls().isEmpty)
  }

  @Test("a failure is told at once, also while another part does not return")
  func whenFailed() throws {
    let gate = Monitor(false)
    let told = Monitor(false)
    let journal = Journal()
    let stuck = TestGraph.source("stuck") { (_) throws(Failure) in
      TestSource("stuck", blocks: true, journal: journal) {
        _ = gate.wait { $0 ? true : nil }
        return .end
      }
    }
    journal.plan(Failure(.data, "bad"), in: "sink", "write")
    let failing = TestGraph.source("failing") { (_) throws(Failure) in
      TestSource("failing", journal: journal, batches: [[1]])
    }
    let end = TestGraph.task(
      "end", inputs: 2,
      steps: [
        TestGraph.sink { (_) throws(Failure) in
          TestSink("sink", journal: journal)
        }
      ])
    let graph = JobGraph(
      name: "test", tasks: [stuck, failing, end],
      edges: [TestGraph.edge(0, 2, .forward, input: 0), TestGraph.edge(1, 2, .forward, input: 1)])
    let job = Job(graph: graph, log: TestGraph.log) {
      told.withLock { $0 = true }
      told.broadcast()
    }
    job.start()
    _ = told.wait { $0 ? true : nil }
    #expect(job.failure?.message.contains("bad") == true)
    #expect(job.runningCalls().contains { $0.label == "stuck" } || journal.count("stuck", "read") == 0)
    gate.withLock { $0 = true }
    gate.broadcast()
    #expect(TestGraph.failure(of: job)?.message == job.failure?.message)
  }

  @Test(
    "a job that was stopped before it started opens and closes everything and reads nothing",
    arguments: JobTests.blocking)
  func stoppedBefore(blocking: (Bool, Bool)) throws {
    let job = JobStopTests.job(journal, blocking: blocking, options: JobOptions()) { _ in }
    job.stop()
    job.start()
    try job.wait()
    #expect(journal.count("source", "read") == 0 && journal.count("sink", "close complete") == 1)
    #expect(journal.count("source", "close") == 1)
  }

  @Test("a stop ends a read that waits")
  func stopsRead() throws {
    let waiting = Monitor(false)
    let journal = self.journal
    let source = TestGraph.source(
      steps: [TestGraph.sink { (_) throws(Failure) in TestSink("sink", journal: journal) }],
      entry: [.step(index: 0, input: 0)], outputs: 0
    ) { (_) throws(Failure) in
      TestSource(
        "source", blocks: true, journal: journal,
        onStop: {
          waiting.withLock { $0 = true }
          waiting.broadcast()
        },
        next: {
          _ = waiting.wait { $0 ? true : nil }
          return .idle
        })
    }
    let job = Job(
      graph: JobGraph(name: "test", tasks: [source], edges: []), options: JobOptions(), log: TestGraph.log)
    job.start()
    #expect(journal.wait { view in view.entries.contains { $0.call == "read" } })
    #expect(try !job.wait(atMost: .milliseconds(1)))
    job.stop()
    try job.wait()
    #expect(journal.count("source", "read") == 1)
  }

  @Test(
    "bytes on the channels stay within their bound while a sink is slow, and the source waits",
    arguments: [false, true])
  func backpressure(blocks: Bool) throws {
    // The job's channels lie between these two; rows that the sink has not seen are on them, or held or waiting beside them.
    let options = JobOptions(threads: 2, batchRows: 8, channelBytes: 800, channelBatches: 4)
    let highest = Atomic<Int>(0)
    let given = Atomic<Int>(0)
    let journal = self.journal
    let source = TestGraph.source { (_) throws(Failure) in
      var next: Int64 = 0
      return TestSource("source", blocks: blocks, journal: journal) {
        if next == 4000 { return .end }
        defer { next += 8 }
        given.store(Int(next) + 8, ordering: .relaxed)
        return .batch(Rows.batch(next..<next + 8))
      }
    }
    let seen = Atomic<Int>(0)
    let sink = TestGraph.task(
      "end",
      steps: [
        TestGraph.sink { (_) throws(Failure) in
          TestSink("sink", blocks: blocks, journal: journal) { batch in
            let behind = given.load(ordering: .relaxed) - seen.load(ordering: .relaxed)
            if behind > highest.load(ordering: .relaxed) { highest.store(behind, ordering: .relaxed) }
            seen.add(batch.length, ordering: .relaxed)
            let end = MonotonicTime.now + 20_000
            while MonotonicTime.now < end {}
          }
        }
      ])
    let job = Job(
      graph: JobGraph(name: "test", tasks: [source, sink], edges: [TestGraph.edge(0, 1)]), options: options,
      log: TestGraph.log)
    job.start()
    try job.wait()
    #expect(journal.rows("sink") == Array(0..<4000))
    // 64 bytes a batch, at most 4 of them on a channel. One channel, or with two threads of their own three; beside each one
    // batch that waits for room and one in hand.
    let channels = blocks ? 3 : 1
    let bound = channels * (4 + 2) * 8 + 8
    #expect(highest.load(ordering: .relaxed) <= bound, "\(highest.load(ordering: .relaxed)) of \(bound) rows")
    #expect(highest.load(ordering: .relaxed) >= 4 * 8, "the channel was used")
    #expect(job.report()[0].counts.backpressuredNanoseconds > 0)
  }
}
