import Base
import Observability
import TestSupport
import Testing

@testable import Dataflow

@Suite(.serialized)
struct JobLatencyTests {
  @Test(
    "a row that a source's thread reads is written by a sink's thread, behind an exchange, before its delay has passed twice"
  )
  func threeChannels() throws {
    let journal = Journal()
    let line = Monitor(Int64?.none)
    let written = Monitor((row: Int64(-1), time: MonotonicTime.now))
    let tasks = [
      TestGraph.source { (_) throws(Failure) in
        TestSource("source", blocks: true, journal: journal) {
          let row: Int64? = line.wait(until: .now + 5_000_000) { $0.take() }
          return row.map { .batch(Rows.batch([$0])) } ?? .idle
        }
      },
      TestGraph.task(
        "end", parallelism: 2,
        steps: [
          TestGraph.sink { (_) throws(Failure) in
            TestSink("sink", blocks: true, journal: journal) { batch in
              written.withLock { $0 = (Rows.ids(batch)[0], .now) }
              written.broadcast()
            }
          }
        ]),
    ]
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 1, TestGraph.byModulo)]),
      options: JobOptions(batchDelay: .milliseconds(10)), log: TestGraph.log)
    job.start()
    var latencies: [Int64] = []
    for row in Int64(0)..<20 {
      let start = MonotonicTime.now
      line.withLock { $0 = row }
      line.broadcast()
      let end: MonotonicTime? = written.wait(until: start + 5_000_000_000) { $0.row == row ? $0.time : nil }
      latencies.append(try #require(end) - start)
    }
    job.stop()
    try job.wait()
    // Other tests run beside this one; the fastest rows show the delays alone. Three delays in a row would be 30 ms.
    let fastest = latencies.sorted()[3]
    #expect(fastest >= 10_000_000 && fastest < 20_000_000, "\(latencies)")
  }

  @Test("a sink that is due is flushed although nothing comes, and not before its time")
  func due() throws {
    let journal = Journal()
    let flushes = Monitor([MonotonicTime]())
    let start = MonotonicTime.now
    let sink = TestGraph.sink { (_) throws(Failure) in
      TestSink(
        "sink", blocks: true, journal: journal,
        onFlush: {
          flushes.withLock { $0.append(.now) }
          flushes.broadcast()
        }, due: { start + 1_000_000 * Int64(1 + flushes.withLock { $0.count }) })
    }
    let tasks = [
      TestGraph.source { (_) throws(Failure) in
        TestSource("source", blocks: true, journal: journal) {
          let enough: Bool? = flushes.wait(until: .now + 5_000_000) { $0.count >= 20 ? true : nil }
          return enough == nil ? .idle : .end
        }
      },
      TestGraph.task("end", steps: [sink]),
    ]
    #expect(TestGraph.run(tasks, [TestGraph.edge(0, 1)]) == nil)
    for (index, time) in flushes.withLock({ $0 }).prefix(20).enumerated() {
      #expect(time - start >= 1_000_000 * Int64(1 + index))
    }
  }
}
