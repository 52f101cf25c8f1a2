import Base
import Testing

@testable import Dataflow

struct JobAbortTests {
  let journal = Journal()

  private func source(
    _ name: String, first: Int64, _ budget: ReadBudget, _ steps: [JobGraph.Step] = []
  ) -> JobGraph.Task {
    TestGraph.source(name, steps: steps, entry: [steps.isEmpty ? .output(0) : .step(index: 0, input: 0)]) {
      (place) throws(Failure) in
      ReplaySource(name, place, splits: [(first..<first + 20).map { .batch(Rows.batch([$0])) }], budget: budget)
    }
  }

  @Test("an epoch that is aborted while channels wait for it lets them go, and the next one is complete")
  func aligning() throws {
    let (checkpoints, files, gate) = (TestCheckpoints(), TestFiles(), EpochGate())
    let (open, stuck) = (ReadBudget(), ReadBudget())
    let waiting = TestGraph.step("waiting", to: [[.output(0)]]) { (place) throws(Failure) in
      GatedOperator(gate, place.notifier)
    }
    let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files) }
    let pass = TestGraph.step("pass", to: [[.output(0)]]) { (_) throws(Failure) in
      TestOperator("pass", journal: journal)
    }
    let tasks = [
      source("open", first: 0, open), source("stuck", first: 100, stuck, [waiting]),
      TestGraph.task("join", inputs: 2, steps: [pass], outputs: 1), TestGraph.task("end", steps: [sink]),
    ]
    let edges = [TestGraph.edge(0, 2), TestGraph.edge(1, 2, input: 1), TestGraph.edge(2, 3)]
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: edges),
      options: JobOptions(batchDelay: .zero, checkpoints: checkpoints), log: TestGraph.log)
    job.start()
    stuck.add(1)
    open.add(2)
    #expect(Eventually.so { gate.isHolding && journal.count("pass", "process") == 2 })
    let epoch = checkpoints.nextEpoch()
    #expect(job.begin(epoch) == .begun)
    #expect(checkpoints.wait { $0.given[epoch]?.keys.contains { $0.id == "open-uid" } == true })
    open.add(5)
    #expect(Eventually.so { job.report()[0].counts.rowsOut == 7 })
    #expect(journal.count("pass", "process") == 2, "behind the barrier nothing is read")
    #expect(!checkpoints.hasGiven(epoch, "sink-uid"))
    job.abort(epoch)
    #expect(Eventually.so { journal.count("pass", "process") == 7 })
    // The other source's barrier comes when nobody waits for it any more.
    gate.open()
    stuck.add(3)
    #expect(Eventually.so { journal.count("pass", "process") == 11 })
    #expect(!checkpoints.hasGiven(epoch, "sink-uid"))
    let next = checkpoints.nextEpoch()
    #expect(job.begin(next) == .begun)
    #expect(checkpoints.wait { $0.isWhole(next) })
    checkpoints.complete(next)
    job.commit(next)
    #expect(checkpoints.wait { $0.committed[next] != nil })
    #expect(files.counts("sink").count == 11)
    let alignment = job.report().map(\.counts.alignmentNanoseconds)
    #expect(alignment.reduce(0, +) > 0 && alignment[0] == 0, "\(alignment)")
    open.letAllEnd()
    stuck.letAllEnd()
    #expect(checkpoints.wait { $0.hasEnded })
    let last = checkpoints.nextEpoch()
    #expect(job.begin(last) == .begun)
    checkpoints.complete(last)
    job.commit(last)
    #expect(try job.wait(atMost: .seconds(60)))
    #expect(files.counts("sink").count == 40)
  }

  @Test("a job that failed declines epochs, and what was prepared stays hidden", arguments: [true, false])
  func failed(blocks: Bool) throws {
    let (checkpoints, files, budget) = (TestCheckpoints(), TestFiles(), ReadBudget())
    let sink = TestGraph.sink { (place) throws(Failure) in FileSink("sink", place, files, blocks: blocks) }
    let tasks = [source("source", first: 0, budget), TestGraph.task("end", steps: [sink])]
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 1)]),
      options: JobOptions(batchDelay: .zero, checkpoints: checkpoints), log: TestGraph.log)
    #expect(job.begin(Epoch(1)) == .declined("the job does not run"))
    job.start()
    budget.add(3)
    #expect(Eventually.so { job.report()[1].counts.rowsIn == 3 })
    let epoch = checkpoints.nextEpoch()
    #expect(job.begin(epoch) == .begun)
    #expect(checkpoints.wait { $0.isWhole(epoch) })
    job.fail(Failure(.io, "the checkpoint directory is full"))
    if case .begun = job.begin(checkpoints.nextEpoch()) { #expect(Bool(false), "it has failed") }
    #expect(TestGraph.failure(of: job)?.message == "the checkpoint directory is full")
    #expect(files.hidden == ["sink/0/1"] && files.shown.isEmpty)
    let plain = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 1)]), log: TestGraph.log)
    plain.start()
    #expect(plain.begin(Epoch(1)) == .declined("the job keeps no checkpoints"))
    budget.letAllEnd()
    #expect(TestGraph.failure(of: plain) == nil)
  }
}
