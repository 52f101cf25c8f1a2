import Base
import TestSupport
import Testing

@testable import Dataflow

/// Runs a job with epochs at random times, until it ends, is cut off or stops with an epoch.
private struct EpochRun {
  enum End {
    case ended, cut, stopped
  }

  let graph: EpochGraph
  let checkpoints: TestCheckpoints
  let files: TestFiles
  let budget = ReadBudget()
  var generator: SeededGenerator
  private(set) var faults: [String] = []
  private(set) var completed = 0
  private(set) var aborted = 0

  init(_ graph: EpochGraph, _ checkpoints: TestCheckpoints, _ files: TestFiles, _ generator: SeededGenerator) {
    self.graph = graph
    self.checkpoints = checkpoints
    self.files = files
    self.generator = generator
  }

  private mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &generator) == 0 }

  /// - Parameter mayStop: whether it is to be cut off or stopped before it ends.
  mutating func run(mayStop: Bool) -> End? {
    checkpoints.restart()
    files.restart()
    let options = JobOptions(
      threads: Int.random(in: 1...3, using: &generator), batchRows: Int.random(in: 1...40, using: &generator),
      batchDelay: [.zero, .milliseconds(1)].randomElement(using: &generator) ?? .zero,
      channelBytes: Int.random(in: 8...600, using: &generator),
      channelBatches: Int.random(in: 1...4, using: &generator), checkpoints: checkpoints)
    let job = Job(graph: graph.build(files, budget, &generator), options: options, log: TestGraph.log)
    job.start()
    for round in 0... {
      budget.add(Int.random(in: 0...12, using: &generator))
      if oneIn(5), let source = graph.sources.randomElement(using: &generator) { budget.letEnd(source) }
      if !mayStop || round > 8 { budget.letAllEnd() }
      let hasEnded = checkpoints.hasEnded
      let epoch = checkpoints.nextEpoch()
      let stops = mayStop && !hasEnded && oneIn(8)
      guard (stops ? job.stop(with: epoch) : job.begin(epoch)) == .begun else {
        return failed(job, "the epoch was declined")
      }
      if !hasEnded && !stops && oneIn(4) {
        if oneIn(2) { _ = checkpoints.wait { $0.given[epoch] != nil || $0.isWhole(epoch) } }
        job.abort(epoch)
        aborted += 1
        continue
      }
      let isLate = oneIn(2)
      if !isLate { budget.add(5) }
      if mayStop && !hasEnded && oneIn(8) { return cut(job) }
      guard checkpoints.wait(for: { $0.isWhole(epoch) }) else { return failed(job, "epoch \(epoch) is not whole") }
      if mayStop && oneIn(8) { return cut(job) }
      checkpoints.complete(epoch)
      completed += 1
      if mayStop && oneIn(8) { return cut(job) }
      job.commit(epoch)
      if hasEnded || stops {
        guard hasFinished(job) else { return failed(job, "it does not end") }
        return hasEnded ? .ended : .stopped
      }
      if oneIn(2) {
        let sinks = checkpoints.places.filter { if case .sink = $0.kind { true } else { false } }.count
        guard checkpoints.wait(for: { $0.committed[epoch]?.count == sinks }) else {
          return failed(job, "epoch \(epoch) is not committed")
        }
      }
      if mayStop && oneIn(8) { return cut(job) }
    }
    return nil
  }

  private func hasFinished(_ job: Job) -> Bool {
    do throws(Failure) { return try job.wait(atMost: .seconds(60)) } catch { return false }
  }

  private mutating func failed(_ job: Job, _ fault: String) -> End? {
    faults.append("\(fault): \(job.failure?.message ?? "")")
    return cut(job) == .cut ? nil : nil
  }

  private func cut(_ job: Job) -> End {
    job.fail(Failure(.software, "cut"))
    _ = TestGraph.failure(of: job)
    return .cut
  }
}

struct RandomEpochTests {
  @Test(
    "random graphs, cut off, stopped and aborted at random, go on in another parallelism and show each row as without"
  )
  func cut() {
    var generator = SeededGenerator()
    var ends: [EpochRun.End: Int] = [:]
    var (completed, aborted) = (0, 0)
    for _ in 0..<40 {
      let graph = EpochGraph(&generator)
      let (checkpoints, files) = (TestCheckpoints(), TestFiles())
      for round in 0... {
        var run = EpochRun(graph, checkpoints, files, generator)
        let end = run.run(mayStop: round < 6)
        generator = run.generator
        completed += run.completed
        aborted += run.aborted
        #expect(run.faults == [], "\(generator)")
        guard let end else { return }
        ends[end, default: 0] += 1
        if end == .ended { break }
      }
      for sink in graph.sinks { #expect(files.counts(sink.name) == sink.counts, "\(sink.name), \(generator)") }
      #expect(files.hidden == [], "\(generator)")
    }
    #expect(ends[.cut] ?? 0 > 20 && ends[.stopped] ?? 0 > 5 && ends[.ended] == 40, "\(ends)")
    #expect(completed > 100 && aborted > 20)
  }

  @Test("the same graphs without epochs show the same")
  func plain() {
    var generator = SeededGenerator()
    for _ in 0..<30 {
      let graph = EpochGraph(&generator)
      let (files, budget) = (TestFiles(), ReadBudget())
      budget.letAllEnd()
      let job = Job(graph: graph.build(files, budget, &generator), log: TestGraph.log)
      job.start()
      #expect(TestGraph.failure(of: job) == nil, "\(generator)")
      for sink in graph.sinks { #expect(files.counts(sink.name) == sink.counts, "\(sink.name), \(generator)") }
    }
  }
}
