import Arrow
import Base
import Dataflow
import Observability
import Testing
import VolleyPlan

@testable import Connectors

/// A job that is told to stop while its sink waits for somebody who does not come.
@Suite("Stop of a job whose Flight sink waits", .timeLimit(.minutes(2))) struct FlightStopTests {
  /// Gives a row again and again.
  private final class Endless: Source {
    let blocks = false
    private let row: RecordBatch
    private let count: Monitor<Int>

    init(_ row: RecordBatch, _ count: Monitor<Int>) {
      self.row = row
      self.count = count
    }

    func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
      count.withLock { $0 += 1 }
      count.broadcast()
      return .batch(row)
    }
  }

  @Test("it ends soon, though its sink would wait for ever, and says what was not taken")
  func subscribers() async throws {
    try await aside {
      let fields = [Field("n", .int64)]
      let row = batch(fields, [[.int64(1)]])
      let serving = try makeSink(
        "flight-serve",
        [.init("address", "localhost:0"), .init("stream", "of a job"), .init("subscribers", 1)],
        fields)
      let count = Monitor(0)
      let sink = JobGraph.Step(
        label: "sink out", uid: "out",
        body: .sink { context throws(Failure) in try serving.make(context) }, outputs: [])
      let task = JobGraph.Task(
        name: "endless → sink", parallelism: 1,
        head: .source(label: "endless", uid: "in") { _ throws(Failure) in
          Endless(row, count)
        },
        steps: [sink], entry: [[.step(index: 0, input: 0)]], outputCount: 0)
      let log = EventLog(minimum: .error) { _ in }
      let job = Job(graph: JobGraph(name: "waits", tasks: [task], edges: []), log: log)
      job.start()
      // So many rows are not given before the sink was handed the first.
      #expect(count.wait(until: .now + 30_000_000_000) { $0 > 100 ? true : nil } == true)
      job.stop()
      let said = message { _ = try job.wait(atMost: .seconds(60)) }
      #expect(said.contains("0 of 1 subscribers have come when the job was to stop"), "\(said)")
    }
  }
}
