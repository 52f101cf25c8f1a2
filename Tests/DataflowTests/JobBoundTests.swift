import Base
import TestSupport
import Testing

@testable import Dataflow

@Suite("A job runs an epoch again that has been")
struct JobBoundTests {
  private static let splits: [[ReadOutcome]] = [
    [.batch(Rows.batch([1])), .batch(Rows.batch([2])), .batch(Rows.batch([3]))],
    [.batch(Rows.batch([4])), .batch(Rows.batch([5]))], [.batch(Rows.batch([6]))],
  ]

  private func job(_ checkpoints: TestCheckpoints, _ files: TestFiles, parallelism: Int, blocks: Bool) -> Job {
    let budget = ReadBudget()
    budget.add(1 << 20)
    let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files) }
    let tasks = [
      TestGraph.source(parallelism: parallelism) { (place) throws(Failure) in
        ReplaySource("source", place, splits: Self.splits, budget: budget, blocks: blocks)
      }, TestGraph.task("end", parallelism: 2, steps: [sink]),
    ]
    return Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 1, TestGraph.byModulo)]),
      options: JobOptions(checkpoints: checkpoints), log: TestGraph.log)
  }

  @Test(
    "it gives the rows between two epochs, however early the barrier comes, and ends only where it had ended",
    arguments: [false, true], [false, true])
  func rows(hasEnded: Bool, blocks: Bool) throws {
    for parallelism in 1...3 {
      let (checkpoints, files) = (TestCheckpoints(), TestFiles())
      var shown: [Int64: Int] = [:]
      var positions: [SplitPosition] = []
      for (counts, rows) in [([1, 0, 0], [1]), ([2, 1, 0], [2, 4]), ([2, 1, 0], []), ([3, 2, 1], [3, 5, 6])] {
        checkpoints.restart()
        files.restart()
        positions = counts.enumerated().map { SplitPosition(split: "\($0.offset)", position: "\($0.element)") }
        checkpoints.bind(SourceBound(positions: positions, hasEnded: hasEnded))
        let job = job(checkpoints, files, parallelism: parallelism, blocks: blocks)
        job.start()
        let epoch = checkpoints.nextEpoch()
        #expect(job.stop(with: epoch) == .begun)
        #expect(checkpoints.wait { $0.isWhole(epoch) && $0.hasEnded == hasEnded })
        checkpoints.complete(epoch)
        job.commit(epoch)
        #expect(try job.wait(atMost: .seconds(60)))
        for row in rows { shown[Int64(row), default: 0] += 1 }
        #expect(files.counts("sink") == shown, "\(counts), \(parallelism)")
      }
    }
  }

  @Test("a source that cannot be read just as far is refused with its name")
  func refused() {
    let checkpoints = TestCheckpoints()
    checkpoints.bind(SourceBound(positions: [], hasEnded: false))
    let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, TestFiles()) }
    let source = TestGraph.source { (_) throws(Failure) in OnceSource() }
    let job = Job(
      graph: JobGraph(
        name: "test", tasks: [source, TestGraph.task("end", steps: [sink])],
        edges: [TestGraph.edge(0, 1, TestGraph.byModulo)]),
      options: JobOptions(checkpoints: checkpoints), log: TestGraph.log)
    job.start()
    #expect(
      TestGraph.failure(of: job)?.message.hasSuffix("cannot run a past epoch again: what it gave is not read again")
        == true)
  }
}

/// A source without positions.
private final class OnceSource: Source {
  let blocks = false
  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome { .end }
}
