import Arrow
import Base
import Glibc
import Testing

@testable import Dataflow

/// Takes a batch, is full, and gives it when the test answers.
private final class Answering: WaitingOperator {
  private var held: [RecordBatch] = []
  private(set) var mostHeld = 0
  private var isAnswered = false

  var isFull: Bool { !held.isEmpty }
  var isPending: Bool { !held.isEmpty }
  var pendingRows: Int { held.reduce(0) { $0 + $1.rowCount } }
  var wakeTime: ProcessingTime? { isAnswered && !held.isEmpty ? ProcessingTime(microseconds: .min) : nil }

  func answer() { isAnswered = true }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    held.append(batch)
    mostHeld = max(mostHeld, held.count)
  }
  func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    isAnswered = false
    try output.emit(held.removeFirst(), output: 0)
  }
}

/// Gives each row as many times as it is told to, one batch a call.
private final class Multiplying: Operator {
  private let times: Int
  private var rest: [Int64] = []

  init(_ times: Int) { self.times = times }

  var hasMore: Bool { !rest.isEmpty }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    for id in Rows.ids(batch) { rest += [Int64](repeating: id, count: times) }
    try proceed(to: output)
  }
  func proceed(to output: any Collector) throws(Failure) {
    try output.emit(Rows.batch([rest.removeFirst()]), output: 0)
  }
}

/// Gives each row at the time that it names, one batch a call.
private final class Timed: Operator {
  private var times: [Int64] = []

  var wakeTime: ProcessingTime? { times.first.map { ProcessingTime(microseconds: $0) } }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) { times += Rows.ids(batch) }
  func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    try output.emit(Rows.batch([times.removeFirst()]), output: 0)
  }
}

@Suite("An operator that is full")
struct FullOperatorTests {
  private let journal = Journal()

  /// The ids that came out, each for itself.
  private func words(_ bench: ChainBench) -> [String] {
    bench.output().flatMap { $0.split(separator: ",").map(String.init) }
  }

  /// Answers until nothing comes any more.
  private func drain(_ bench: ChainBench, _ answering: Answering...) -> [String] {
    var found: [String] = []
    for _ in 0..<1_000 {
      let outcome = bench.run()
      found += words(bench)
      if case .done = outcome { return found }
      for one in answering { one.answer() }
    }
    Issue.record("it does not end")
    return found
  }

  @Test("gets nothing from one in front of it that has more, until it was answered")
  func hasMore() throws {
    let answering = Answering()
    let bench = try ChainBench([Multiplying(3), answering])
    for element in [.batch(Rows.batch([1, 2])), .batch(Rows.batch([3])), .end] as [StreamElement] { bench.put(element) }
    guard case .waiting(until: nil) = bench.run() else { return #expect(Bool(false), "it waits for an answer") }
    #expect(bench.inputs[0].take() != nil, "what comes next is not read")
    #expect(drain(bench, answering) == ["1", "1", "1", "2", "2", "2", "end"])
    #expect(answering.mostHeld == 1)
  }

  @Test("gets nothing from one that is given several batches in a call")
  func manyInACall() throws {
    let answering = Answering()
    let splitting = TestOperator("split", journal: journal) { (batch, _, output) throws(Failure) in
      for id in Rows.ids(batch) { try output.emit(Rows.batch([id]), output: 0) }
    }
    let bench = try ChainBench([splitting, Multiplying(2), answering])
    for element in [.batch(Rows.batch([1, 2, 3])), .batch(Rows.batch([4])), .end] as [StreamElement] {
      bench.put(element)
    }
    #expect(drain(bench, answering) == ["1", "1", "2", "2", "3", "3", "4", "4", "end"])
    #expect(answering.mostHeld == 1)
  }

  @Test("gets nothing from one whose time has come, which is not asked again and again")
  func timers() throws {
    let clock = ManualClock()
    let answering = Answering()
    let bench = try ChainBench([Timed(), answering], clock: .manual(clock))
    bench.put(.batch(Rows.batch([1, 2, 3])))
    _ = bench.run()
    clock.advance(to: ProcessingTime(microseconds: 5))
    var found: [String] = []
    for _ in 0..<4 {
      guard case .waiting(until: nil) = bench.run() else { return #expect(Bool(false), "it waits for an answer") }
      found += words(bench)
      answering.answer()
    }
    #expect(found == ["1", "2", "3"])
    #expect(answering.mostHeld == 1)
  }

  @Test("holds back another one in front of it, and both end")
  func two() throws {
    let (first, second) = (Answering(), Answering())
    let bench = try ChainBench([Multiplying(2), first, Multiplying(3), second])
    for element in [.batch(Rows.batch([1, 2])), .end] as [StreamElement] { bench.put(element) }
    #expect(
      drain(bench, first, second) == [Int](repeating: 1, count: 6).map(String.init)
        + [Int](repeating: 2, count: 6).map(String.init) + ["end"])
    #expect(first.mostHeld == 1)
    #expect(second.mostHeld == 1)
  }

  @Test("is told with its rows while they have no answer, and not when they have")
  func pendingRows() throws {
    let gate = Gate()
    let task = TestGraph.source(
      steps: [TestGraph.step("asking", to: [[]]) { (place) throws(Failure) in Asking(gate, place.notifier) }],
      entry: [.step(index: 0, input: 0)], outputs: 0
    ) { (_) throws(Failure) in TestSource("source", journal: journal, batches: [[1, 2, 3]]) }
    let job = Job(graph: JobGraph(name: "test", tasks: [task], edges: []), log: TestGraph.log)
    job.start()
    // The source's end waits for the answer.
    while job.pendingRows().isEmpty && job.failure == nil { sched_yield() }
    let pending = job.pendingRows()
    #expect(
      pending.map(\.label) == ["asking"] && pending.map(\.uid) == ["asking-uid"] && pending.map(\.rows) == [3])
    gate.open()
    try job.wait()
    #expect(job.pendingRows().isEmpty)
  }
}

/// Whether a test has answered, and whom it tells.
private final class Gate: Sendable {
  private let state = Monitor<(isOpen: Bool, notifier: SubtaskNotifier?)>((false, nil))

  var isOpen: Bool { state.withLock { $0.isOpen } }
  func attach(_ notifier: SubtaskNotifier) { state.withLock { $0.notifier = notifier } }
  func open() {
    let notifier = state.withLock { state in
      state.isOpen = true
      return state.notifier
    }
    notifier?.notify()
  }
}

/// Has its rows answered by a gate.
private final class Asking: WaitingOperator {
  private let gate: Gate
  private var held: RecordBatch?

  init(_ gate: Gate, _ notifier: SubtaskNotifier) {
    self.gate = gate
    gate.attach(notifier)
  }

  var isFull: Bool { held != nil }
  var isPending: Bool { held != nil }
  var pendingRows: Int { held?.rowCount ?? 0 }
  var wakeTime: ProcessingTime? { isPending && gate.isOpen ? ProcessingTime(microseconds: .min) : nil }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) { held = batch }
  func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) { held = nil }
}
