import Base
import Observability
import Synchronization
import Testing

@testable import Dataflow

/// What a job tells of itself while it runs.
struct JobReportTests {
  private let journal = Journal()

  /// A job whose sink does not return from its first call before it is let go.
  private final class Held: Sendable {
    let isLetGo = Monitor(false)
    let isHeld = Atomic<Bool>(false)

    func hold() {
      isHeld.store(true, ordering: .sequentiallyConsistent)
      isLetGo.wait { $0 ? () : nil }
    }

    func letGo() {
      isLetGo.withLock { $0 = true }
      isLetGo.broadcast()
    }
  }

  private func job(blocks: Bool, batches: Int, _ held: Held) -> Job {
    let source = TestGraph.source { [journal] (_) throws(Failure) in
      TestSource(
        "source", blocks: blocks, journal: journal, batches: (0..<batches).map { [Int64($0) * 2, Int64($0) * 2 + 1] })
    }
    let sink = TestGraph.task(
      "end",
      steps: [
        TestGraph.sink { [journal] (_) throws(Failure) in
          TestSink("sink", blocks: blocks, journal: journal) { _ in held.hold() }
        }
      ])
    let options = JobOptions(threads: 2, batchRows: 2, channelBytes: 800, channelBatches: 4)
    return Job(
      graph: JobGraph(name: "test", tasks: [source, sink], edges: [TestGraph.edge(0, 1)]), options: options,
      log: TestGraph.log)
  }

  @Test(
    "a job that a sink holds up shows it while it lasts: full channels, a call, and time that passes",
    arguments: [false, true])
  func heldUp(blocks: Bool) throws {
    let held = Held()
    let job = job(blocks: blocks, batches: 100, held)
    #expect(!job.haveSourcesEnded && job.stateMemory == nil)
    job.start()
    defer { held.letGo() }
    #expect(Eventually.so { held.isHeld.load(ordering: .sequentiallyConsistent) })
    // The source waits for room, and says so before the wait is over.
    #expect(Eventually.so { job.report()[0].counts.backpressuredNanoseconds > 0 })
    let first = job.report()
    #expect(
      Eventually.so { job.report()[0].counts.backpressuredNanoseconds > first[0].counts.backpressuredNanoseconds })
    #expect(first.map(\.kind) == [.source, .sink] && first.map(\.id) == ["source-uid", "sink-uid"])
    let call = try #require(first[1].subtasks[0].runningCall)
    #expect(Eventually.so { job.report()[1].subtasks[0].runningCall.map { $0 > call } == true })
    let input = try #require(first[1].subtasks[0].input)
    // With threads of their own a second channel leads to the sink's thread, behind that of its task.
    #expect(input.batchLimit == (blocks ? 8 : 4) && input.byteLimit == (blocks ? 1600 : 800))
    #expect(Eventually.so { job.report()[1].subtasks[0].input.map { $0.batches >= 4 && $0.bytes > 0 } == true })
    #expect(first[1].queuedBatches == input.batches && first[1].queuedBytes == input.bytes)
    #expect(!job.haveSourcesEnded && job.stateMemory?.usedBytes == 0)
    held.letGo()
    try job.wait()
    let last = job.report()
    #expect(last[1].subtasks[0].runningCall == nil && last[1].subtasks[0].input == nil)
    let passed = last[0].counts.backpressuredNanoseconds
    #expect(job.report()[0].counts.backpressuredNanoseconds == passed, "after its end no time passes")
  }

  @Test("that its sources have ended shows while what they gave is still on its way", arguments: [false, true])
  func sourcesEnd(blocks: Bool) throws {
    let held = Held()
    let job = job(blocks: blocks, batches: 1, held)
    job.start()
    defer { held.letGo() }
    #expect(Eventually.so { job.haveSourcesEnded })
    held.letGo()
    try job.wait()
    #expect(!job.haveSourcesEnded, "a job that has ended has no sources")
  }

  @Test("the sum of a stage is that of its subtasks", arguments: [false, true])
  func subtasks(blocks: Bool) throws {
    let source = TestGraph.source(parallelism: 3) { [journal] (context) throws(Failure) in
      TestSource(
        "source \(context.id.index)", blocks: blocks, journal: journal,
        batches: [[1, 2], [3]].prefix(context.id.index).map { $0 })
    }
    let sink = TestGraph.task(
      "end", parallelism: 2,
      steps: [
        TestGraph.sink { [journal] (context) throws(Failure) in
          TestSink("sink \(context.id.index)", blocks: blocks, journal: journal)
        }
      ])
    let job = Job(
      graph: JobGraph(name: "test", tasks: [source, sink], edges: [TestGraph.edge(0, 1, TestGraph.byModulo)]),
      options: JobOptions(), log: TestGraph.log)
    job.start()
    try job.wait()
    let report = job.report()
    #expect(report[0].subtasks.map(\.counts.rowsOut) == [0, 2, 3] && report[0].counts.rowsOut == 5)
    #expect(report[1].subtasks.map(\.counts.rowsIn) == [2, 3] && report[1].counts.rowsIn == 5)
  }
}
