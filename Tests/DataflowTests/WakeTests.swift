import Arrow
import Base
import Observability
import TestSupport
import Testing

@testable import Dataflow

private func at(_ microseconds: Int64) -> ProcessingTime { ProcessingTime(microseconds: microseconds) }

/// Asks to be woken at times that its rows name, and notes everything.
private final class Sleeper: Operator {
  private(set) var words: [String] = []
  private var times: [Int64] = []
  private let emits: Bool
  private let perCall: Int

  init(emits: Bool = false, perCall: Int = .max) {
    self.emits = emits
    self.perCall = perCall
  }

  var wakeTime: ProcessingTime? { times.min().map { at($0) } }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    times += Rows.ids(batch)
    words.append("p" + Rows.ids(batch).map(String.init).joined(separator: ","))
  }
  func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    let due = times.sorted().prefix { $0 <= now.microseconds }.prefix(perCall)
    times.removeAll { due.contains($0) }
    words.append("k\(now.microseconds)")
    if emits { try output.emit(Rows.batch(Array(due)), output: 0) }
  }
  func finish(to output: any Collector) throws(Failure) { words.append("finish") }
}

struct WakeTests {
  private let clock = ManualClock()

  private func rows(_ ids: Int64...) -> StreamElement { .batch(Rows.batch(ids)) }

  @Test("an operator is woken when its time has come though nothing comes in, not before, and once")
  func nothingComesIn() throws {
    let sleeper = Sleeper()
    let bench = try ChainBench([sleeper], clock: .manual(clock))
    bench.put(rows(5, 9))
    guard case .waiting(until: nil) = bench.run() else { return #expect(Bool(false), "it waits") }
    for time in Int64(1)...10 {
      clock.advance(to: at(time))
      _ = bench.run()
    }
    #expect(sleeper.words == ["p5,9", "k5", "k9"])
  }

  @Test("also while input flows: between two batches, after the first was looked at")
  func inputFlows() throws {
    let sleeper = Sleeper()
    let bench = try ChainBench([sleeper], clock: .manual(clock))
    clock.advance(to: at(10))
    for element in [rows(5), rows(11), rows(7, 8), .end] { bench.put(element) }
    _ = bench.run()
    #expect(sleeper.words == ["p5", "k10", "p11", "p7,8", "k10", "finish"])
  }

  @Test("what has come in goes before an operator that waited for it")
  func inputFirst() throws {
    let sleeper = Sleeper()
    let bench = try ChainBench([sleeper], clock: .manual(clock))
    bench.put(rows(5))
    _ = bench.run()
    clock.advance(to: at(6))
    bench.put(rows(100))
    _ = bench.run()
    #expect(sleeper.words == ["p5", "p100", "k6"])
  }

  @Test("of several operators the one with the earliest time is woken first, of the same time the first of the chain")
  func several() throws {
    let journal = Journal()
    final class Named: Operator {
      let name: String
      let journal: Journal
      var time: Int64?
      init(_ name: String, _ time: Int64, _ journal: Journal) {
        (self.name, self.time, self.journal) = (name, time, journal)
      }
      var wakeTime: ProcessingTime? { time.map { at($0) } }
      func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {}
      func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
        time = nil
        try journal.note(name, "wake")
      }
    }
    let bench = try ChainBench(
      [Named("a", 7, journal), Named("b", 5, journal), Named("c", 5, journal)], clock: .manual(clock))
    _ = bench.run()
    #expect(journal.entries.isEmpty)
    clock.advance(to: at(8))
    _ = bench.run()
    #expect(journal.entries.map(\.part) == ["b", "c", "a"])
  }

  @Test(
    "it is not woken while an output has no room, and much is emitted in several calls with the outputs emptied between"
  )
  func room() throws {
    let sleeper = Sleeper(emits: true, perCall: 1)
    let bench = try ChainBench([sleeper], outputLimit: 1, waitingBytes: 8, clock: .manual(clock))
    bench.put(rows(1, 2, 3, 4))
    _ = bench.run()
    clock.advance(to: at(9))
    var words: [String] = []
    for _ in 0..<6 {
      _ = bench.run()
      #expect(bench.control.failure == nil)
      words += bench.output()
    }
    #expect(words == ["1", "2", "3", "4"])
    #expect(sleeper.words == ["p1,2,3,4", "k9", "k9", "k9", "k9"])
  }

  @Test("after the end nobody is woken")
  func end() throws {
    let sleeper = Sleeper()
    let bench = try ChainBench([sleeper], clock: .manual(clock))
    clock.advance(to: at(9))
    for element in [.end] as [StreamElement] { bench.put(element) }
    bench.put(rows(1))
    _ = bench.run()
    #expect(sleeper.words == ["finish"])
  }

  @Test("a watermark that is made in a wake, or an idle signal, goes on its way before the next batch")
  func watermarks() throws {
    final class Timeout: Operator {
      let makesWatermarks = true
      var last: Int64?
      var wakeTime: ProcessingTime? { last.map { at($0 + 10) } }
      let clock: ManualClock
      init(_ clock: ManualClock) { self.clock = clock }
      func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
        last = clock.now.microseconds
        try output.emit(batch, output: 0)
        output.advance(to: EventTime(microseconds: Rows.ids(batch).max() ?? 0))
      }
      func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
        last = nil
        output.becomeIdle()
      }
    }
    let bench = try ChainBench([Timeout(clock)], clock: .manual(clock))
    for time in stride(from: Int64(0), to: 30, by: 5) {
      clock.advance(to: at(time))
      if time == 0 || time == 5 || time == 20 { bench.put(rows(time)) }
      _ = bench.run()
    }
    #expect(bench.output() == ["0", "w0", "5", "w5", "idle", "w5", "20", "w20"])
  }

  @Test("the input is quiet since it was found empty, until something comes, and not while it is not looked at")
  func quiet() throws {
    let journal = Journal()
    let bench = try ChainBench([TestOperator("op", journal: journal)], outputLimit: 1, clock: .manual(clock))
    #expect(bench.context.input.quietSince == nil)
    clock.advance(to: at(3))
    _ = bench.run()
    clock.advance(to: at(4))
    _ = bench.run()
    #expect(bench.context.input.quietSince == at(3))
    bench.put(rows(1))
    bench.put(rows(2))
    // One batch lies on the output, one waits for room.
    _ = bench.run()
    #expect(bench.context.input.quietSince == nil)
    clock.advance(to: at(5))
    _ = bench.output()
    _ = bench.run()
    #expect(bench.context.input.quietSince == at(5))
  }
}

@Suite(.serialized)
struct WakeInJobsTests {
  /// Wakes every two milliseconds, and counts how often it was asked.
  private final class Ticker: Operator, @unchecked Sendable {  // One thread at a time.
    struct Seen {
      var wakes: [(wanted: ProcessingTime, now: ProcessingTime)] = []
      var asked = 0
    }
    let seen: Monitor<Seen>
    private var next: ProcessingTime

    init(_ seen: Monitor<Seen>, _ clock: SubtaskClock) {
      self.seen = seen
      next = clock.now + 2000
    }
    var wakeTime: ProcessingTime? {
      seen.withLock { $0.asked += 1 }
      return next
    }
    func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {}
    func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
      let wanted = next
      next = now + 2000
      seen.withLock { $0.wakes.append((wanted, now)) }
      seen.broadcast()
    }
  }

  @Test("on the system's clock a silent input does not keep an operator asleep, and nobody spins", arguments: 1...2)
  func system(threads: Int) throws {
    let seen = Monitor(Ticker.Seen())
    let isOver = Monitor(false)
    let journal = Journal()
    let tasks = [
      TestGraph.source(
        steps: [TestGraph.step("ticker", to: [[]]) { (place) throws(Failure) in Ticker(seen, place.clock) }],
        entry: [.step(index: 0, input: 0)], outputs: 0
      ) { (_) throws(Failure) in
        TestSource("source", blocks: true, journal: journal) {
          isOver.wait(until: .now + 5_000_000) { $0 ? true : nil } == nil ? .idle : .end
        }
      }
    ]
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: []), options: JobOptions(threads: threads), log: TestGraph.log)
    job.start()
    let result: Ticker.Seen? = seen.wait(until: .now + 10_000_000_000) { $0.wakes.count >= 20 ? $0 : nil }
    isOver.withLock { $0 = true }
    isOver.broadcast()
    try job.wait()
    let wakes = try #require(result)
    for wake in wakes.wakes { #expect(wake.now >= wake.wanted) }
    // A few times for each wake: before it, when it has come, and when the subtask goes to rest.
    #expect(wakes.asked < 20 * wakes.wakes.count, "\(wakes.asked) for \(wakes.wakes.count)")
  }

  @Test("who moves a clock by hand wakes the operators of a running job", arguments: 1...2)
  func manual(threads: Int) throws {
    let clock = ManualClock()
    let seen = Monitor(Ticker.Seen())
    let isOver = Monitor(false)
    let journal = Journal()
    let tasks = [
      TestGraph.source { (_) throws(Failure) in
        TestSource("source", blocks: true, journal: journal) {
          isOver.wait(until: .now + 5_000_000) { $0 ? true : nil } == nil ? .idle : .end
        }
      },
      TestGraph.task(
        "end", steps: [TestGraph.step("ticker", to: [[]]) { (place) throws(Failure) in Ticker(seen, place.clock) }]),
    ]
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 1)]),
      options: JobOptions(threads: threads, clock: .manual(clock)), log: TestGraph.log)
    job.start()
    for round in 1...100 {
      clock.advance(to: ProcessingTime(microseconds: Int64(round) * 2000))
      let came: Bool? = seen.wait(until: .now + 10_000_000_000) { $0.wakes.count == round ? true : nil }
      try #require(came == true, "a wake-up was lost in round \(round)")
    }
    isOver.withLock { $0 = true }
    isOver.broadcast()
    try job.wait()
    clock.advance(to: ProcessingTime(microseconds: .max))
    #expect(seen.withLock { $0.wakes.map(\.now.microseconds) } == (1...100).map { Int64($0) * 2000 })
  }
}
