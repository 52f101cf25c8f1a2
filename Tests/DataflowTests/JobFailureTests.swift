import Base
import Observability
import TestSupport
import Testing

@testable import Dataflow

struct JobFailureTests {
  /// Every call that may fail.
  static let calls: [(part: String, call: String)] = [
    ("source", "make"), ("source", "open"), ("source", "read"), ("source", "close"),
    ("op", "make"), ("op", "open"), ("op", "process"), ("op", "finish"), ("op", "close"),
    ("sink", "make"), ("sink", "open"), ("sink", "write"), ("sink", "flush"), ("sink", "close"),
  ]

  @Test(
    "a failure in any call of any part ends the job with the stage's name, and what was opened is closed",
    arguments: calls, JobTests.blocking)
  func failsAnywhere(where: (part: String, call: String), blocking: (Bool, Bool)) {
    let (part, call) = `where`
    for tasks in [1, 3] {
      for threads in 1...2 {
        let journal = Journal()
        journal.plan(Failure(.io, "the disk is full"), in: part, call)
        let (tasks, edges) = JobTests.line(journal, batches: [[1], [2], [3]], blocking: blocking, tasks: tasks)
        let failure = TestGraph.run(tasks, edges, JobOptions(threads: threads))
        #expect(failure == Failure(.io, "stage '\(part)' (uid \(part)-uid): the disk is full"))
        check(journal, failed: (part, call))
      }
    }
  }

  private func check(_ journal: Journal, failed: (part: String, call: String)) {
    for part in ["source", "op", "sink"] {
      let wasOpened = journal.count(part, "open") == 1 && failed != (part, "open")
      #expect(journal.count(part, "close") == (wasOpened ? 1 : 0), "\(part) after \(failed)")
    }
    // A sink that was closed before the failure, or that failed itself in its close, may have been complete.
    if failed.call != "close" {
      #expect(journal.count("sink", "close complete") == 0, "after \(failed)")
    }
  }

  @Test("of several failures the first is told, and only once")
  func first() {
    let journal = Journal()
    journal.plan(Failure(.data, "first"), in: "op", "process")
    journal.plan(Failure(.data, "second"), in: "op", "close")
    journal.plan(Failure(.data, "third"), in: "sink", "close")
    let (tasks, edges) = JobTests.line(journal, batches: [[1]], blocking: (false, false), tasks: 1)
    #expect(TestGraph.run(tasks, edges)?.message == "stage 'op' (uid op-uid): first")
  }

  @Test("a failure ends endless sources and stuck channels at once", arguments: JobTests.blocking)
  func endless(blocking: (Bool, Bool)) {
    let journal = Journal()
    let options = JobOptions(threads: 2, batchDelay: .zero, channelBytes: 200, channelBatches: 1)
    journal.plan(Failure(.data, "no"), in: "op", "watermark")
    let job = JobStopTests.job(journal, blocking: blocking, options: options) { batch in
      if Rows.ids(batch).contains(500) { journal.plan(Failure(.data, "no"), in: "op", "process") }
    }
    job.start()
    #expect(TestGraph.failure(of: job)?.message == "stage 'op' (uid op-uid): no")
    #expect(journal.count("source", "close") == 1 && journal.count("source", "stop") <= 1)
    #expect(journal.count("sink", "close incomplete") == 1)
  }

  @Test("a failure and a stop at the same time end the job once")
  func failureAndStop() {
    for _ in 0..<30 {
      let journal = Journal()
      let job = JobStopTests.job(journal, blocking: (true, true), options: JobOptions(threads: 2)) { batch in
        if Rows.ids(batch).contains(50) { journal.plan(Failure(.data, "no"), in: "sink", "write") }
      }
      job.start()
      #expect(journal.wait { ($0.rows["sink"]?.count ?? 0) >= 10 })
      job.stop()
      if let failure = TestGraph.failure(of: job) { #expect(failure.message == "stage 'sink' (uid sink-uid): no") }
      #expect(journal.count("source", "close") == 1 && journal.count("sink", "close") == 1)
    }
  }

  @Test("the log tells of a start, a stop and a failure")
  func log() {
    let events = Monitor([LogEvent]())
    let log = EventLog { event in events.withLock { $0.append(event) } }
    let journal = Journal()
    journal.plan(Failure(.io, "gone"), in: "source", "open")
    let (tasks, edges) = JobTests.line(journal, batches: [], blocking: (false, false), tasks: 1)
    let job = Job(graph: JobGraph(name: "orders", tasks: tasks, edges: edges), log: log)
    job.start()
    _ = TestGraph.failure(of: job)
    let seen = events.withLock { $0 }
    #expect(seen.map(\.name) == ["job.starting", "job.failed"])
    #expect(seen[1].level == .error && seen[1]["job"] == "orders" && seen[1]["domain"] == "external")
    #expect(seen[1].message == "stage 'source' (uid source-uid): gone")
  }
}
